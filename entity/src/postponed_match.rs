//! Postponed matches: events of which is not decided yet whether a webhook gets them, because its filter or its payload
//! query would have taken too much of the transaction's time. Each is decided outside of transactions.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `postponed_match`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "postponed_match")]
pub struct Model {
    /// The id of the postponed match.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PostponedMatchId,
    /// The organization of both.
    pub organization_id: OrganizationId,
    /// The webhook that may get the event.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// The sequence number of the event, the order in which matches are decided.
    pub sequence: i64,
    /// The number of evaluations that were stopped.
    pub failures: i32,
    /// The time of the next evaluation.
    pub due_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
