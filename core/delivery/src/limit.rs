//! The limits of one webhook: requests in flight and their rate. The token bucket that enforces the rate is part of the
//! webhook's lane.

/// A rate limit: at most so many requests in so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The number of requests per period, and the largest burst.
    pub requests: i32,
    /// The length of the period in milliseconds.
    pub per_ms: i32,
}

/// The limits of a webhook's lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// The most requests in flight at the same time.
    pub in_flight: usize,
    /// The rate limit; with `None`, requests are sent as fast as they are answered.
    pub rate: Option<Rate>,
}

impl Limit {
    /// One request at a time, without a rate limit.
    pub const ONE: Self = Self {
        in_flight: 1,
        rate: None,
    };

    /// Makes limits from the columns of a webhook.
    pub fn new(max_in_flight: i32, rate_requests: Option<i32>, rate_per_ms: Option<i32>) -> Self {
        Self {
            in_flight: usize::try_from(max_in_flight).unwrap_or(1),
            rate: rate_requests
                .zip(rate_per_ms)
                .map(|(requests, per_ms)| Rate { requests, per_ms }),
        }
    }
}
