//! How a webhook fares: what its breaker does, what failed of late, and what waits.

use async_graphql::SimpleObject;
use entity::{BreakerState, Timestamp, WaitReason};
use labelhook_core::notification::waiting::Health;

/// How a webhook fares. Counts begin anew when it is made ACTIVE again or its URL changes.
#[derive(SimpleObject)]
pub struct WebhookHealth {
    /// Whether its breaker lets requests through. It opens when at least ten requests ended within the last minutes and
    /// half of them failed.
    breaker: BreakerState,
    /// Since when it has been closed, or not closed.
    breaker_since: Timestamp,
    /// When an open breaker lets one request through; null while it is closed. `pingWebhook` does not wait for it.
    next_probe_at: Option<Timestamp>,
    /// Failed attempts since the last that succeeded. Those of operational events are not counted.
    consecutive_failures: i32,
    /// The first of them.
    failing_since: Option<Timestamp>,
    /// When WEBHOOK_FAILING told of them.
    warned_at: Option<Timestamp>,
    /// When an attempt last succeeded, as far back as is known.
    last_success_at: Option<Timestamp>,
    /// When an attempt last failed.
    last_failure_at: Option<Timestamp>,
    /// Why, for people.
    last_failure_reason: Option<String>,
    /// Notifications that are due or behind another in their order, and wait: counted up to 10,000.
    waiting_count: i64,
    /// What they wait for; null when none does.
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
