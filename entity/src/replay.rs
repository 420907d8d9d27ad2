//! Replays: everything that a filter matches is sent again, in steps.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `replay`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "replay")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReplayId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Who asked for it.
    pub actor_id: Option<UserId>,
    /// JSON list of the projects that their key was limited to; none: all.
    pub projects: Option<String>,
    /// JSON object: what it matches.
    pub criteria: String,
    /// The webhook that missed events; none: notifications are repeated.
    pub missed_by: Option<WebhookId>,
    /// Whether bytes are made anew.
    pub rerender: bool,
    /// Only notifications before this one: what there was when it began.
    pub until_id: NotificationId,
    /// Only events before this number.
    pub until_sequence: i64,
    /// How far it has come.
    pub status: ReplayStatus,
    /// What it matched when it began.
    pub total: i32,
    /// Looked at so far.
    pub done: i32,
    /// Of these, the ones that are not sent again.
    pub skipped: i32,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last went on.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
