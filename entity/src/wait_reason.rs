//! Why a notification waits.

use async_graphql::Enum;

/// Why a notification waits. Waiting spends no attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WaitReason {
    /// Its webhook is not ACTIVE.
    Inactive,
    /// An earlier one that it must come after is neither delivered nor given up.
    Ordering,
    /// Its webhook's breaker is open.
    Breaker,
    /// Its webhook has a `rateLimit`.
    RateLimit,
    /// Its webhook's listener is away.
    Listener,
    /// It failed and is tried again later.
    Retry,
    /// It is due, and others are before it.
    Queue,
}
