//! Values of a webhook's fields: retry policy, rate limit and secrets.

use super::Webhook;
use async_graphql::{ID, SimpleObject};
use entity::Timestamp;
use labelhook_core::{delivery::signer::secret, webhook as webhooks};

/// The retry policy of failed deliveries.
#[derive(SimpleObject)]
pub struct RetryPolicy {
    /// The maximum number of requests for a notification, including the first; 1 disables retries.
    max_attempts: i32,
    /// The delays in milliseconds before the second, third, … request; the last one repeats.
    delays_ms: Vec<i64>,
    /// Random jitter: the maximum deviation of a delay, as a fraction of it; 0.2 is ± 20 %.
    jitter: f64,
}

impl From<labelhook_core::delivery::retry::Policy> for RetryPolicy {
    fn from(policy: labelhook_core::delivery::retry::Policy) -> Self {
        Self {
            max_attempts: i32::try_from(policy.max_attempts).unwrap_or(i32::MAX),
            delays_ms: policy
                .delays
                .iter()
                .map(|delay| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
                .collect(),
            jitter: policy.jitter,
        }
    }
}

/// The rate limit of a webhook: a token bucket that holds `requests` tokens and is refilled evenly within `perMs`.
#[derive(SimpleObject)]
pub struct RateLimit {
    /// The maximum number of requests in the period, which is also the maximum burst.
    requests: i32,
    /// The period in milliseconds.
    per_ms: i32,
}

impl From<labelhook_core::delivery::limit::Rate> for RateLimit {
    fn from(rate: labelhook_core::delivery::limit::Rate) -> Self {
        Self {
            requests: rate.requests,
            per_ms: rate.per_ms,
        }
    }
}

/// A webhook with its new secret, which is returned only here.
#[derive(SimpleObject)]
pub struct RotatedSecret {
    /// The webhook.
    webhook: Webhook,
    /// The new secret, as given or generated.
    secret: String,
    /// The new secret in the form of Standard Webhooks libraries: `whsec_` and base64.
    signing_secret: String,
}

impl From<webhooks::Rotated> for RotatedSecret {
    fn from(rotated: webhooks::Rotated) -> Self {
        Self {
            signing_secret: secret::whsec_form(&rotated.secret),
            secret: rotated.secret,
            webhook: rotated.webhook.into(),
        }
    }
}

/// The description of a webhook's secret, without the secret itself.
#[derive(SimpleObject)]
pub struct SecretInfo {
    /// The id of the secret.
    id: ID,
    /// The time at which the secret was created.
    created_at: Timestamp,
    /// The time from which the secret no longer signs; null for the current one.
    expires_at: Option<Timestamp>,
}

impl From<entity::webhook_secret::Model> for SecretInfo {
    fn from(row: entity::webhook_secret::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}
