//! The rate limiter of a lane, a token bucket, and the limits that a webhook sets for its lane. Pure: the time is an
//! argument.
//!
//! A bucket holds `requests` tokens and regains as many every `per_ms`, one at a time at an even interval. Each request
//! takes one token. The bucket is stored as a single moment, the one from which its tokens are counted at one an
//! interval; taking a token moves that moment forward by one interval.
//!
//! Buckets live in the memory of this process. After a restart they are full, and several processes would each have
//! their own.

use crate::delivery::limit::Rate;
use entity::Timestamp;
use std::time::Duration;

/// A token bucket. Its times are in nanoseconds, because an interval may be shorter than a microsecond.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    /// The time between two tokens, rounded up so that the rate is never exceeded.
    interval: i64,
    /// The time to fill an empty bucket.
    span: i64,
    /// The moment from which tokens are counted: one has come each `interval` since then. Never later than the last
    /// look.
    since: i64,
}

impl Bucket {
    /// Makes a full bucket; or, after a change of the rate, one that continues from the state of the previous bucket.
    pub(crate) fn new(rate: Rate, before: Option<Self>) -> Self {
        let (requests, per_ms) = (i64::from(rate.requests.max(1)), i64::from(rate.per_ms.max(1)));
        let interval = (per_ms * 1_000_000 + requests - 1) / requests;
        Self {
            interval,
            span: interval * requests,
            since: before.map_or(i64::MIN, |bucket| bucket.since),
        }
    }

    /// Takes a token, or returns the moment when the next one is there.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.look(now);
        let next = self.since.saturating_add(self.interval);
        if next > nanos(now) {
            return Err(moment(next));
        }
        self.since = next;
        Ok(())
    }

    /// Brings the bucket up to `now`: tokens beyond its capacity are dropped. A clock that was set back costs one
    /// interval, not the time by which it was set back.
    pub(crate) fn look(&mut self, now: Timestamp) {
        let now = nanos(now);
        self.since = self.since.clamp(now.saturating_sub(self.span), now);
    }

    /// Returns the number of tokens that are there or come within `ahead`, if none is taken meanwhile.
    pub(crate) fn within(mut self, now: Timestamp, ahead: Duration) -> usize {
        self.look(now);
        let tokens = (nanos(now.plus(ahead)) - self.since) / self.interval;
        usize::try_from(tokens).unwrap_or(0)
    }

    /// Returns the moment when so many tokens will have come, as of the last look. It may be too early, never too late.
    pub(crate) fn when(&self, tokens: usize) -> Timestamp {
        let time = self.interval.saturating_mul(i64::try_from(tokens).unwrap_or(i64::MAX));
        moment(self.since.saturating_add(time))
    }

    /// Returns the moment when the bucket is full. From then on it equals a new bucket and may be forgotten.
    pub(crate) fn full_at(&self) -> Timestamp {
        moment(self.since.saturating_add(self.span))
    }
}

fn nanos(at: Timestamp) -> i64 {
    at.0.saturating_mul(1_000)
}

/// Converts to microseconds, rounded up: a token that comes within a microsecond counts from its end.
fn moment(nanos: i64) -> Timestamp {
    Timestamp(nanos.saturating_add(999).div_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_769_851_800_000_000;

    fn bucket(requests: i32, per_ms: i32) -> Bucket {
        Bucket::new(Rate { requests, per_ms }, None)
    }

    /// Returns the time at which each of `count` requests that are ready at the start is sent, in microseconds.
    fn paced(mut bucket: Bucket, count: usize) -> Vec<i64> {
        let mut now = Timestamp(START);
        let mut sent = Vec::new();
        while sent.len() < count {
            match bucket.take(now) {
                Ok(()) => sent.push(now.0 - START),
                Err(at) => {
                    assert!(at > now, "it is worth waiting for");
                    now = at;
                }
            }
        }
        sent
    }

    #[test]
    fn a_full_bucket_goes_at_once_and_the_rest_evenly() {
        for (requests, per_ms, sent) in [
            (2, 1_000, [0, 0, 500_000, 1_000_000, 1_500_000]),
            (1, 1, [0, 1_000, 2_000, 3_000, 4_000]),
            (3, 1_000, [0, 0, 0, 333_334, 666_667]),
            (
                1,
                3_600_000,
                [0, 3_600_000_000, 7_200_000_000, 10_800_000_000, 14_400_000_000],
            ),
            (100_000, 3_600_000, [0; 5]),
        ] {
            assert_eq!(paced(bucket(requests, per_ms), 5), sent, "{requests} in {per_ms} ms");
        }
    }

    #[test]
    fn a_pace_is_never_faster_than_asked_for() {
        for (requests, per_ms) in [
            (7, 1),
            (100_000, 1),
            (99_999, 1_000),
            (70_001, 60_000),
            (100_000, 3_600_000),
        ] {
            let count = usize::try_from(requests).unwrap();
            let sent = paced(bucket(requests, per_ms), 2 * count);
            assert_eq!(sent[count - 1], 0, "as many as it holds at once");
            let (took, least) = (sent[2 * count - 1], i64::from(per_ms) * 1_000);
            assert!(took >= least, "{requests} in {per_ms} ms: {took}");
            assert!(took <= least + least / 8 + 2, "{requests} in {per_ms} ms: {took}");
        }
    }

    #[test]
    fn what_runs_over_is_lost() {
        let mut bucket = bucket(2, 1_000);
        let later = Timestamp(START + 86_400_000_000);
        assert_eq!(bucket.take(Timestamp(START)), Ok(()));
        assert_eq!([bucket.take(later), bucket.take(later)], [Ok(()), Ok(())]);
        assert_eq!(bucket.take(later), Err(Timestamp(later.0 + 500_000)));
        assert_eq!(bucket.full_at(), Timestamp(later.0 + 1_000_000));
    }

    #[test]
    fn tokens_to_come_are_counted() {
        let (now, ahead) = (Timestamp(START), Duration::from_secs(5));
        let mut bucket = bucket(2, 1_000);
        assert_eq!(bucket.within(now, ahead), 12);
        assert_eq!([bucket.take(now), bucket.take(now)], [Ok(()), Ok(())]);
        assert_eq!((bucket.within(now, ahead), bucket.within(now, Duration::ZERO)), (10, 0));
        assert_eq!(bucket.when(10), now.plus(ahead));
    }

    #[test]
    fn a_clock_that_is_put_back_costs_one_interval() {
        let mut bucket = bucket(1, 1_000);
        assert_eq!(bucket.take(Timestamp(START)), Ok(()));
        let back = Timestamp(START - 3_600_000_000);
        assert_eq!(bucket.take(back), Err(Timestamp(back.0 + 1_000_000)));
    }

    #[test]
    fn a_new_rate_goes_on_from_where_the_old_one_was() {
        let now = Timestamp(START);
        let mut slow = bucket(1, 3_600_000);
        assert_eq!(slow.take(now), Ok(()));
        let rate = |requests, per_ms| Rate { requests, per_ms };
        let mut fast = Bucket::new(rate(2, 1_000), Some(slow));
        assert_eq!(fast.take(now), Err(Timestamp(START + 500_000)), "it was empty");
        let mut slower = Bucket::new(rate(1, 7_200_000), Some(slow));
        assert_eq!(slower.take(now), Err(Timestamp(START + 7_200_000_000)));
    }
}
