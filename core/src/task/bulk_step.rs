//! Steps: the tasks that a call matches, cut into transactions of bounded number and size.

use super::{
    batch_size::{self, MAX_BATCH_BYTES},
    filter::{self, Filter},
    transition::Transition,
};
use crate::{
    App, Error, Result,
    auth::Actor,
    db::{Txn, Work},
};
use entity::{EventId, ProjectId, StageId, TaskId, TaskStatus, UserId, task};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;

/// The maximum number of tasks of one step.
const BATCH_SIZE: usize = 200;
/// The maximum number of tasks of one call.
const MAX_TASKS: u64 = 10_000;

/// The state of a task as the call read it.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub(crate) struct Seen {
    pub(crate) id: TaskId,
    pub(crate) project_id: ProjectId,
    pub(crate) stage_id: StageId,
    pub(crate) status: TaskStatus,
    pub(crate) assignee_id: Option<UserId>,
    event_id: Option<EventId>,
}

/// Tasks of one project that fit into one transaction.
pub(crate) struct Step {
    project_id: ProjectId,
    seen: BTreeMap<TaskId, Seen>,
}

/// Reads the state of what the filter matches, oldest first; more than the maximum of one call is an error.
pub(crate) async fn seen(app: &App, actor: &Actor, filter: &Filter) -> Result<Vec<Seen>> {
    let seen = filter::matching(actor, filter)
        .select_only()
        .columns([
            task::Column::Id,
            task::Column::ProjectId,
            task::Column::StageId,
            task::Column::Status,
            task::Column::AssigneeId,
            task::Column::EventId,
        ])
        .order_by_asc(task::Column::Id)
        .limit(MAX_TASKS + 1)
        .into_model::<Seen>()
        .all(app.db.read())
        .await?;
    match seen.len() as u64 > MAX_TASKS {
        true => Err(Error::invalid(
            "where",
            format!("matches more than {MAX_TASKS} tasks; narrow it"),
        )),
        false => Ok(seen),
    }
}

/// Executes the steps one after the other and returns the changed tasks.
pub(crate) async fn in_steps<'a>(
    app: &'a App,
    seen: Vec<Seen>,
    take: impl Fn(Step) -> Work<'a, Vec<TaskId>>,
) -> Result<Vec<TaskId>> {
    let mut done = Vec::with_capacity(seen.len());
    for step in cut(app, seen).await? {
        app.db.graphs().of(app.db.read(), step.project_id).await?;
        match take(step).await {
            Ok(ids) => done.extend(ids),
            Err(error) => return Err(after(error, done.len())),
        }
    }
    done.sort_unstable();
    Ok(done)
}

/// Builds the error of a step; it tells how many tasks were done before.
fn after(error: Error, done: usize) -> Error {
    let told = |text: String| format!("{text}; {done} tasks were done before");
    match error {
        error if done == 0 => error,
        Error::Conflict(text) => Error::Conflict(told(text)),
        Error::NotAllowed(text) => Error::NotAllowed(told(text)),
        Error::Unavailable(text) => Error::Unavailable(told(text)),
        other => other,
    }
}

async fn cut(app: &App, seen: Vec<Seen>) -> Result<Vec<Step>> {
    let ids: Vec<TaskId> = seen.iter().map(|task| task.id).collect();
    let weights = batch_size::weights(app.db.read(), &ids).await?;
    let mut open: BTreeMap<ProjectId, (usize, Step)> = BTreeMap::new();
    let mut steps = Vec::new();
    for task in seen {
        let weight = weights.get(&task.id).copied().unwrap_or(0);
        let empty = || (0, Step::of(task.project_id));
        let (bytes, step) = open.entry(task.project_id).or_insert_with(empty);
        if step.seen.len() == BATCH_SIZE || (*bytes + weight > MAX_BATCH_BYTES && !step.seen.is_empty()) {
            steps.push(std::mem::replace(step, Step::of(task.project_id)));
            *bytes = 0;
        }
        *bytes += weight;
        step.seen.insert(task.id, task);
    }
    steps.extend(open.into_values().map(|(_, step)| step));
    Ok(steps)
}

impl Step {
    fn of(project_id: ProjectId) -> Self {
        Self {
            project_id,
            seen: BTreeMap::new(),
        }
    }

    /// Reads the tasks in their current state, oldest first.
    pub(crate) async fn read(&self, txn: &Txn) -> Result<Vec<task::Model>> {
        Ok(task::Entity::find()
            .filter(task::Column::Id.is_in(self.seen.keys().copied()))
            .filter(task::Column::Deleted.eq(false))
            .order_by_asc(task::Column::Id)
            .all(txn.conn())
            .await?)
    }

    /// Returns whether a task has neither moved nor been reassigned since the call read it.
    pub(crate) fn has_same_hands(&self, task: &task::Model) -> bool {
        let seen = self.seen.get(&task.id);
        seen.is_some_and(|seen| seen.event_id == task.event_id && seen.assignee_id == task.assignee_id)
    }

    /// Returns whether a task has the stage and status that the call read.
    pub(crate) fn stands_as_seen(&self, task: &task::Model) -> bool {
        let seen = self.seen.get(&task.id);
        seen.is_some_and(|seen| seen.event_id == task.event_id && seen.status == task.status)
    }

    /// Loads the transition of these tasks, whose project must be live.
    pub(crate) async fn live<'t>(
        &self,
        txn: &'t Txn,
        tasks: Vec<task::Model>,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<Transition<'t>> {
        let transition = Transition::load(txn, self.project_id, tasks, users).await?;
        match transition.project.deleted {
            true => Err(Error::NotAllowed("the tasks' project is deleted".into())),
            false => Ok(transition),
        }
    }
}
