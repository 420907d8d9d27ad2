//! Reasons for which a notification waits.

use async_graphql::Enum;

/// The reason why a notification waits. Waiting does not count as an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WaitReason {
    /// The webhook is not ACTIVE.
    Inactive,
    /// An earlier notification in the webhook's order is neither delivered nor given up.
    Ordering,
    /// The webhook's circuit breaker is open.
    Breaker,
    /// The webhook's rate limit is reached.
    RateLimit,
    /// The webhook's listener is not connected.
    Listener,
    /// An attempt failed, and the next is not due yet.
    Retry,
    /// It is due, and other notifications are ahead of it.
    Queue,
}
