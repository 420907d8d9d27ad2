//! The retry policy: judges an attempt as delivered, to be retried at a moment, or failed for good. Pure: an
//! [`Outcome`], counts, the time and a random number in, a [`Verdict`] out.
//!
//! * The status decides as soon as the head is there. Any 2xx is a delivery, whatever becomes of its body. 410 means that
//!   the receiver is gone for good. Everything else, a redirect included, is retried until the attempts are used up.
//! * A request that met the end of a kept connection is retried at once.
//! * Backoff: the n-th retry waits for the n-th delay, the last delay repeats, and each varies at random by up to the
//!   jitter.
//! * `Retry-After` on a failure can only lengthen a delay, up to 24 hours.
//! * A 429 with `Retry-After` does not count as a failed attempt. To bound this, it holds only while the notification
//!   is younger than 72 hours, and for its first hundred such answers, since each is recorded. The next request then
//!   waits for at least a second, whatever the delays.

use super::sender::Outcome;
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use entity::Timestamp;
use http::{HeaderMap, header::RETRY_AFTER};
use std::time::Duration;

const MAX_ATTEMPTS: u32 = 50;
const MAX_DELAYS: usize = 50;
const MAX_DELAY: Duration = Duration::from_hours(7 * 24);
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// The age of a notification from which a 429 counts as an attempt.
const MAX_THROTTLED_AGE: Duration = Duration::from_hours(72);

/// The number of 429 answers that do not count as attempts.
const MAX_THROTTLED: u32 = 100;

/// The shortest wait after an attempt that does not count.
const MIN_THROTTLED_DELAY: Duration = Duration::from_secs(1);

/// The retry policy of a webhook: the number of attempts and the delays between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The most requests, the first included.
    pub max_attempts: u32,
    /// The delays before the second, third, … request; the last repeats. Never empty.
    pub delays: Vec<Duration>,
    /// The fraction by which a delay may vary.
    pub jitter: f64,
}

/// The attempts of a notification so far.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// Attempts that count, this one included.
    pub spent: u32,
    /// Earlier attempts that did not count (429).
    pub throttled: u32,
    /// The time since the notification was created.
    pub age: Duration,
}

/// The verdict on a notification after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has accepted it.
    Delivered,
    /// The notification is tried again.
    Retry {
        /// The earliest moment of the next attempt.
        at: Timestamp,
        /// True when the attempt counts against the policy.
        spent: bool,
    },
    /// The attempts are used up.
    Failed,
    /// The receiver is gone and wants no more deliveries (410).
    Gone,
}

impl Default for Policy {
    /// The example schedule of Standard Webhooks: ten attempts over three days.
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let seconds = [
            5,
            5 * MINUTE,
            30 * MINUTE,
            2 * HOUR,
            5 * HOUR,
            10 * HOUR,
            14 * HOUR,
            20 * HOUR,
            24 * HOUR,
        ];
        Self {
            max_attempts: 10,
            delays: seconds.map(Duration::from_secs).to_vec(),
            jitter: 0.2,
        }
    }
}

/// The parts of a policy that are given, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    max_attempts: Option<u32>,
    delays: Option<Vec<Duration>>,
    jitter: Option<f64>,
}

impl Parts {
    /// Parses a `retryPolicy` input. The error names the field.
    pub fn parse(max_attempts: Option<i32>, delays_ms: Option<&[i64]>, jitter: Option<f64>) -> Result<Self> {
        Ok(Self {
            max_attempts: max_attempts.map(check_attempts).transpose()?,
            delays: delays_ms.map(check_delays).transpose()?,
            jitter: jitter.map(check_jitter).transpose()?,
        })
    }

    /// Returns the policy of these parts; those that are absent are taken from `base`.
    pub fn over(&self, base: Policy) -> Policy {
        Policy {
            max_attempts: self.max_attempts.unwrap_or(base.max_attempts),
            delays: self.delays.clone().unwrap_or(base.delays),
            jitter: self.jitter.unwrap_or(base.jitter),
        }
    }
}

fn check_attempts(attempts: i32) -> Result<u32> {
    u32::try_from(attempts)
        .ok()
        .filter(|attempts| (1..=MAX_ATTEMPTS).contains(attempts))
        .ok_or_else(|| Error::invalid("retryPolicy.maxAttempts", format!("must be 1 to {MAX_ATTEMPTS}")))
}

fn check_delays(delays: &[i64]) -> Result<Vec<Duration>> {
    let refuse = |reason: String| Error::invalid("retryPolicy.delaysMs", reason);
    if !(1..=MAX_DELAYS).contains(&delays.len()) {
        return Err(refuse(format!("must have 1 to {MAX_DELAYS} entries")));
    }
    let read = |delay: &i64| {
        u64::try_from(*delay)
            .ok()
            .map(Duration::from_millis)
            .filter(|delay| *delay <= MAX_DELAY)
    };
    let delays: Option<Vec<_>> = delays.iter().map(read).collect();
    delays.ok_or_else(|| refuse(format!("must have entries of 0 to {} (7 days)", MAX_DELAY.as_millis())))
}

fn check_jitter(jitter: f64) -> Result<f64> {
    match (0.0..=1.0).contains(&jitter) {
        true => Ok(jitter),
        false => Err(Error::invalid("retryPolicy.jitter", "must be 0 to 1")),
    }
}

impl Policy {
    /// Judges an outcome. `random`, between 0 and 1, places the delay within the jitter.
    pub fn judge(&self, outcome: &Outcome, past: History, now: Timestamp, random: f64) -> Verdict {
        let History { spent, throttled, age } = past;
        match outcome.answer.as_ref().map(|answer| answer.status) {
            Some(200..=299) => return Verdict::Delivered,
            Some(410) => return Verdict::Gone,
            _ => {}
        }
        let asked = outcome
            .answer
            .as_ref()
            .and_then(|answer| retry_after(&answer.headers, now));
        let delay = match outcome.closed_kept {
            true => Duration::ZERO,
            false => self.delay(spent, random).max(asked.unwrap_or_default()),
        };
        let asks_to_wait = asked.is_some() && outcome.answer.as_ref().is_some_and(|answer| answer.status == 429);
        if asks_to_wait && age < MAX_THROTTLED_AGE && throttled < MAX_THROTTLED {
            let at = now.plus(delay.max(MIN_THROTTLED_DELAY));
            return Verdict::Retry { at, spent: false };
        }
        if spent >= self.max_attempts {
            return Verdict::Failed;
        }
        Verdict::Retry {
            at: now.plus(delay),
            spent: true,
        }
    }

    /// Returns the delay after so many attempts that count, with jitter.
    fn delay(&self, spent: u32, random: f64) -> Duration {
        let index = usize::try_from(spent.saturating_sub(1)).unwrap_or(usize::MAX);
        let delay = self
            .delays
            .get(index)
            .or(self.delays.last())
            .copied()
            .unwrap_or_default();
        delay.mul_f64((1.0 + self.jitter * (2.0 * random - 1.0)).clamp(0.0, 2.0))
    }
}

/// Returns `Retry-After` as a delay from now: seconds, or a date in one of HTTP's three forms.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is a very long time.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        Timestamp::from(DateTime::<Utc>::from(date)).since(now)
    };
    Some(delay.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::{Received, SendError};
    use bytes::Bytes;
    use entity::AttemptErrorKind;

    const NOW: Timestamp = Timestamp(1_600_923_368_000_000);
    const HOUR: Duration = Duration::from_hours(1);

    fn check(attempts: Option<i32>, delays_ms: Option<&[i64]>, jitter: Option<f64>) -> Result<Policy> {
        Parts::parse(attempts, delays_ms, jitter).map(|parts| parts.over(Policy::default()))
    }

    fn past(spent: u32, age: Duration) -> History {
        let throttled = 0;
        History { spent, throttled, age }
    }

    fn answer(status: u16, retry_after: &str) -> Outcome {
        let mut headers = HeaderMap::new();
        if !retry_after.is_empty() {
            headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        }
        Outcome {
            answer: Some(Received {
                status,
                headers,
                body: Bytes::new(),
                truncated: false,
            }),
            ..Outcome::default()
        }
    }

    fn with(kind: AttemptErrorKind, outcome: Outcome) -> Outcome {
        let error = SendError {
            kind,
            message: String::new(),
        };
        Outcome {
            error: Some(error),
            ..outcome
        }
    }

    /// Judges in the middle of the jitter.
    fn judge(outcome: &Outcome, spent: u32) -> Verdict {
        Policy::default().judge(outcome, past(spent, HOUR), NOW, 0.5)
    }

    fn after(seconds: u64) -> Verdict {
        Verdict::Retry {
            at: NOW.plus(Duration::from_secs(seconds)),
            spent: true,
        }
    }

    #[test]
    fn a_status_decides() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judge(&answer(status, ""), 1), Verdict::Delivered, "{status}");
        }
        assert_eq!(judge(&answer(410, ""), 1), Verdict::Gone);
        for status in [101, 300, 302, 304, 400, 401, 404, 413, 429, 500, 503, 599, 999] {
            assert_eq!(judge(&answer(status, ""), 1), after(5), "{status}");
            assert_eq!(judge(&answer(status, ""), 10), Verdict::Failed, "{status}");
        }
    }

    #[test]
    fn an_error_is_tried_again_and_one_behind_a_status_is_only_a_note() {
        use AttemptErrorKind::*;
        for kind in [Dns, Connect, Tls, Timeout, BlockedAddress, Protocol, Canceled] {
            assert_eq!(judge(&with(kind, Outcome::default()), 1), after(5), "{kind:?}");
            assert_eq!(judge(&with(kind, Outcome::default()), 10), Verdict::Failed, "{kind:?}");
        }
        assert_eq!(judge(&with(BodyTooLarge, answer(200, "")), 1), Verdict::Delivered);
        assert_eq!(judge(&with(BodyTooLarge, answer(500, "")), 1), after(5));
        for kind in [Timeout, Connect, Protocol] {
            assert_eq!(judge(&with(kind, answer(200, "")), 1), Verdict::Delivered, "{kind:?}");
            assert_eq!(judge(&with(kind, answer(410, "")), 1), Verdict::Gone, "{kind:?}");
            assert_eq!(judge(&with(kind, answer(503, "")), 1), after(5), "{kind:?}");
        }
        assert_eq!(judge(&with(Redirect, answer(302, "")), 1), after(5));
    }

    #[test]
    fn a_request_that_met_the_end_of_a_kept_connection_is_an_attempt_and_tried_again_at_once() {
        let outcome = Outcome {
            closed_kept: true,
            ..with(AttemptErrorKind::Connect, Outcome::default())
        };
        assert_eq!(judge(&outcome, 1), after(0));
        assert_eq!(judge(&outcome, 10), Verdict::Failed);
    }

    #[test]
    fn the_schedule_is_walked_to_its_end_and_its_last_delay_repeats() {
        let outcome = answer(500, "");
        let schedule = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
        for (spent, seconds) in (1..).zip(schedule) {
            assert_eq!(judge(&outcome, spent), after(seconds));
        }
        assert_eq!(judge(&outcome, 10), Verdict::Failed);
        assert_eq!(judge(&outcome, 11), Verdict::Failed);
        let policy = check(Some(5), Some(&[1000, 2000]), None).unwrap();
        assert_eq!(policy.judge(&outcome, past(4, HOUR), NOW, 0.5), after(2));
        let once = check(Some(1), None, None).unwrap();
        assert_eq!(once.judge(&outcome, past(1, HOUR), NOW, 0.5), Verdict::Failed);
    }

    #[test]
    fn the_jitter_goes_both_ways_by_its_fraction() {
        let at = |random| match Policy::default().judge(&answer(500, ""), past(2, HOUR), NOW, random) {
            Verdict::Retry { at, .. } => at.since(NOW).as_secs_f64(),
            other => panic!("{other:?}"),
        };
        for (random, seconds) in [(0.0, 240.0), (0.5, 300.0), (1.0, 360.0)] {
            assert!((at(random) - seconds).abs() < 0.001, "{random}");
        }
    }

    #[test]
    fn retry_after_only_lengthens_and_is_capped() {
        for (text, seconds) in [
            ("60", 60),
            ("2", 5),
            ("0", 5),
            ("86400", 86_400),
            ("86401", 86_400),
            ("99999999999999999999999999", 86_400),
            ("Thu, 24 Sep 2020 04:57:08 GMT", 60),
            ("Thursday, 24-Sep-20 04:57:08 GMT", 60),
            ("Thu Sep 24 04:57:08 2020", 60),
            ("Thu, 24 Sep 2020 04:00:00 GMT", 5),
            ("Fri, 24 Sep 2077 04:57:08 GMT", 86_400),
            ("", 5),
            ("soon", 5),
            ("-60", 5),
            ("+60", 5),
            ("6.5", 5),
        ] {
            assert_eq!(judge(&answer(503, text), 1), after(seconds), "{text:?}");
        }
        // Never earlier than asked for, whatever the jitter.
        let verdict = Policy::default().judge(&answer(503, "300"), past(2, HOUR), NOW, 0.0);
        assert_eq!(verdict, after(300));
    }

    #[test]
    fn a_throttled_attempt_is_not_spent_for_three_days() {
        let unspent = |seconds| Verdict::Retry {
            at: NOW.plus(Duration::from_secs(seconds)),
            spent: false,
        };
        assert_eq!(judge(&answer(429, "60"), 1), unspent(60));
        assert_eq!(judge(&answer(429, "60"), 10), unspent(86_400), "not even the last one");
        assert_eq!(judge(&answer(429, "soon"), 1), after(5), "nothing that can be kept to");
        let late = |spent| Policy::default().judge(&answer(429, "60"), past(spent, MAX_THROTTLED_AGE), NOW, 0.5);
        assert_eq!(late(1), after(60));
        assert_eq!(late(10), Verdict::Failed);
        let worn = |throttled| {
            let past = History {
                throttled,
                ..past(1, HOUR)
            };
            Policy::default().judge(&answer(429, "60"), past, NOW, 0.5)
        };
        assert_eq!(worn(MAX_THROTTLED - 1), unspent(60));
        assert_eq!(worn(MAX_THROTTLED), after(60));
        let hasty = check(None, Some(&[0]), None).unwrap();
        assert_eq!(hasty.judge(&answer(429, "0"), past(1, HOUR), NOW, 0.5), unspent(1));
    }

    #[test]
    fn a_policy_is_checked_by_field() {
        assert_eq!(check(None, None, None).unwrap(), Policy::default());
        let week = 7 * 24 * 3_600_000;
        let policy = check(Some(50), Some(&[0, week]), Some(1.0)).unwrap();
        assert_eq!(
            (policy.max_attempts, policy.delays[1], policy.jitter),
            (50, MAX_DELAY, 1.0)
        );
        let refused = |result: Result<Policy>, field: &str| {
            let error = result.unwrap_err().to_string();
            assert!(error.starts_with(&format!("{field}: must")), "{error}");
        };
        for attempts in [0, -1, 51, i32::MIN, i32::MAX] {
            refused(check(Some(attempts), None, None), "retryPolicy.maxAttempts");
        }
        for delays in [
            vec![],
            vec![0; 51],
            vec![-1],
            vec![week + 1],
            vec![1, i64::MIN],
            vec![i64::MAX],
        ] {
            refused(check(None, Some(&delays), None), "retryPolicy.delaysMs");
        }
        for jitter in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            refused(check(None, None, Some(jitter)), "retryPolicy.jitter");
        }
    }
}
