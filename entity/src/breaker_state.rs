//! Whether a webhook's breaker lets requests through.

use async_graphql::Enum;

/// Whether a webhook's breaker lets requests through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum BreakerState {
    /// It does.
    Closed,
    /// Too many requests failed: none is sent until `nextProbeAt`.
    Open,
    /// One request is let through; its outcome closes or opens the breaker.
    HalfOpen,
}
