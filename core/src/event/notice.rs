//! What an operational event carries: how deliveries to a webhook go. No secret, no token: of the URL, the query is left
//! out.

use crate::delivery::target_url;
use entity::{
    AttemptErrorKind, EventId, NotificationId, ProjectId, Timestamp, WebhookId, WebhookStatus, WebhookTopic,
    notification, webhook, webhook_health,
};
use serde::{Deserialize, Serialize};

/// How deliveries to a webhook go.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What is told.
    pub topic: WebhookTopic,
    /// Of whom.
    pub webhook: Watched,
    /// Of NOTIFICATION_FAILED: what was given up.
    pub notification: Option<GivenUp>,
    /// Why, for people.
    pub reason: String,
    /// How much.
    pub counts: Counts,
    /// When.
    pub created_at: Timestamp,
}

/// A webhook as it was then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watched {
    /// Its id.
    pub id: WebhookId,
    /// Where it leads, the query masked.
    pub url: String,
    /// Whether it is sent to.
    pub status: WebhookStatus,
    /// Why it was switched off.
    pub status_reason: Option<String>,
    /// Its project; none: it is the organization's.
    pub project: Option<WatchedProject>,
}

/// The project of a webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WatchedProject {
    /// Its id.
    pub id: ProjectId,
    /// Its name then.
    pub name: String,
}

/// A notification that was given up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenUp {
    /// Its id.
    pub id: NotificationId,
    /// What it told of.
    pub event_id: EventId,
    /// That event's topic.
    pub topic: WebhookTopic,
    /// The data row's external id.
    pub external_id: Option<String>,
    /// Requests that were made.
    pub attempts: i32,
    /// HTTP status of the last.
    pub response_code: Option<i32>,
    /// Why the last got no answer.
    pub error: Option<AttemptErrorKind>,
}

/// Failures of a webhook without a success between.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// How many.
    pub consecutive_failures: i32,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// When a delivery last succeeded, as far as is known.
    pub last_success_at: Option<Timestamp>,
}

impl Watched {
    /// As it stands in its row; with the name of its project.
    pub(crate) fn of(row: &webhook::Model, project: Option<String>) -> Self {
        Self {
            id: row.id,
            url: target_url::masked(&row.url),
            status: row.status,
            status_reason: row.status_reason.clone(),
            project: row.project_id.map(|id| WatchedProject {
                id,
                name: project.unwrap_or_default(),
            }),
        }
    }
}

impl Counts {
    pub(crate) fn of(row: &webhook_health::Model) -> Self {
        Self {
            consecutive_failures: row.failures,
            failing_since: row.failing_since,
            last_success_at: row.last_success_at,
        }
    }
}

impl From<&notification::Model> for GivenUp {
    fn from(row: &notification::Model) -> Self {
        Self {
            id: row.id,
            event_id: row.event_id,
            topic: row.topic,
            external_id: row.external_id.clone(),
            attempts: row.attempt_count,
            response_code: row.response_code,
            error: row.error,
        }
    }
}
