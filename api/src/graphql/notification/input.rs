//! How notifications are listed: conditions and orders.

use async_graphql::{Enum, ID, InputObject};
use entity::{NotificationStatus, Timestamp, WebhookTopic};
use labelhook_core::notification::Filter;
use uuid::Uuid;

use super::super::error::{ApiError, Result};

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
    pub(super) fn read(self) -> Result<Filter> {
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

/// Values in one list of a filter at most.
const VALUES: usize = 100;

fn bounded<T>(field: &str, values: Option<Vec<T>>) -> Result<Option<Vec<T>>> {
    match values {
        Some(values) if values.len() > VALUES => {
            Err(ApiError::invalid(field, format!("must have at most {VALUES} values")))
        }
        values => Ok(values),
    }
}

/// Ids that nothing can have are left out: they match nothing, as unknown ones do.
fn ids<T: From<Uuid>>(field: &str, values: Option<Vec<ID>>) -> Result<Option<Vec<T>>> {
    let values = bounded(field, values)?;
    Ok(values.map(|values| values.iter().filter_map(|id| id.parse().ok().map(Uuid::into)).collect()))
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
