//! Notifications: one event for one webhook. The row is narrow, since it is updated often; bytes are in `payload` and
//! `attempt`.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `notification`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notification")]
pub struct Model {
    /// The id of the notification: the delivery id header.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NotificationId,
    /// The organization that owns the notification.
    pub organization_id: OrganizationId,
    /// The webhook that it is sent to.
    pub webhook_id: WebhookId,
    /// The event that it reports.
    pub event_id: EventId,
    /// The payload that it sends.
    pub payload_id: PayloadId,
    /// The event's project.
    pub project_id: Option<ProjectId>,
    /// The webhook stage that it was sent for; none for a registered webhook.
    pub stage_id: Option<StageId>,
    /// The task that waits for its outcome.
    pub task_id: Option<TaskId>,
    /// The event's topic.
    pub topic: WebhookTopic,
    /// The data row's external id, for the log line and the filter.
    pub external_id: Option<String>,
    /// The status of the notification.
    pub status: NotificationStatus,
    /// The number of requests so far.
    pub attempt_count: i32,
    /// The number of these that did not count as attempts of the retry policy (429 with Retry-After).
    pub throttled_count: i32,
    /// The key of its order: the webhook's id or the data row's; none without an order, and when it is finished.
    pub order_key: Option<Uuid>,
    /// The time from which it may be claimed; none while it is held, while an earlier one in its order is unfinished,
    /// and when it is finished.
    pub due_at: Option<Timestamp>,
    /// The node that has claimed it; none while it waits or is finished.
    pub node_id: Option<NodeId>,
    /// The HTTP status of the newest attempt.
    pub response_code: Option<i32>,
    /// The error of the newest attempt, when it got no response.
    pub error: Option<AttemptErrorKind>,
    /// The notification that it repeats.
    pub redelivery_of: Option<NotificationId>,
    /// The sequence number of its last change, the cursor of the feed.
    pub sequence: i64,
    /// The time at which the notification was created.
    pub created_at: Timestamp,
    /// The time at which the notification was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
