//! Which tasks, and what is given to work on them and to steer them.

use async_graphql::{Enum, ID, InputObject};
use entity::{TaskStatus, Timestamp};
use labelhook_core::task::{Answer, Assign, Filter, Judgement, Verdict};

use super::super::{
    error::Result,
    input::{ConnectInput, bounded, ids},
};

/// Which tasks: all that is given must hold. A list means "one of"; an id that nothing has matches nothing.
#[derive(InputObject, Default)]
pub struct TaskWhereInput {
    /// Ids of tasks.
    ids: Option<Vec<ID>>,
    /// Ids of projects.
    project_ids: Option<Vec<ID>>,
    /// Ids of the stages they are in.
    stage_ids: Option<Vec<ID>>,
    /// Ids of data rows.
    data_row_ids: Option<Vec<ID>>,
    /// Ids of batches that their data rows are in.
    batch_ids: Option<Vec<ID>>,
    /// Ids of the users who are to work on them.
    assignee_ids: Option<Vec<ID>>,
    /// Statuses.
    statuses: Option<Vec<TaskStatus>>,
    /// The data row's external id.
    external_id: Option<String>,
    /// Made at this moment or later.
    #[graphql(name = "createdAt_gte")]
    created_at_gte: Option<Timestamp>,
    /// Made before this moment.
    #[graphql(name = "createdAt_lt")]
    created_at_lt: Option<Timestamp>,
}

impl TaskWhereInput {
    /// The same in core's words.
    pub fn read(self) -> Result<Filter> {
        Ok(Filter {
            ids: ids("where.ids", self.ids)?,
            project_ids: ids("where.projectIds", self.project_ids)?,
            stage_ids: ids("where.stageIds", self.stage_ids)?,
            data_row_ids: ids("where.dataRowIds", self.data_row_ids)?,
            batch_ids: ids("where.batchIds", self.batch_ids)?,
            assignee_ids: ids("where.assigneeIds", self.assignee_ids)?,
            statuses: bounded("where.statuses", self.statuses)?,
            external_id: self.external_id,
            created_from: self.created_at_gte,
            created_before: self.created_at_lt,
        })
    }
}

/// What somebody made of a task: any subset.
#[derive(InputObject)]
pub struct TaskAnswerInput {
    /// The annotation, usually JSON text, at most 2 MiB; kept and sent as it is. As it was when absent.
    label: Option<String>,
    /// How long it took in all, in seconds; from the durations when absent.
    seconds_to_label: Option<f64>,
    /// Work since the last save, in milliseconds; from `secondsToLabel` when absent, else 0.
    duration_ms: Option<i64>,
    /// Of it, idle.
    idle_ms: Option<i64>,
    /// Of it, with the editor out of sight.
    blur_ms: Option<i64>,
    /// Where the caller believes the task to be: RESOURCE_CONFLICT when it is elsewhere. Not checked when absent.
    stage: Option<ConnectInput>,
}

impl From<TaskAnswerInput> for Answer {
    fn from(input: TaskAnswerInput) -> Self {
        Self {
            label: input.label,
            seconds_to_label: input.seconds_to_label,
            duration_ms: input.duration_ms,
            idle_ms: input.idle_ms,
            blur_ms: input.blur_ms,
            stage: input.stage.map(|stage| stage.connect.id.0),
        }
    }
}

/// What a reviewer says.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
pub enum ReviewOutcome {
    /// It is good: the task goes on over APPROVED.
    Approved,
    /// It is not: the task goes on over REJECTED.
    Rejected,
}

impl From<ReviewOutcome> for Verdict {
    fn from(outcome: ReviewOutcome) -> Self {
        match outcome {
            ReviewOutcome::Approved => Self::Approved,
            ReviewOutcome::Rejected => Self::Rejected,
        }
    }
}

/// A reviewer's judgement of a task.
#[derive(InputObject)]
pub struct TaskReviewInput {
    /// What they say.
    outcome: ReviewOutcome,
    /// The review's score; when absent, 1 for APPROVED and -1 for REJECTED.
    score: Option<f64>,
    /// Where the caller believes the task to be: RESOURCE_CONFLICT when it is elsewhere. Not checked when absent.
    stage: Option<ConnectInput>,
}

impl From<TaskReviewInput> for Judgement {
    fn from(input: TaskReviewInput) -> Self {
        Self {
            verdict: input.outcome.into(),
            score: input.score,
            stage: input.stage.map(|stage| stage.connect.id.0),
        }
    }
}

/// Who is to work on tasks.
#[derive(InputObject)]
pub struct AssignInput {
    /// The user.
    assignee: ConnectInput,
    /// The stage that all of the tasks must be in. Naming a webhook stage right after START sends them.
    stage: Option<ConnectInput>,
}

impl From<AssignInput> for Assign {
    fn from(input: AssignInput) -> Self {
        Self {
            assignee: input.assignee.connect.id.0,
            stage: input.stage.map(|stage| stage.connect.id.0),
        }
    }
}

/// Where tasks go.
#[derive(InputObject)]
pub struct RequeueInput {
    /// The stage, of the tasks' project.
    pub(super) stage: ConnectInput,
}
