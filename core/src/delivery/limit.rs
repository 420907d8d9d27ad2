//! The limits of one webhook: requests in flight and their rate. The token bucket that enforces the rate is part of the
//! webhook's lane.

/// So many requests in so many milliseconds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, and how many at once after a rest.
    pub requests: i32,
    /// In which time.
    pub per_ms: i32,
}

/// What a webhook's lane may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Requests at the same time at most.
    pub in_flight: usize,
    /// Their pace; none: as fast as they are answered.
    pub rate: Option<Rate>,
}

impl Limit {
    /// One request at a time, at any pace.
    pub const ONE: Self = Self {
        in_flight: 1,
        rate: None,
    };

    /// As the columns of a webhook have it.
    pub fn new(max_in_flight: i32, rate_requests: Option<i32>, rate_per_ms: Option<i32>) -> Self {
        Self {
            in_flight: usize::try_from(max_in_flight).unwrap_or(1),
            rate: rate_requests
                .zip(rate_per_ms)
                .map(|(requests, per_ms)| Rate { requests, per_ms }),
        }
    }
}
