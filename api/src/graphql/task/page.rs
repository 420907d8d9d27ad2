//! Pages of tasks as a connection.

use async_graphql::Context;
use entity::TaskId;
use labelhook_core::{
    page::{End, Page},
    task::{self as tasks, Filter, PageRequest},
};

use super::{
    super::{
        connection::{Connection, Position},
        context::ContextExt,
        error::Result,
        list::{Cursor, PageArguments},
    },
    Task,
};

/// A page of tasks, newest first.
pub type TaskConnection = Connection<Task>;

impl Position for Task {
    fn place(&self) -> Cursor {
        Cursor {
            key: self.0.created_at.0,
            id: self.0.id.0,
        }
    }
}

/// Loads a page of what `filter` matches.
pub async fn connection(ctx: &Context<'_>, filter: &Filter, page: PageArguments) -> Result<TaskConnection> {
    Ok(listed(ctx, filter, page.span()).await?.map(Task).into())
}

/// Loads the tasks of a page of ids, without those that were deleted in between.
pub async fn among(ctx: &Context<'_>, ids: Page<TaskId>) -> Result<TaskConnection> {
    let span = PageRequest {
        count: u64::try_from(ids.rows.len()).unwrap_or(u64::MAX),
        from: End::First,
        after: None,
        before: None,
    };
    let filter = Filter {
        ids: Some(ids.rows),
        ..Filter::default()
    };
    let rows = listed(ctx, &filter, span).await?.rows;
    let page = Page {
        rows: rows.into_iter().map(Task).collect(),
        has_next: ids.has_next,
        has_previous: ids.has_previous,
        stop: None,
    };
    Ok(page.into())
}

/// Loads tasks and counts their drafts, which can be large, towards the response's size limit.
async fn listed(ctx: &Context<'_>, filter: &Filter, span: PageRequest) -> Result<tasks::Page> {
    ctx.spend(0)?;
    let slice = tasks::list(ctx.app(), ctx.actor(), filter, span).await?;
    let drafts = slice.rows.iter().filter_map(|row| row.draft.as_ref());
    ctx.spend(drafts.map(String::len).sum())?;
    Ok(slice)
}
