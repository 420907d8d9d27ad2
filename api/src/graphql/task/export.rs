//! Tasks in the export format, one page at a time.

use async_graphql::{Context, Object};
use labelhook_core::task::{self as tasks, Export, Filter};

use super::{
    super::{
        connection::{Connection, Position},
        context::ContextExt,
        error::Result,
        json::Json,
        list::{Cursor, PageArguments},
    },
    Task,
};

/// A page of tasks in the export format, newest first.
pub type ExportedLabelConnection = Connection<ExportedLabel>;

/// A task in the export format.
pub struct ExportedLabel {
    task: Task,
    json: String,
}

/// A task in the export format.
#[Object]
impl ExportedLabel {
    /// The task.
    async fn task(&self) -> &Task {
        &self.task
    }

    /// The task in the export format: an object.
    async fn data(&self) -> Result<Json> {
        Json::stored(&self.json)
    }
}

impl From<Export> for ExportedLabel {
    fn from(export: Export) -> Self {
        Self {
            task: Task(export.task),
            json: export.json,
        }
    }
}

impl Position for ExportedLabel {
    fn place(&self) -> Cursor {
        self.task.place()
    }
}

/// Loads a page of what `filter` matches. The exported bytes count towards the response's size limit.
pub async fn connection(ctx: &Context<'_>, filter: &Filter, page: PageArguments) -> Result<ExportedLabelConnection> {
    ctx.spend(0)?;
    let slice = tasks::export(ctx.app(), ctx.actor(), filter, page.span()).await?;
    ctx.spend(slice.rows.iter().map(|row| row.json.len()).sum())?;
    Ok(slice.map(ExportedLabel::from).into())
}
