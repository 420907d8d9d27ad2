//! What a replay has for one webhook, and how far it has come there: a slow webhook holds up no other.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `replay_part`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "replay_part")]
pub struct Model {
    /// Of which replay.
    #[sea_orm(primary_key, auto_increment = false)]
    pub replay_id: ReplayId,
    /// For which webhook.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: WebhookId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The last notification it looked at.
    pub after_id: Option<NotificationId>,
    /// The number of the last event it looked at.
    pub after_sequence: Option<i64>,
    /// What it matched when it began.
    pub total: i32,
    /// Looked at so far.
    pub done: i32,
    /// Whether there may be more.
    pub running: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
