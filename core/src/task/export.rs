//! The export format of tasks: a webhook's body with the documented differences.

use super::{
    filter::{Filter, PageRequest},
    history,
    transition::Context,
};
use crate::{
    App, Error, Result,
    auth::Actor,
    event,
    page::{End, Page},
    payload,
    sql::statement::octets,
};
use entity::{TaskId, stage_visit, task};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;

/// A task in the export format.
#[derive(Clone, Debug)]
pub struct Export {
    /// The task.
    pub task: task::Model,
    /// The task in the export format, as JSON text.
    pub json: String,
}

/// The approximate maximum size in bytes of the annotations of one page, at which the page is cut.
const PAGE: usize = 32 << 20;

/// Exports a page of tasks, newest first. A page of large tasks is shorter than requested and says that there are more;
/// one task that is larger than a page is an error.
pub async fn export(app: &App, actor: &Actor, filter: &Filter, span: PageRequest) -> Result<Page<Export>> {
    let mut slice = super::list(app, actor, filter, span).await?;
    let sizes = sizes(app, &slice.rows).await?;
    let size = |task: &task::Model| sizes.get(&task.id).copied().unwrap_or(0);
    if let Some(task) = slice.rows.iter().find(|task| size(task) > PAGE) {
        let reason = format!(
            "task {} has {} bytes of annotations in its history",
            task.id,
            size(task)
        );
        return Err(Error::NotAllowed(format!("{reason}, too many to export")));
    }
    cut(&mut slice, span.from, size);
    let mut exports = Vec::with_capacity(slice.rows.len());
    for task in &slice.rows {
        exports.push(text(app, task).await?);
    }
    let mut texts = exports.into_iter();
    Ok(slice.map(|task| Export {
        json: texts.next().unwrap_or_default(),
        task,
    }))
}

/// Cuts the rows that do not fit, at the end from which the caller continues.
fn cut(slice: &mut Page<task::Model>, from: End, size: impl Fn(&task::Model) -> usize) {
    let mut bytes = 0;
    let mut fits = |task: &&task::Model| {
        bytes += size(task);
        bytes <= PAGE
    };
    match from {
        End::First => {
            let count = slice.rows.iter().take_while(&mut fits).count();
            slice.has_next |= count < slice.rows.len();
            slice.rows.truncate(count);
        }
        End::Last => {
            let count = slice.rows.iter().rev().take_while(&mut fits).count();
            slice.has_previous |= count < slice.rows.len();
            slice.rows.drain(..slice.rows.len() - count);
        }
    }
}

/// Returns a lower bound of the size of each task's export: an automatic stage repeats the answer before it.
async fn sizes(app: &App, tasks: &[task::Model]) -> Result<HashMap<TaskId, usize>> {
    let rows: Vec<(TaskId, Option<i64>)> = stage_visit::Entity::find()
        .select_only()
        .column(stage_visit::Column::TaskId)
        .column_as(octets(stage_visit::Column::Answer.into_expr()), "bytes")
        .filter(stage_visit::Column::TaskId.is_in(tasks.iter().map(|task| task.id)))
        .order_by_asc(stage_visit::Column::TaskId)
        .order_by_asc(stage_visit::Column::Id)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let mut sizes: HashMap<TaskId, (usize, usize)> = HashMap::new();
    for (id, bytes) in rows {
        let (total, last) = sizes.entry(id).or_default();
        *last = bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(*last);
        *total += *last;
    }
    Ok(sizes.into_iter().map(|(id, (total, _))| (id, total)).collect())
}

async fn text(app: &App, task: &task::Model) -> Result<String> {
    let db = app.db.read();
    let graph = app.db.graphs().of(db, task.project_id).await?;
    let context = Context::read(db, graph, task.project_id, vec![task.clone()], []).await?;
    let visits = history(&[task.id], true).all(db).await?;
    let answers: Vec<Option<String>> = visits.into_iter().map(|visit| visit.answer).collect();
    let entry = context.entry(0);
    let label: Option<event::Label> = entry.label.as_ref().map(Into::into);
    payload::export(
        &context.snapshot(0),
        label.as_ref(),
        &(&context.project).into(),
        &(&entry.data_row).into(),
        &entry.batches,
        &answers,
    )
}
