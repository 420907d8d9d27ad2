//! Tasks: data rows that move through a project's workflow.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `task`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    /// The id of the task.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskId,
    /// The organization that owns the task.
    pub organization_id: OrganizationId,
    /// The project that the task belongs to.
    pub project_id: ProjectId,
    /// The data row that is worked on. There is at most one task for each project and data row.
    pub data_row_id: DataRowId,
    /// The data row's external id, for the filter.
    pub external_id: Option<String>,
    /// The stage that the task is in.
    pub stage_id: StageId,
    /// The status of the task within the stage.
    pub status: TaskStatus,
    /// The reason why the task is held, as text for people.
    pub status_reason: Option<String>,
    /// The label that was submitted for it.
    pub label_id: Option<LabelId>,
    /// The annotation that was saved before the first submit.
    pub draft: Option<String>,
    /// The user who is assigned to it in this stage.
    pub assignee_id: Option<UserId>,
    /// The event of its entry into this stage.
    pub event_id: Option<EventId>,
    /// The newest notification of this visit to a webhook stage. Only its outcome moves the task.
    pub notification_id: Option<NotificationId>,
    /// The time at which it entered this stage.
    pub entered_at: Timestamp,
    /// The working time in this stage so far, in milliseconds.
    pub duration_ms: i64,
    /// The part of it that was idle, in milliseconds.
    pub idle_ms: i64,
    /// The part of it in which the editor was out of focus, in milliseconds.
    pub blur_ms: i64,
    /// The working time in all completed visits, in milliseconds.
    pub total_duration_ms: i64,
    /// The part of it that was idle, in milliseconds.
    pub total_idle_ms: i64,
    /// The part of it in which the editor was out of focus, in milliseconds.
    pub total_blur_ms: i64,
    /// The user who last worked on it.
    pub updated_by: Option<UserId>,
    /// The data row or dataset was deleted.
    pub deleted: bool,
    /// The time at which the task was created.
    pub created_at: Timestamp,
    /// The time at which the task was last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
