//! How a webhook has fared of late. A row for each that has ever failed; none: nothing has.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `webhook_health`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_health")]
pub struct Model {
    /// Which webhook.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: WebhookId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Since when its breaker is as it is.
    pub since: Timestamp,
    /// When its open breaker lets one request through; none: the breaker is closed.
    pub probe_at: Option<Timestamp>,
    /// How often in a row the breaker opened.
    pub trips: i32,
    /// The first of its failures without a success between.
    pub failing_since: Option<Timestamp>,
    /// How many these are.
    pub failures: i32,
    /// When its people were warned of them.
    pub warned_at: Option<Timestamp>,
    /// When a delivery last succeeded, as of the last change of this row.
    pub last_success_at: Option<Timestamp>,
    /// When one last failed.
    pub last_failure_at: Option<Timestamp>,
    /// Why, for people.
    pub last_failure: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
