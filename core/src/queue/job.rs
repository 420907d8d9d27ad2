//! [`Job`]: one notification in the window, with what its attempt needs.

use crate::delivery::limit::Limit;
use bytes::Bytes;
use entity::{
    EventId, NodeId, NotificationId, OrganizationId, PayloadId, ProjectId, TaskId, Timestamp, WebhookId, WebhookTopic,
    notification,
};
use uuid::Uuid;

/// One notification held by this node.
#[derive(Clone, Debug)]
pub struct Job {
    /// Who holds it.
    pub node_id: NodeId,
    /// The notification.
    pub notification_id: NotificationId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// To whom it goes.
    pub webhook_id: WebhookId,
    /// The event it tells of.
    pub event_id: EventId,
    /// The bytes to send.
    pub payload_id: PayloadId,
    /// The event's project.
    pub project_id: Option<ProjectId>,
    /// The task that waits for its outcome.
    pub task_id: Option<TaskId>,
    /// The event's topic.
    pub topic: WebhookTopic,
    /// Requests made before.
    pub attempt_count: i32,
    /// Of these, the ones that spent no attempt.
    pub throttled_count: i32,
    /// What it is ordered by; others of this key wait for it.
    pub order_key: Option<Uuid>,
    /// When the notification was made.
    pub created_at: Timestamp,
    /// What the webhook's lane may do.
    pub limit: Limit,
    /// The bytes themselves, unless they are too large to keep in memory.
    pub body: Option<Bytes>,
}

impl Job {
    /// The job of a notification that was just written.
    pub(crate) fn first(row: &notification::Model, node_id: NodeId, limit: Limit, body: Option<Bytes>) -> Self {
        Self {
            node_id,
            notification_id: row.id,
            organization_id: row.organization_id,
            webhook_id: row.webhook_id,
            event_id: row.event_id,
            payload_id: row.payload_id,
            project_id: row.project_id,
            task_id: row.task_id,
            topic: row.topic,
            attempt_count: row.attempt_count,
            throttled_count: row.throttled_count,
            order_key: row.order_key,
            created_at: row.created_at,
            limit,
            body,
        }
    }
}
