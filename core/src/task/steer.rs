//! Steering many tasks at once: who works on them, where they go.

use super::Filter;
use crate::{App, Error, Result, auth::Actor};
use entity::TaskId;

/// Who is to work on tasks.
#[derive(Clone, Debug)]
pub struct Assign {
    /// The user.
    pub assignee: String,
    /// The stage that all of them must be in. Naming a webhook stage right after START sends them.
    pub stage: Option<String>,
}

/// Gives tasks to somebody. Answers the ids of the tasks, oldest first.
pub async fn assign(app: &App, actor: &Actor, filter: &Filter, assign: Assign) -> Result<Vec<TaskId>> {
    let _ = (app, actor, filter, assign);
    Err(Error::NotAllowed("not yet".into()))
}

/// Puts tasks into a stage, without an entry in their history.
pub async fn requeue(app: &App, actor: &Actor, filter: &Filter, stage: &str) -> Result<Vec<TaskId>> {
    let _ = (app, actor, filter, stage);
    Err(Error::NotAllowed("not yet".into()))
}

/// Passes tasks on from HOLD stages, with an entry in their history.
pub async fn forward(app: &App, actor: &Actor, filter: &Filter) -> Result<Vec<TaskId>> {
    let _ = (app, actor, filter);
    Err(Error::NotAllowed("not yet".into()))
}
