//! The rate limiter: how often each key may ask.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entity::{ApiKeyId, Timestamp};

/// A bucket of tokens for each key: as many as it may send in a minute, refilled evenly. A bucket is kept as the
/// moment at which it will be full again, and forgotten a minute after its last use, when it is full.
pub struct Limiter {
    per_minute: u32,
    full_at: moka::sync::Cache<ApiKeyId, Arc<Mutex<Timestamp>>>,
}

/// Keys remembered at once.
const MAX_BUCKETS: u64 = 10_000;
/// The time in which an empty token bucket fills.
const WINDOW: Duration = Duration::from_secs(60);

impl Limiter {
    /// So many requests a minute; 0 is no limit.
    pub fn new(per_minute: u32) -> Self {
        let full_at = moka::sync::Cache::builder()
            .max_capacity(MAX_BUCKETS)
            .time_to_idle(WINDOW)
            .build();
        Self { per_minute, full_at }
    }

    /// Returns the number of requests that a key may send in a minute; 0 is no limit.
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Take a token of this key, or say how long to wait for one.
    pub fn take(&self, key: ApiKeyId, now: Timestamp) -> Result<(), Duration> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let token = WINDOW / self.per_minute;
        let bucket = self.full_at.get_with(key, || Arc::new(Mutex::new(now)));
        let mut full_at = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*full_at).max(now).plus(token);
        let over = next.since(now).saturating_sub(WINDOW);
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
    fn a_key_may_send_its_tokens_and_then_one_as_each_comes_back() {
        let limiter = Limiter::new(60);
        let (one, other) = (ApiKeyId::new(), ApiKeyId::new());
        let start = Timestamp(1_000_000);
        for request in 0..60 {
            assert_eq!(limiter.take(one, start), Ok(()), "request {request}");
        }
        assert_eq!(limiter.take(one, start), Err(Duration::from_secs(1)));
        assert_eq!(limiter.take(other, start), Ok(()));
        assert_eq!(limiter.take(one, start.plus(Duration::from_secs(1))), Ok(()));
        assert!(limiter.take(one, start.plus(Duration::from_secs(1))).is_err());
        assert_eq!(limiter.take(one, start.plus(Duration::from_secs(3600))), Ok(()));
    }

    #[test]
    fn zero_is_no_limit() {
        let limiter = Limiter::new(0);
        let one = ApiKeyId::new();
        assert!((0..10_000).all(|_| limiter.take(one, Timestamp(0)).is_ok()));
    }
}
