//! Stage visits: the history of tasks, one row for each completed stage. Rows are inserted once and never changed.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `stage_visit`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stage_visit")]
pub struct Model {
    /// The id of the visit; grows with time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VisitId,
    /// The organization that owns the visit.
    pub organization_id: OrganizationId,
    /// The task that visited the stage.
    pub task_id: TaskId,
    /// The stage that was completed.
    pub stage_id: StageId,
    /// The event that reports the move out of the stage.
    pub event_id: Option<EventId>,
    /// The time at which the task entered the stage.
    pub entered_at: Timestamp,
    /// The time at which the task left the stage.
    pub completed_at: Timestamp,
    /// The working time in the stage, in milliseconds; 0 for automatic stages.
    pub duration_ms: i64,
    /// The part of the working time that was idle, in milliseconds.
    pub idle_ms: i64,
    /// The part of the working time in which the editor was out of focus, in milliseconds.
    pub blur_ms: i64,
    /// The user who moved the task on; none for automatic stages.
    pub completed_by: Option<UserId>,
    /// The user who submitted the answer.
    pub submitted_by: Option<UserId>,
    /// The task was moved on without an answer.
    pub skipped: bool,
    /// The annotation as submitted in this stage, for exports; none for automatic stages.
    pub answer: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
