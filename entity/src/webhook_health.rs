//! Health of webhooks: one row for each webhook that has ever failed. No row: no failure.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `webhook_health`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_health")]
pub struct Model {
    /// The webhook.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: WebhookId,
    /// The organization that owns the webhook.
    pub organization_id: OrganizationId,
    /// The time at which the circuit breaker entered its state.
    pub since: Timestamp,
    /// The time at which the open circuit breaker lets one probe request through; none: the breaker is closed.
    pub probe_at: Option<Timestamp>,
    /// The number of times in a row that the circuit breaker opened.
    pub trips: i32,
    /// The time of the first failure since the last success.
    pub failing_since: Option<Timestamp>,
    /// The number of failures since the last success.
    pub failures: i32,
    /// The time at which WEBHOOK_FAILING warned of them.
    pub warned_at: Option<Timestamp>,
    /// The time of the last successful delivery, as of the last change of this row.
    pub last_success_at: Option<Timestamp>,
    /// The time of the last failed delivery.
    pub last_failure_at: Option<Timestamp>,
    /// The reason for the last failure, as text for people.
    pub last_failure: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
