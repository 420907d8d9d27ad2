//! Replay parts: the share of a replay for one webhook, with its own progress, so that a slow webhook does not hold up
//! the others.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `replay_part`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "replay_part")]
pub struct Model {
    /// The replay that it is a part of.
    #[sea_orm(primary_key, auto_increment = false)]
    pub replay_id: ReplayId,
    /// The webhook that it sends to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: WebhookId,
    /// The organization that owns the replay part.
    pub organization_id: OrganizationId,
    /// The last notification that was processed.
    pub after_id: Option<NotificationId>,
    /// The sequence number of the last event that was processed.
    pub after_sequence: Option<i64>,
    /// The number of matches at the start.
    pub total: i32,
    /// The number of matches processed so far.
    pub done: i32,
    /// There may be more to process.
    pub running: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
