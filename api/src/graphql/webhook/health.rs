//! The health of a webhook: its circuit breaker, its recent failures, and its backlog.

use async_graphql::SimpleObject;
use entity::{BreakerState, Timestamp, WaitReason};
use labelhook_core::notification::waiting::Health;

/// The health of a webhook. Its counters start again when it is set to ACTIVE or its URL changes.
#[derive(SimpleObject)]
pub struct WebhookHealth {
    /// The state of the webhook's circuit breaker. It opens when, of at least ten requests that ended in its time
    /// window (the last 2.5 to 5 minutes), half or more failed.
    breaker: BreakerState,
    /// The time at which the circuit breaker was closed, or at which it left the closed state.
    breaker_since: Timestamp,
    /// The time at which an open circuit breaker lets one probe request through; null while it is closed. `pingWebhook`
    /// ignores the circuit breaker.
    next_probe_at: Option<Timestamp>,
    /// The number of failed attempts since the last successful one. Attempts of operational events do not count.
    consecutive_failures: i32,
    /// The time of the first of the consecutive failures; null when there are none.
    failing_since: Option<Timestamp>,
    /// The time at which a WEBHOOK_FAILING event warned of the consecutive failures; null when none did.
    warned_at: Option<Timestamp>,
    /// The time of the last successful attempt, as far back as is known.
    last_success_at: Option<Timestamp>,
    /// The time of the last failed attempt.
    last_failure_at: Option<Timestamp>,
    /// The reason for the last failure, as text for people.
    last_failure_reason: Option<String>,
    /// The number of notifications in the backlog: those that are due, or wait for an earlier one in their order.
    /// Counted up to 10,000.
    waiting_count: i64,
    /// The reason why they wait; null when none waits.
    waiting_reason: Option<WaitReason>,
}

impl From<Health> for WebhookHealth {
    fn from(health: Health) -> Self {
        Self {
            breaker: health.breaker,
            breaker_since: health.since,
            next_probe_at: health.next_probe_at,
            consecutive_failures: i32::try_from(health.failures).unwrap_or(i32::MAX),
            failing_since: health.failing_since,
            warned_at: health.warned_at,
            last_success_at: health.last_success_at,
            last_failure_at: health.last_failure_at,
            last_failure_reason: health.last_failure,
            waiting_count: health.waiting.count,
            waiting_reason: health.waiting.reason,
        }
    }
}
