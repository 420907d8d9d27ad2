//! Notifications: one event for one webhook. Narrow, since it is updated; bytes live in `payload` and `attempt`.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `notification`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notification")]
pub struct Model {
    /// Its id: the delivery id header.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NotificationId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// To whom.
    pub webhook_id: WebhookId,
    /// Which event.
    pub event_id: EventId,
    /// Which bytes.
    pub payload_id: PayloadId,
    /// The event's project.
    pub project_id: Option<ProjectId>,
    /// The webhook stage it was sent for.
    pub stage_id: Option<StageId>,
    /// The task that waits for its outcome.
    pub task_id: Option<TaskId>,
    /// The event's topic.
    pub topic: WebhookTopic,
    /// The data row's external id, for the log line and the filter.
    pub external_id: Option<String>,
    /// Where it is.
    pub status: NotificationStatus,
    /// Requests made so far.
    pub attempt_count: i32,
    /// Of these, the ones that spent no attempt of the policy (429 with Retry-After).
    pub throttled_count: i32,
    /// What it is ordered by: the webhook or the data row; none when nothing is, and when it is over.
    pub order_key: Option<Uuid>,
    /// When it may be claimed; none while it is held, while one before it in its order is not over, and when it is over.
    pub due_at: Option<Timestamp>,
    /// Who holds it; none while it waits or is over.
    pub node_id: Option<NodeId>,
    /// HTTP status of the newest attempt.
    pub response_code: Option<i32>,
    /// Error of the newest attempt, when it got no answer.
    pub error: Option<AttemptErrorKind>,
    /// The notification it repeats.
    pub redelivery_of: Option<NotificationId>,
    /// A new number at every change: the feed's cursor.
    pub sequence: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
