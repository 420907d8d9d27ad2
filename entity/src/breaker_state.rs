//! States of a webhook's circuit breaker.

use async_graphql::Enum;

/// The state of a webhook's circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BreakerState {
    /// Requests are sent.
    Closed,
    /// Too many requests failed: no request is sent until `nextProbeAt`.
    Open,
    /// One probe request is sent; its outcome closes or opens the circuit breaker.
    HalfOpen,
}
