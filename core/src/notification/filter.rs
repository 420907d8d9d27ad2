//! Filters of notifications. Pages of them are cut in [`scan`](crate::notification::scan).

use crate::{auth::Actor, lookup, page};
use entity::{
    EventId, NotificationId, NotificationStatus, OrganizationId, ProjectId, StageId, TaskId, Timestamp, WebhookId,
    WebhookTopic, notification,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, Select, sea_query::Expr};
use serde::{Deserialize, Serialize};

/// Conditions for notifications; absent ones match everything. A list matches any of its values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The ids of the notifications.
    pub ids: Option<Vec<NotificationId>>,
    /// The webhooks of the notifications.
    pub webhook_ids: Option<Vec<WebhookId>>,
    /// The projects of their events.
    pub project_ids: Option<Vec<ProjectId>>,
    /// The webhook stages that they were sent for.
    pub stage_ids: Option<Vec<StageId>>,
    /// The tasks that they were sent for.
    pub task_ids: Option<Vec<TaskId>>,
    /// The events of the notifications.
    pub event_ids: Option<Vec<EventId>>,
    /// The topics of their events.
    pub topics: Option<Vec<WebhookTopic>>,
    /// The statuses of the notifications.
    pub statuses: Option<Vec<NotificationStatus>>,
    /// The HTTP statuses of their newest attempts.
    pub response_codes: Option<Vec<i32>>,
    /// The external id of the data row.
    pub external_id: Option<String>,
    /// Created at or after this time.
    pub created_from: Option<Timestamp>,
    /// Created before this time.
    pub created_before: Option<Timestamp>,
}

impl Filter {
    /// Selects the notifications of a webhook since a time.
    pub fn of_webhook(id: WebhookId, since: Option<Timestamp>) -> Self {
        Self {
            webhook_ids: Some(vec![id]),
            created_from: since,
            ..Self::default()
        }
    }

    /// Returns whether a notification matches, by the same conditions as the statement of a page.
    pub(crate) fn matches(&self, row: &notification::Model) -> bool {
        page::one_of(&self.ids, Some(row.id))
            && page::one_of(&self.webhook_ids, Some(row.webhook_id))
            && page::one_of(&self.project_ids, row.project_id)
            && page::one_of(&self.stage_ids, row.stage_id)
            && page::one_of(&self.task_ids, row.task_id)
            && page::one_of(&self.event_ids, Some(row.event_id))
            && page::one_of(&self.topics, Some(row.topic))
            && page::one_of(&self.statuses, Some(row.status))
            && page::one_of(&self.response_codes, row.response_code)
            && (self.external_id.is_none() || self.external_id == row.external_id)
            && page::made_between(row.created_at, self.created_from, self.created_before)
    }
}

pub(crate) fn matching(actor: &Actor, filter: &Filter) -> Select<notification::Entity> {
    notification::Entity::find().filter(visible(actor, &seen(actor, filter)))
}

/// Builds the condition for a filter that is already limited to the actor's projects.
pub(super) fn visible(actor: &Actor, filter: &Filter) -> Condition {
    of_organization(actor.organization_id, filter).add_option(lookup::of_visible_webhook(actor))
}

/// Limits the filter to the projects that the actor has access to.
pub(crate) fn seen(actor: &Actor, filter: &Filter) -> Filter {
    let project_ids = actor.visible_projects(filter.project_ids.as_deref());
    Filter {
        project_ids,
        ..filter.clone()
    }
}

/// Builds the condition for what a filter matches in an organization, for any actor.
pub(crate) fn of_organization(id: OrganizationId, filter: &Filter) -> Condition {
    use notification::Column as Is;
    Condition::all()
        .add(Is::OrganizationId.eq(id))
        .add_option(one_of(Is::Id, filter.ids.clone()))
        .add_option(one_of(Is::WebhookId, filter.webhook_ids.clone()))
        .add_option(one_of(Is::ProjectId, filter.project_ids.clone()))
        .add_option(one_of(Is::StageId, filter.stage_ids.clone()))
        .add_option(one_of(Is::TaskId, filter.task_ids.clone()))
        .add_option(one_of(Is::EventId, filter.event_ids.clone()))
        .add_option(one_of(Is::Topic, filter.topics.clone()))
        .add_option(one_of(Is::Status, filter.statuses.clone()))
        .add_option(one_of(Is::ResponseCode, filter.response_codes.clone()))
        .add_option(filter.external_id.clone().map(|id| Is::ExternalId.eq(id)))
        .add_option(filter.created_from.map(|time| Is::CreatedAt.gte(time)))
        .add_option(filter.created_before.map(|time| Is::CreatedAt.lt(time)))
}

fn one_of<T: Into<sea_orm::Value>>(column: notification::Column, values: Option<Vec<T>>) -> Option<Expr> {
    values.map(|values| column.is_in(values))
}
