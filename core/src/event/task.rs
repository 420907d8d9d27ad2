//! What an event says of a task: where it is, how it came there and what is known of it.

use super::data::{Batch, DataRow, Dataset, Label, Project, Team, User};
use entity::{EventId, StageId, StageType, TaskId, Timestamp, VisitId, stage};
use serde::{Deserialize, Serialize};

/// A stage as it was then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its id.
    pub id: StageId,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub r#type: StageType,
}

/// A completed visit to a stage. It has no annotation: the history says who, where and how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Visit {
    /// Its id.
    pub id: VisitId,
    /// The event of leaving the stage.
    pub event_id: Option<EventId>,
    /// Which stage.
    pub stage: Stage,
    /// When the task came in.
    pub entered_at: Timestamp,
    /// When it left.
    pub completed_at: Timestamp,
    /// How long was worked on it.
    #[serde(flatten)]
    pub work: Work,
    /// E-mail of who passed it on; none for automatic stages.
    pub completed_by: Option<String>,
    /// E-mail of who submitted the answer.
    pub submitted_by: Option<String>,
    /// Passed on without an answer.
    pub skipped: bool,
}

/// How long somebody worked, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// In all.
    pub duration_ms: i64,
    /// Of it, idle.
    pub idle_ms: i64,
    /// Of it, with the editor out of sight.
    pub blur_ms: i64,
}

/// A task as it was then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Where it is.
    pub stage: Stage,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// E-mail of who worked on it last.
    pub updated_by: Option<String>,
    /// Work in this stage so far.
    pub here: Work,
    /// Work in all completed visits and this one.
    pub total: Work,
    /// Completed visits, oldest first.
    pub history: Vec<Visit>,
}

/// A task went from one stage to another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskMove {
    /// The task, where it is now.
    pub task: Task,
    /// Where it was.
    pub from: Stage,
    /// Where it is.
    pub to: Stage,
    /// What was submitted for it.
    pub label: Option<Label>,
    /// Who submitted the label.
    pub annotator: Option<User>,
    /// Its project.
    pub project: Project,
    /// Its data row.
    pub data_row: DataRow,
    /// The data row's dataset.
    pub dataset: Dataset,
    /// The batches of the project that hold the data row.
    pub batches: Vec<Batch>,
    /// The organization.
    pub team: Option<Team>,
    /// Who moved it; none: a rule or a receiver's answer did.
    pub user: Option<User>,
    /// When.
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

impl Work {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            duration_ms: self.duration_ms.saturating_add(other.duration_ms),
            idle_ms: self.idle_ms.saturating_add(other.idle_ms),
            blur_ms: self.blur_ms.saturating_add(other.blur_ms),
        }
    }
}
