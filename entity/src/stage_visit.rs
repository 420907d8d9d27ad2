//! Stage visits: the history of tasks, a row for each stage that was completed. Inserted once, never changed.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `stage_visit`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stage_visit")]
pub struct Model {
    /// Its id; grows with time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VisitId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Of which task.
    pub task_id: TaskId,
    /// Which stage was completed.
    pub stage_id: StageId,
    /// The event of leaving it.
    pub event_id: Option<EventId>,
    /// When the task came in.
    pub entered_at: Timestamp,
    /// When it left.
    pub completed_at: Timestamp,
    /// Work in the stage, in milliseconds; 0 for automatic stages.
    pub duration_ms: i64,
    /// Of it, idle.
    pub idle_ms: i64,
    /// Of it, with the editor out of sight.
    pub blur_ms: i64,
    /// Who passed the task on; none for automatic stages.
    pub completed_by: Option<UserId>,
    /// Who submitted the answer.
    pub submitted_by: Option<UserId>,
    /// Passed on without an answer.
    pub skipped: bool,
    /// The annotation as it was submitted here, for exports; none for automatic stages.
    pub answer: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
