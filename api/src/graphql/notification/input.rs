//! Conditions and sort orders for lists of notifications.

use async_graphql::{Enum, ID, InputObject};
use entity::{NotificationStatus, Timestamp, WebhookTopic};
use labelhook_core::notification::{Filter, Trigger};

use super::super::{
    error::Result,
    input::{WhereUniqueInput, bounded, ids},
};

/// Selects notifications. All given conditions must hold. A list matches any of its values; an unknown id matches
/// nothing.
#[derive(InputObject, Default)]
pub struct NotificationWhereInput {
    /// The ids of notifications.
    ids: Option<Vec<ID>>,
    /// The ids of webhooks.
    webhook_ids: Option<Vec<ID>>,
    /// The ids of the events' projects.
    project_ids: Option<Vec<ID>>,
    /// The ids of webhook stages.
    stage_ids: Option<Vec<ID>>,
    /// The ids of tasks.
    task_ids: Option<Vec<ID>>,
    /// The ids of events.
    event_ids: Option<Vec<ID>>,
    /// The topics of the events.
    topics: Option<Vec<WebhookTopic>>,
    /// The statuses of the notifications.
    statuses: Option<Vec<NotificationStatus>>,
    /// The HTTP statuses of the newest response.
    response_codes: Option<Vec<i32>>,
    /// The external id of the data row.
    external_id: Option<String>,
    /// Created at or after this time.
    #[graphql(name = "createdAt_gte")]
    created_at_gte: Option<Timestamp>,
    /// Created before this time.
    #[graphql(name = "createdAt_lt")]
    created_at_lt: Option<Timestamp>,
}

impl NotificationWhereInput {
    /// Parses the input into the type that `labelhook_core` takes.
    pub fn read(self) -> Result<Filter> {
        Ok(Filter {
            ids: ids("where.ids", self.ids)?,
            webhook_ids: ids("where.webhookIds", self.webhook_ids)?,
            project_ids: ids("where.projectIds", self.project_ids)?,
            stage_ids: ids("where.stageIds", self.stage_ids)?,
            task_ids: ids("where.taskIds", self.task_ids)?,
            event_ids: ids("where.eventIds", self.event_ids)?,
            topics: bounded("where.topics", self.topics)?,
            statuses: bounded("where.statuses", self.statuses)?,
            response_codes: bounded("where.responseCodes", self.response_codes)?,
            external_id: self.external_id,
            created_from: self.created_at_gte,
            created_before: self.created_at_lt,
        })
    }
}

/// The sort order of a plain list of notifications.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
pub enum NotificationOrderByInput {
    /// Oldest first.
    #[graphql(name = "createdAt_ASC")]
    CreatedAtAsc,
    /// Newest first.
    #[graphql(name = "createdAt_DESC")]
    CreatedAtDesc,
}

/// A sample event to send.
#[derive(InputObject)]
pub struct TriggerEventInput {
    /// The topic: any but REVIEW_DELETED, which is never published.
    topic: WebhookTopic,
    /// The one webhook to send it to, which must be ACTIVE; when absent, it is sent to every listener.
    webhook: Option<WhereUniqueInput>,
    /// Limits the recipients to listeners that receive events of this project; the event then belongs to the project.
    project: Option<WhereUniqueInput>,
}

impl From<TriggerEventInput> for Trigger {
    fn from(input: TriggerEventInput) -> Self {
        Self {
            topic: input.topic,
            webhook: input.webhook.map(|webhook| webhook.id.0),
            project: input.project.map(|project| project.id.0),
        }
    }
}
