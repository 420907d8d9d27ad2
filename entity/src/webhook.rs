//! Webhooks: registered targets. Secrets, the token and header values are sealed.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `webhook`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Only this project's events; none: all of the organization.
    pub project_id: Option<ProjectId>,
    /// The workflow stage it belongs to; none for one that was registered.
    pub stage_id: Option<StageId>,
    /// Where deliveries go.
    pub url: String,
    /// JSON list of topics in the order given.
    pub topics: String,
    /// Whether it is sent to.
    pub status: WebhookStatus,
    /// Why it was revoked, for people.
    pub status_reason: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// The dialect.
    pub payload_format: PayloadFormat,
    /// How much of a task is sent: of a stage's webhook.
    pub payload_content: PayloadContent,
    /// A GraphQL selection that shapes the body in the dialect's place.
    pub payload_query: Option<String>,
    /// CEL over the event: what it is not true of is not sent.
    pub filter: Option<String>,
    /// How deliveries prove where they come from.
    pub auth_type: AuthType,
    /// Sealed: the bearer token, or the value of the `Authorization` header.
    pub authorization: Option<Vec<u8>>,
    /// Sealed: JSON object of custom headers.
    pub headers: Option<Vec<u8>>,
    /// JSON list of the custom headers' names, to show.
    pub header_names: Option<String>,
    /// Requests at most, the first included.
    pub max_attempts: i32,
    /// JSON list: milliseconds before the second, third, … request; the last repeats.
    pub delays_ms: String,
    /// By how much a delay may differ, as a fraction of it.
    pub jitter: f64,
    /// Time of one attempt, the whole answer included.
    pub timeout_ms: i32,
    /// Requests at the same time at most.
    pub max_in_flight: i32,
    /// Requests in [`Model::rate_per_ms`] at most; none: at any pace.
    pub rate_requests: Option<i32>,
    /// Milliseconds; none: at any pace.
    pub rate_per_ms: Option<i32>,
    /// In which order it is sent to.
    pub ordering: Ordering,
    /// Whether it is switched off by itself when nothing has got through for days.
    pub auto_disable: bool,
    /// Whether it is heard by somebody's listener, and no address is called.
    pub listener: bool,
    /// The node at which that listener is.
    pub listener_node: Option<NodeId>,
    /// When it was last known to be there; none for any other webhook, and when it was removed for good.
    pub listener_seen_at: Option<Timestamp>,
    /// Of which attempts the answer is kept.
    pub capture: Capture,
    /// Of how many of a hundred, when only of a sample.
    pub capture_percent: Option<i32>,
    /// Who registered it.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
