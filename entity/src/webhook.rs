//! Webhooks: registered targets of deliveries. Secrets, the token and header values are sealed (encrypted).

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `webhook`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    /// The id of the webhook.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookId,
    /// The organization that owns the webhook.
    pub organization_id: OrganizationId,
    /// The project whose events are sent; none: all events of the organization.
    pub project_id: Option<ProjectId>,
    /// The workflow stage that it belongs to; none for a registered webhook.
    pub stage_id: Option<StageId>,
    /// The URL that deliveries are sent to.
    pub url: String,
    /// JSON list of topics, in the order given.
    pub topics: String,
    /// The status of the webhook.
    pub status: WebhookStatus,
    /// The reason for which it was revoked, as text for people.
    pub status_reason: Option<String>,
    /// A free-form description.
    pub description: Option<String>,
    /// The payload format.
    pub payload_format: PayloadFormat,
    /// The part of a task that is sent; for the webhook of a stage.
    pub payload_content: PayloadContent,
    /// A GraphQL selection that shapes the body instead of the payload format.
    pub payload_query: Option<String>,
    /// A CEL expression over the event; only events for which it is true are sent.
    pub filter: Option<String>,
    /// The authentication scheme of deliveries.
    pub auth_type: AuthType,
    /// Sealed: the bearer token, or the value of the `Authorization` header.
    pub authorization: Option<Vec<u8>>,
    /// Sealed: JSON object of custom headers.
    pub headers: Option<Vec<u8>>,
    /// JSON list of the custom headers' names, to show.
    pub header_names: Option<String>,
    /// The maximum number of requests for a notification, including the first.
    pub max_attempts: i32,
    /// JSON list: milliseconds before the second, third, … request; the last repeats.
    pub delays_ms: String,
    /// The maximum random deviation of a delay, as a fraction of it.
    pub jitter: f64,
    /// The timeout of one attempt, including the whole response, in milliseconds.
    pub timeout_ms: i32,
    /// The maximum number of concurrent requests.
    pub max_in_flight: i32,
    /// The rate limit: the maximum number of requests in [`Model::rate_per_ms`]; none: no limit.
    pub rate_requests: Option<i32>,
    /// The period of the rate limit in milliseconds; none: no limit.
    pub rate_per_ms: Option<i32>,
    /// The order in which notifications are sent.
    pub ordering: Ordering,
    /// The webhook is disabled automatically when nothing was delivered for days.
    pub auto_disable: bool,
    /// Deliveries are handed to a listener, and no URL is called.
    pub listener: bool,
    /// The node that the listener is connected to.
    pub listener_node: Option<NodeId>,
    /// The time at which the listener was last known to be connected; none for any other webhook, and after its
    /// removal.
    pub listener_seen_at: Option<Timestamp>,
    /// The attempts whose response is stored.
    pub capture: Capture,
    /// The percentage of successful notifications whose response is stored; for capture mode SAMPLE.
    pub capture_percent: Option<i32>,
    /// The user who registered it.
    pub created_by: Option<UserId>,
    /// The time at which the webhook was created.
    pub created_at: Timestamp,
    /// The time at which the webhook was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
