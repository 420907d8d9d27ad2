//! Inputs that select tasks, work on them, and control many of them.

use async_graphql::{Enum, ID, InputObject};
use entity::{TaskStatus, Timestamp};
use labelhook_core::task::{Answer, Assign, Filter, Judgement, Verdict};

use super::super::{
    error::Result,
    input::{ConnectInput, bounded, ids},
};

/// Selects tasks. All given conditions must hold. A list matches any of its values; an unknown id matches nothing.
#[derive(InputObject, Default)]
pub struct TaskWhereInput {
    /// The ids of tasks.
    ids: Option<Vec<ID>>,
    /// The ids of projects.
    project_ids: Option<Vec<ID>>,
    /// The ids of the stages that they are in.
    stage_ids: Option<Vec<ID>>,
    /// The ids of data rows.
    data_row_ids: Option<Vec<ID>>,
    /// The ids of batches that contain their data rows.
    batch_ids: Option<Vec<ID>>,
    /// The ids of the users who are assigned to them.
    assignee_ids: Option<Vec<ID>>,
    /// The statuses of the tasks.
    statuses: Option<Vec<TaskStatus>>,
    /// The external id of the data row.
    external_id: Option<String>,
    /// Created at or after this time.
    #[graphql(name = "createdAt_gte")]
    created_at_gte: Option<Timestamp>,
    /// Created before this time.
    #[graphql(name = "createdAt_lt")]
    created_at_lt: Option<Timestamp>,
}

impl TaskWhereInput {
    /// Parses the input into the type that `labelhook_core` takes.
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

/// Work on a task. Absent fields keep their value.
#[derive(InputObject)]
pub struct TaskAnswerInput {
    /// The annotation, usually JSON text, at most 2 MiB; stored and sent unchanged. When absent, it is kept.
    label: Option<String>,
    /// The total labeling time in seconds; when absent, it is derived from the durations.
    seconds_to_label: Option<f64>,
    /// The working time since the last save, in milliseconds; when absent, it is derived from `secondsToLabel`, else 0.
    duration_ms: Option<i64>,
    /// The part of the working time that was idle, in milliseconds.
    idle_ms: Option<i64>,
    /// The part of the working time in which the editor was out of focus, in milliseconds.
    blur_ms: Option<i64>,
    /// The stage that the caller expects the task to be in: RESOURCE_CONFLICT when it is in another. Not checked when
    /// absent.
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

/// The decision of a reviewer.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
pub enum ReviewOutcome {
    /// The reviewer approves: the task moves on over APPROVED.
    Approved,
    /// The reviewer rejects: the task moves on over REJECTED.
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

/// The review of a task.
#[derive(InputObject)]
pub struct TaskReviewInput {
    /// The decision of the reviewer.
    outcome: ReviewOutcome,
    /// The score of the review; when absent, 1 for APPROVED and -1 for REJECTED.
    score: Option<f64>,
    /// The stage that the caller expects the task to be in: RESOURCE_CONFLICT when it is in another. Not checked when
    /// absent.
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

/// The assignment of tasks to a user.
#[derive(InputObject)]
pub struct AssignInput {
    /// The user to assign.
    assignee: ConnectInput,
    /// The stage that all tasks must be in. With a webhook stage right after START, the assignment sends the tasks.
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

/// The target of a requeue.
#[derive(InputObject)]
pub struct RequeueInput {
    /// The stage to put the tasks into, of the tasks' project.
    pub(super) stage: ConnectInput,
}
