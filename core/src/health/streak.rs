//! Streaks of consecutive failures: the thresholds of warnings and of automatic disabling. Pure.
//!
//! Any success ends a streak and resets both thresholds. A warning requires that nothing was delivered for ten minutes
//! and that five attempts failed. Disabling requires five days, fifty failed attempts and a warning that is a day old,
//! so that the owner had time to act, however the failures are distributed.

use entity::{Timestamp, webhook_health};
use std::time::Duration;

const WARN_AFTER: Duration = Duration::from_mins(10);
const WARN_LEAST: u32 = 5;
const DISABLE_AFTER: Duration = Duration::from_hours(5 * 24);
const DISABLE_LEAST: u32 = 50;
/// The minimum time from the warning to disabling.
const NOTICE: Duration = Duration::from_hours(24);

/// A streak of consecutive failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FailureStreak {
    /// The time of the first consecutive failure; none without failures.
    pub(crate) since: Option<Timestamp>,
    pub(crate) failures: u32,
    pub(crate) warned_at: Option<Timestamp>,
}

impl FailureStreak {
    pub(crate) fn of(row: &webhook_health::Model) -> Self {
        Self {
            since: row.failing_since,
            failures: u32::try_from(row.failures).unwrap_or(0),
            warned_at: row.warned_at,
        }
    }

    pub(crate) fn failed(&mut self, now: Timestamp) {
        self.since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
    }

    /// Ends the streak. Returns whether there was one.
    pub(crate) fn succeeded(&mut self) -> bool {
        std::mem::take(self).since.is_some()
    }

    pub(crate) fn is_to_warn(&self, now: Timestamp) -> bool {
        self.warned_at.is_none() && self.failures >= WARN_LEAST && lasts(self.since, WARN_AFTER, now)
    }

    pub(crate) fn is_to_disable(&self, now: Timestamp) -> bool {
        let warned = lasts(self.warned_at, NOTICE, now);
        warned && self.failures >= DISABLE_LEAST && lasts(self.since, DISABLE_AFTER, now)
    }
}

fn lasts(since: Option<Timestamp>, time: Duration, now: Timestamp) -> bool {
    since.is_some_and(|since| now.since(since) >= time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_769_851_800_000_000);
    const MINUTE: u64 = 60;
    const DAY: u64 = 24 * 60 * MINUTE;

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_warning_takes_ten_minutes_and_five_failures() {
        for (failures, seconds, warned, expected) in [
            (5, 10 * MINUTE, None, true),
            (4, 10 * MINUTE, None, false),
            (5, 10 * MINUTE - 1, None, false),
            (500, 5 * DAY, Some(at(0)), false),
        ] {
            let streak = FailureStreak {
                since: Some(START),
                failures,
                warned_at: warned,
            };
            assert_eq!(streak.is_to_warn(at(seconds)), expected, "{failures} in {seconds} s");
        }
        assert!(!FailureStreak::default().is_to_warn(at(DAY)));
    }

    #[test]
    fn switching_off_takes_five_days_fifty_failures_and_a_warning_a_day_before() {
        for (failures, warned, seconds, expected) in [
            (50, Some(0), 5 * DAY, true),
            (49, Some(0), 50 * DAY, false),
            (5000, Some(0), 5 * DAY - 1, false),
            (50, None, 50 * DAY, false),
            (50, Some(4 * DAY), 5 * DAY, true),
            (50, Some(4 * DAY + 1), 5 * DAY, false),
        ] {
            let streak = FailureStreak {
                since: Some(START),
                failures,
                warned_at: warned.map(at),
            };
            assert_eq!(
                streak.is_to_disable(at(seconds)),
                expected,
                "{failures}, {warned:?}, {seconds}"
            );
        }
    }

    #[test]
    fn a_success_starts_both_clocks_again() {
        let mut streak = FailureStreak::default();
        assert!(!streak.succeeded());
        (0..60).for_each(|day| streak.failed(at(day * DAY)));
        assert!(streak.is_to_warn(at(60 * DAY)));
        streak.warned_at = Some(at(10));
        assert!(streak.is_to_disable(at(60 * DAY)));
        assert!(streak.succeeded());
        assert_eq!(streak, FailureStreak::default());
    }
}
