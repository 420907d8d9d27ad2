//! What a webhook's fields are made of.

use super::Webhook;
use async_graphql::{ID, SimpleObject};
use entity::Timestamp;
use labelhook_core::{delivery::signer::secret, webhook as webhooks};

/// When a failed delivery is tried again.
#[derive(SimpleObject)]
pub struct RetryPolicy {
    /// Requests at most, the first included; 1 turns retries off.
    max_attempts: i32,
    /// Milliseconds before the second, third, … request; the last one repeats.
    delays_ms: Vec<i64>,
    /// By how much a delay may differ at random, as a fraction of it: 0.2 is ± 20 %.
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

/// How fast a webhook may be sent to: a bucket that holds so many requests and is refilled evenly.
#[derive(SimpleObject)]
pub struct RateLimit {
    /// Requests in this time at most, and at once after a rest.
    requests: i32,
    /// The time in milliseconds.
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

/// A webhook with its new secret, which is shown only now.
#[derive(SimpleObject)]
pub struct RotatedSecret {
    /// The webhook.
    webhook: Webhook,
    /// The new secret, as it was given or made.
    secret: String,
    /// The same as Standard Webhooks libraries take it: `whsec_` and base64.
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

/// A secret of a webhook, without the secret.
#[derive(SimpleObject)]
pub struct SecretInfo {
    /// Its id.
    id: ID,
    /// When it was made.
    created_at: Timestamp,
    /// From when it no longer signs; null for the current one.
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
