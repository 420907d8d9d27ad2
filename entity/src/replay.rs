//! Replays: jobs that send everything that a filter matches again, in steps.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `replay`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "replay")]
pub struct Model {
    /// The id of the replay.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReplayId,
    /// The organization that owns the replay.
    pub organization_id: OrganizationId,
    /// The user who started it.
    pub actor_id: Option<UserId>,
    /// JSON list of the projects that the user's API key was limited to; none: not limited.
    pub projects: Option<String>,
    /// JSON object: the filter.
    pub criteria: String,
    /// The webhook whose missed events are sent; none: notifications are sent again.
    pub missed_by: Option<WebhookId>,
    /// Payloads are rendered anew instead of reusing the stored bytes.
    pub rerender: bool,
    /// Only notifications with an id before this one are included: those that existed at the start.
    pub until_id: NotificationId,
    /// Only events with a sequence number before this one are included.
    pub until_sequence: i64,
    /// The status of the job.
    pub status: ReplayStatus,
    /// The number of matches at the start.
    pub total: i32,
    /// The number of matches processed so far.
    pub done: i32,
    /// The number of these that were skipped.
    pub skipped: i32,
    /// The time at which the replay started.
    pub created_at: Timestamp,
    /// The time of the last step of the replay.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
