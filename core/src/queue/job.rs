//! [`Job`]: one claimed notification in memory, with all that its next attempt needs.

use crate::delivery::limit::Limit;
use bytes::Bytes;
use entity::{
    EventId, NodeId, NotificationId, OrganizationId, PayloadId, ProjectId, TaskId, Timestamp, WebhookId, WebhookTopic,
    notification,
};
use uuid::Uuid;

/// One notification that this node has claimed.
#[derive(Clone, Debug)]
pub struct Job {
    /// The node that holds the claim.
    pub node_id: NodeId,
    /// The notification.
    pub notification_id: NotificationId,
    /// The organization of the notification.
    pub organization_id: OrganizationId,
    /// The webhook to deliver to.
    pub webhook_id: WebhookId,
    /// The event that the notification is about.
    pub event_id: EventId,
    /// The payload to send.
    pub payload_id: PayloadId,
    /// The event's project.
    pub project_id: Option<ProjectId>,
    /// The task that waits for the outcome.
    pub task_id: Option<TaskId>,
    /// The event's topic.
    pub topic: WebhookTopic,
    /// Attempts made before.
    pub attempt_count: i32,
    /// Attempts of these that were throttled by the receiver (429) and do not count against the policy.
    pub throttled_count: i32,
    /// The key of its ordered queue: later notifications with the same key wait for this one.
    pub order_key: Option<Uuid>,
    /// The moment the notification was created.
    pub created_at: Timestamp,
    /// The limits of the webhook's lane.
    pub limit: Limit,
    /// The bytes to send, unless they are too large to keep in memory.
    pub body: Option<Bytes>,
}

impl Job {
    /// Makes the job of a notification that was just written, already claimed.
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
