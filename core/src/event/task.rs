//! The data of an event about a task: its stage, its history and related objects.

use super::data::{Batch, DataRow, Dataset, Label, Project, Team, User};
use entity::{EventId, StageId, StageType, TaskId, Timestamp, VisitId, stage};
use serde::{Deserialize, Serialize};

/// A stage at the time of the event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The id of the stage.
    pub id: StageId,
    /// The display name of the stage.
    pub name: String,
    /// The type of the stage.
    pub r#type: StageType,
}

/// A completed visit to a stage: users, stage and working times, without the annotation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Visit {
    /// The id of the visit.
    pub id: VisitId,
    /// The event that reports the move out of the stage.
    pub event_id: Option<EventId>,
    /// The stage.
    pub stage: Stage,
    /// The time at which the task entered the stage.
    pub entered_at: Timestamp,
    /// The time at which the task left the stage.
    pub completed_at: Timestamp,
    /// The total working time in the stage, in milliseconds. It stands here and not in a flattened [`Work`], because
    /// serde cannot read a flattened number as it was written.
    pub duration_ms: i64,
    /// The part of the working time that was idle.
    pub idle_ms: i64,
    /// The part of the working time in which the editor was out of focus.
    pub blur_ms: i64,
    /// The e-mail address of the user who moved the task on; none for automatic stages.
    pub completed_by: Option<String>,
    /// The e-mail address of the user who submitted the answer.
    pub submitted_by: Option<String>,
    /// The task was moved on without an answer.
    pub skipped: bool,
}

/// Working time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// The total working time.
    pub duration_ms: i64,
    /// The part of the working time that was idle.
    pub idle_ms: i64,
    /// The part of the working time in which the editor was out of focus.
    pub blur_ms: i64,
}

/// A task at the time of the event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The id of the task.
    pub id: TaskId,
    /// The stage that the task was in.
    pub stage: Stage,
    /// The time at which the task was created.
    pub created_at: Timestamp,
    /// The time at which the task was last changed.
    pub updated_at: Timestamp,
    /// The e-mail address of the user who last worked on it.
    pub updated_by: Option<String>,
    /// The working time in this stage so far.
    pub here: Work,
    /// The working time in all completed visits and this one.
    pub total: Work,
    /// The completed visits, oldest first.
    pub history: Vec<Visit>,
}

/// The move of a task from one stage to another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskMove {
    /// The task, in its new stage.
    pub task: Task,
    /// The stage that the task left.
    pub from: Stage,
    /// The stage that the task entered.
    pub to: Stage,
    /// The label that was submitted for the task.
    pub label: Option<Label>,
    /// The user who submitted the label.
    pub annotator: Option<User>,
    /// The project of the task.
    pub project: Project,
    /// The data row of the task.
    pub data_row: DataRow,
    /// The data row's dataset.
    pub dataset: Dataset,
    /// The batches of the project that contain the data row.
    pub batches: Vec<Batch>,
    /// The organization.
    pub team: Option<Team>,
    /// The user who moved the task; none when a rule or a receiver's response did.
    pub user: Option<User>,
    /// The time at which it happened.
    pub created_at: Timestamp,
}

impl From<&stage::Model> for Stage {
    fn from(row: &stage::Model) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            r#type: row.stage_type,
        }
    }
}

impl Visit {
    /// Returns the working time in the stage.
    pub fn work(&self) -> Work {
        Work {
            duration_ms: self.duration_ms,
            idle_ms: self.idle_ms,
            blur_ms: self.blur_ms,
        }
    }
}

impl Work {
    /// Returns the sum of both.
    pub fn plus(self, other: Self) -> Self {
        Self {
            duration_ms: self.duration_ms.saturating_add(other.duration_ms),
            idle_ms: self.idle_ms.saturating_add(other.idle_ms),
            blur_ms: self.blur_ms.saturating_add(other.blur_ms),
        }
    }
}
