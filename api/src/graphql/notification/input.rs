//! How notifications are listed: conditions and orders.

use async_graphql::{Enum, ID, InputObject};
use entity::{NotificationStatus, Timestamp, WebhookTopic};
use labelhook_core::notification::{Filter, Trigger};

use super::super::{
    error::Result,
    input::{WhereUniqueInput, bounded, ids},
};

/// Which notifications: all that is given must hold. A list means "one of"; an id that nothing has matches nothing.
#[derive(InputObject, Default)]
pub struct NotificationWhereInput {
    /// Ids of notifications.
    ids: Option<Vec<ID>>,
    /// Ids of webhooks.
    webhook_ids: Option<Vec<ID>>,
    /// Ids of the events' projects.
    project_ids: Option<Vec<ID>>,
    /// Ids of webhook stages.
    stage_ids: Option<Vec<ID>>,
    /// Ids of tasks.
    task_ids: Option<Vec<ID>>,
    /// Ids of events.
    event_ids: Option<Vec<ID>>,
    /// Topics.
    topics: Option<Vec<WebhookTopic>>,
    /// Statuses.
    statuses: Option<Vec<NotificationStatus>>,
    /// HTTP statuses of the newest answer.
    response_codes: Option<Vec<i32>>,
    /// The data row's external id.
    external_id: Option<String>,
    /// Made at this moment or later.
    #[graphql(name = "createdAt_gte")]
    created_at_gte: Option<Timestamp>,
    /// Made before this moment.
    #[graphql(name = "createdAt_lt")]
    created_at_lt: Option<Timestamp>,
}

impl NotificationWhereInput {
    /// The same in core's words.
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

/// The order of a plain list of notifications.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
pub enum NotificationOrderByInput {
    /// Oldest first.
    #[graphql(name = "createdAt_ASC")]
    CreatedAtAsc,
    /// Newest first.
    #[graphql(name = "createdAt_DESC")]
    CreatedAtDesc,
}

/// A sample to send.
#[derive(InputObject)]
pub struct TriggerEventInput {
    /// Of which topic: any but REVIEW_DELETED, which nothing causes.
    topic: WebhookTopic,
    /// The one webhook to send it to, which must be ACTIVE; every listener when absent.
    webhook: Option<WhereUniqueInput>,
    /// Of the listeners, only those that hear of this project; the event then counts as the project's.
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
