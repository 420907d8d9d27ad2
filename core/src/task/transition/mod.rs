//! A transition: moves some tasks of one project from stage to stage, in one transaction. All related objects are read
//! at once and all changes are written at once, so that moving a task takes the same number of statements regardless of
//! the project's size, and many tasks take few more than one.
//!
//! A task *leaves* its stage over an output, which writes its history, or is *put* into another stage, which does not.
//! The type of the new stage determines its status there: rules move it on immediately, a webhook stage sends it, other
//! stages keep it.

mod context;
mod enter_stage;
mod load;
mod save;

pub(crate) use context::Context;

use crate::{
    Error, Result,
    db::Txn,
    event::{self, Data, TaskMove},
    graph::{Graph, conditions::Budget},
};
use entity::{ProjectId, StageId, StageOutput, TaskStatus, UserId, VisitId, stage_visit, task};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// A transition of some tasks of one project, with all related objects.
pub(crate) struct Transition<'t> {
    txn: &'t Txn,
    context: Context,
    budget: Budget,
}

impl Deref for Transition<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl DerefMut for Transition<'_> {
    fn deref_mut(&mut self) -> &mut Context {
        &mut self.context
    }
}

/// The origin of a move: the user and the annotation.
#[derive(Clone, Debug, Default)]
pub(crate) struct By {
    /// The user; none for a rule or a receiver's response.
    pub(crate) user_id: Option<UserId>,
    /// The annotation as submitted in this stage.
    pub(crate) answer: Option<String>,
}

impl<'t> Transition<'t> {
    /// Loads tasks of one project, to be moved through its current workflow. `users` are further users that events will
    /// name.
    pub(crate) async fn load(
        txn: &'t Txn,
        project_id: ProjectId,
        tasks: Vec<task::Model>,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<Self> {
        let graph = txn.graphs().of(txn.conn(), project_id).await?;
        Self::through(txn, graph, project_id, tasks, users).await
    }

    /// Loads tasks of one project, to be moved through a given workflow.
    pub(crate) async fn through(
        txn: &'t Txn,
        graph: Arc<Graph>,
        project_id: ProjectId,
        tasks: Vec<task::Model>,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<Self> {
        let context = Context::read(txn.conn(), graph, project_id, tasks, users).await?;
        Ok(Self {
            txn,
            context,
            budget: txn.graphs().budget(),
        })
    }

    /// Moves a task on over a connected output, and writes its history.
    pub(crate) async fn leave(&mut self, place: usize, output: StageOutput, hand: By) -> Result<()> {
        let stage_id = self.entries[place].task.stage_id;
        let Some(to) = self.graph.node(stage_id).and_then(|node| node.target(output)) else {
            return Err(Error::NotAllowed(format!(
                "output {} of the task's stage is not connected",
                output.as_str()
            )));
        };
        let user_id = hand.user_id;
        self.complete(place, hand);
        self.arrive(place, to, user_id).await
    }

    /// Moves a new task on from START.
    pub(crate) async fn begin(&mut self, place: usize, user_id: Option<UserId>) -> Result<()> {
        let start = self.graph.start();
        let Some(to) = self.graph.node(start).and_then(|node| node.target(StageOutput::Next)) else {
            return Err(Error::internal("a START stage has no outgoing edge"));
        };
        self.complete(place, By::default());
        self.arrive(place, to, user_id).await
    }

    /// Puts a task into a stage, without an entry in its history.
    pub(crate) async fn put(&mut self, place: usize, to: StageId, user_id: Option<UserId>) -> Result<()> {
        self.arrive(place, to, user_id).await
    }

    /// Holds a task in its stage, with a reason.
    pub(crate) fn hold(&mut self, place: usize, reason: String) {
        let now = self.txn.now();
        let task = &mut self.entries[place].task;
        task.status = TaskStatus::Held;
        task.status_reason = Some(reason);
        task.updated_at = now;
    }

    /// Adds the visit that ends to the task's history. The event that reports the move sets its event id.
    fn complete(&mut self, place: usize, hand: By) {
        let now = self.txn.now();
        let entry = &mut self.entries[place];
        let task = &mut entry.task;
        entry.visits.push(stage_visit::Model {
            id: VisitId::new(),
            organization_id: task.organization_id,
            task_id: task.id,
            stage_id: task.stage_id,
            event_id: None,
            entered_at: task.entered_at,
            completed_at: now,
            duration_ms: task.duration_ms,
            idle_ms: task.idle_ms,
            blur_ms: task.blur_ms,
            completed_by: hand.user_id,
            submitted_by: hand.user_id.filter(|_| hand.answer.is_some()),
            skipped: false,
            answer: hand.answer,
        });
        task.total_duration_ms = task.total_duration_ms.saturating_add(task.duration_ms);
        task.total_idle_ms = task.total_idle_ms.saturating_add(task.idle_ms);
        task.total_blur_ms = task.total_blur_ms.saturating_add(task.blur_ms);
        (task.duration_ms, task.idle_ms, task.blur_ms) = (0, 0, 0);
        if hand.user_id.is_some() {
            task.updated_by = hand.user_id;
        }
    }

    /// Builds the event data of a task's move from `from` to its current stage.
    fn moved(&self, place: usize, from: event::Stage, user_id: Option<UserId>) -> Data {
        let entry = &self.entries[place];
        let task = self.snapshot(place);
        Data::Move(Box::new(TaskMove {
            from,
            to: task.stage.clone(),
            task,
            label: entry.label.as_ref().map(Into::into),
            annotator: self.user(entry.label.as_ref().and_then(|label| label.created_by)),
            project: (&self.project).into(),
            data_row: (&entry.data_row).into(),
            dataset: (&entry.dataset).into(),
            batches: entry.batches.clone(),
            team: Some(self.team.clone()),
            user: self.user(user_id),
            created_at: self.txn.now(),
        }))
    }
}
