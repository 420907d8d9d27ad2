//! Tasks: data rows on their way through a workflow. Looked at here; worked on in [`work`], steered in [`steer`].

mod export;
mod filter;
mod steer;
mod work;

pub use export::{Export, export};
pub use filter::{Filter, Slice, Span};
pub use steer::{Assign, assign, forward, requeue};
pub use work::{Answer, Outcome, Verdict, review, save, submit};

use crate::{App, Error, Result, auth::Actor};
use entity::{OrganizationId, TaskId, stage_visit, task};
use std::collections::HashMap;

/// A task by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<task::Model> {
    let _ = (app, actor);
    Err(Error::not_found("task", id))
}

/// A page of tasks, newest first.
pub async fn list(app: &App, actor: &Actor, filter: &Filter, span: Span) -> Result<Slice> {
    filter::page(app.db.read(), actor, filter, span).await
}

/// Tasks of an organization by id: for the objects that name them.
pub async fn many(app: &App, organization_id: OrganizationId, ids: &[TaskId]) -> Result<Vec<task::Model>> {
    let _ = (app, organization_id, ids);
    Ok(Vec::new())
}

/// The completed visits of several tasks, oldest first.
pub async fn visits(
    app: &App,
    organization_id: OrganizationId,
    ids: &[TaskId],
) -> Result<HashMap<TaskId, Vec<stage_visit::Model>>> {
    let _ = (app, organization_id, ids);
    Ok(HashMap::new())
}
