//! Tasks: data rows on their way through a project's workflow.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `task`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// In which project.
    pub project_id: ProjectId,
    /// What is worked on; one task a project and data row.
    pub data_row_id: DataRowId,
    /// The data row's external id, for the filter.
    pub external_id: Option<String>,
    /// Where it is.
    pub stage_id: StageId,
    /// How it stands there.
    pub status: TaskStatus,
    /// Why it is held, for people.
    pub status_reason: Option<String>,
    /// What was submitted for it.
    pub label_id: Option<LabelId>,
    /// What was saved before the first submit.
    pub draft: Option<String>,
    /// Who is to work on it in this stage.
    pub assignee_id: Option<UserId>,
    /// The event of its entry into this stage.
    pub event_id: Option<EventId>,
    /// The newest notification of this visit to a webhook stage: its outcome, and no other, moves the task.
    pub notification_id: Option<NotificationId>,
    /// When it came into this stage.
    pub entered_at: Timestamp,
    /// Work in this stage so far, in milliseconds.
    pub duration_ms: i64,
    /// Of it, idle.
    pub idle_ms: i64,
    /// Of it, with the editor out of sight.
    pub blur_ms: i64,
    /// Work in all completed visits, in milliseconds.
    pub total_duration_ms: i64,
    /// Of it, idle.
    pub total_idle_ms: i64,
    /// Of it, with the editor out of sight.
    pub total_blur_ms: i64,
    /// Who worked on it last.
    pub updated_by: Option<UserId>,
    /// Its data row or dataset was deleted.
    pub deleted: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
