//! The data of operational events, which report on deliveries to a webhook. They contain no secret and no token, and
//! the query of the URL is masked.

use crate::delivery::target_url;
use entity::{
    AttemptErrorKind, EventId, NotificationId, ProjectId, Timestamp, WebhookId, WebhookStatus, WebhookTopic,
    notification, webhook, webhook_health,
};
use serde::{Deserialize, Serialize};

/// An operational event about the deliveries to a webhook.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// The topic of the event.
    pub topic: WebhookTopic,
    /// The webhook that it concerns.
    pub webhook: Watched,
    /// The notification that was given up, for NOTIFICATION_FAILED.
    pub notification: Option<GivenUp>,
    /// The reason, as text for people.
    pub reason: String,
    /// The failure counts.
    pub counts: Counts,
    /// The time at which it happened.
    pub created_at: Timestamp,
}

/// A webhook at the time of the event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watched {
    /// The id of the webhook.
    pub id: WebhookId,
    /// The URL, with its query masked.
    pub url: String,
    /// The status of the webhook.
    pub status: WebhookStatus,
    /// The reason for which it was disabled.
    pub status_reason: Option<String>,
    /// The project of the webhook; none for an organization-wide one.
    pub project: Option<WatchedProject>,
}

/// The project of a webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WatchedProject {
    /// The id of the project.
    pub id: ProjectId,
    /// The name of the project at that time.
    pub name: String,
}

/// A notification that was given up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenUp {
    /// The id of the notification.
    pub id: NotificationId,
    /// The event that it reports.
    pub event_id: EventId,
    /// The topic of that event.
    pub topic: WebhookTopic,
    /// The external id of the data row.
    pub external_id: Option<String>,
    /// The number of requests made.
    pub attempts: i32,
    /// The HTTP status of the last response.
    pub response_code: Option<i32>,
    /// The error of the last attempt, when it got no response.
    pub error: Option<AttemptErrorKind>,
}

/// The consecutive failures of a webhook.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// The number of consecutive failures.
    pub consecutive_failures: i32,
    /// The time of the first consecutive failure; none without failures.
    pub failing_since: Option<Timestamp>,
    /// The time of the last successful delivery, as far as is known.
    pub last_success_at: Option<Timestamp>,
}

impl Watched {
    /// Copies a webhook's row, with the name of its project.
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
