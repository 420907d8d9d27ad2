//! The rate limiter: how often each user may ask. It counts by user and not by key, since a user may make further keys,
//! and by the monotonic clock, since a wall clock that is put back would refuse everybody until the old time is reached.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entity::UserId;

/// A token bucket for each user: as many tokens as requests in a minute, refilled evenly. A bucket is kept as the moment
/// at which it will be full again, and forgotten a minute after its last use, when it is full.
pub struct Limiter {
    per_minute: u32,
    full_at: moka::sync::Cache<UserId, Arc<Mutex<Instant>>>,
}

/// Users remembered at once.
const MAX_BUCKETS: u64 = 10_000;
/// The time in which an empty token bucket fills.
const WINDOW: Duration = Duration::from_secs(60);

impl Limiter {
    /// Creates a limiter of so many requests a minute; 0 is no limit.
    pub fn new(per_minute: u32) -> Self {
        let full_at = moka::sync::Cache::builder()
            .max_capacity(MAX_BUCKETS)
            .time_to_idle(WINDOW)
            .build();
        Self { per_minute, full_at }
    }

    /// Returns the number of requests that a user may send in a minute; 0 is no limit.
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Takes a token of this user. The error is the time to wait for one.
    pub fn take(&self, user: UserId) -> Result<(), Duration> {
        self.take_at(user, Instant::now())
    }

    fn take_at(&self, user: UserId, now: Instant) -> Result<(), Duration> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let token = WINDOW / self.per_minute;
        let bucket = self.full_at.get_with(user, || Arc::new(Mutex::new(now)));
        let mut full_at = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*full_at).max(now) + token;
        let over = next.saturating_duration_since(now).saturating_sub(WINDOW);
        if over.is_zero() {
            *full_at = next;
            return Ok(());
        }
        Err(over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_may_send_its_tokens_and_then_one_as_each_comes_back() {
        let limiter = Limiter::new(60);
        let (one, other) = (UserId::new(), UserId::new());
        let start = Instant::now();
        for request in 0..60 {
            assert_eq!(limiter.take_at(one, start), Ok(()), "request {request}");
        }
        assert_eq!(limiter.take_at(one, start), Err(Duration::from_secs(1)));
        assert_eq!(limiter.take_at(other, start), Ok(()));
        assert_eq!(limiter.take_at(one, start + Duration::from_secs(1)), Ok(()));
        assert!(limiter.take_at(one, start + Duration::from_secs(1)).is_err());
        assert_eq!(limiter.take_at(one, start + Duration::from_secs(3600)), Ok(()));
    }

    #[test]
    fn zero_is_no_limit() {
        let limiter = Limiter::new(0);
        let one = UserId::new();
        assert!((0..10_000).all(|_| limiter.take(one).is_ok()));
    }
}
