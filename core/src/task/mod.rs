//! Tasks: data rows that move through a workflow. They are read here, worked on in [`work`], controlled in bulk in
//! [`bulk`] and created by [`intake`]; [`outcome`] moves those whose webhook was delivered or given up. All of these
//! move tasks with a transition ([`transition`]). The GraphQL resolvers call the verbs, the dispatcher's recorder calls
//! [`outcome`]. Nothing here may send a request or know of GraphQL.

pub(crate) mod batch_size;
mod bulk;
mod bulk_step;
mod export;
mod filter;
pub(crate) mod intake;
pub(crate) mod outcome;
mod resend;
pub mod stage_run;
mod transition;
mod work;

pub(crate) use bulk::relocate;
pub use bulk::{Assign, assign, forward, requeue};
pub use export::{Export, export};
pub use filter::{Filter, Page, PageRequest};
pub(crate) use resend::{Withdrawn, forget_sends};
pub use work::{Answer, Judgement, Verdict, review, save, submit};

use crate::{
    App, Result,
    auth::{Action, Actor},
    db::Txn,
    lookup,
};
use entity::{DataRowId, OrganizationId, StageId, TaskId, stage_visit, task};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IdenStatic, Iterable, QueryFilter, QueryOrder, QuerySelect,
    Select, UpdateMany, sea_query::Expr,
};
use std::collections::HashMap;

/// Returns a task by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<task::Model> {
    actor.require(Action::Read)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists a page of tasks, newest first.
pub async fn list(app: &App, actor: &Actor, filter: &Filter, span: PageRequest) -> Result<Page> {
    actor.require(Action::Read)?;
    filter::page(app.db.read(), actor, filter, span).await
}

/// Loads tasks of an organization by id, for the objects that refer to them.
pub async fn many(app: &App, organization_id: OrganizationId, ids: &[TaskId]) -> Result<Vec<task::Model>> {
    lookup::many(app.db.read(), organization_id, ids).await
}

/// Loads the completed visits of several tasks, oldest first, without the annotations.
pub async fn visits(
    app: &App,
    organization_id: OrganizationId,
    ids: &[TaskId],
) -> Result<HashMap<TaskId, Vec<stage_visit::Model>>> {
    let query = history(ids, false).filter(stage_visit::Column::OrganizationId.eq(organization_id));
    Ok(by_task(query.all(app.db.read()).await?))
}

/// Selects visits of tasks, oldest first; the annotations, which may be large, only on request.
fn history(ids: &[TaskId], answers: bool) -> Select<stage_visit::Entity> {
    let query = stage_visit::Entity::find()
        .filter(stage_visit::Column::TaskId.is_in(ids.iter().copied()))
        .order_by_asc(stage_visit::Column::TaskId)
        .order_by_asc(stage_visit::Column::Id);
    if answers {
        return query;
    }
    let columns = stage_visit::Column::iter().filter(|column| !matches!(column, stage_visit::Column::Answer));
    query
        .select_only()
        .columns(columns)
        .column_as(Expr::value(None::<String>), stage_visit::Column::Answer.as_str())
}

fn by_task(rows: Vec<stage_visit::Model>) -> HashMap<TaskId, Vec<stage_visit::Model>> {
    let mut visits: HashMap<TaskId, Vec<_>> = HashMap::new();
    for row in rows {
        visits.entry(row.task_id).or_default().push(row);
    }
    visits
}

/// The data the tasks of deleted data rows. Notifications in flight are still sent, and move nothing.
pub(crate) async fn forget(txn: &Txn, data_row_ids: &[DataRowId]) -> Result<()> {
    let condition = Condition::all()
        .add(task::Column::DataRowId.is_in(data_row_ids.iter().copied()))
        .add(task::Column::Deleted.eq(false));
    let change = task::Entity::update_many()
        .col_expr(task::Column::Deleted, Expr::value(true))
        .col_expr(task::Column::UpdatedAt, Expr::value(txn.now()));
    change_all(txn, condition, change).await
}

/// Changes the tasks for which a condition holds, and publishes their ids to the feed.
pub(crate) async fn change_all(txn: &Txn, condition: Condition, change: UpdateMany<task::Entity>) -> Result<()> {
    let tasks: Vec<(OrganizationId, TaskId)> = task::Entity::find()
        .select_only()
        .columns([task::Column::OrganizationId, task::Column::Id])
        .filter(condition.clone())
        .into_tuple()
        .all(txn.conn())
        .await?;
    if tasks.is_empty() {
        return Ok(());
    }
    change.filter(condition).exec(txn.conn()).await?;
    txn.tasks_changed(&tasks);
    Ok(())
}

/// Returns the ids of a stage's live tasks, oldest first, at most `limit`.
pub(crate) async fn in_stage(conn: &impl ConnectionTrait, stage_id: StageId, limit: u64) -> Result<Vec<TaskId>> {
    Ok(task::Entity::find()
        .select_only()
        .column(task::Column::Id)
        .filter(task::Column::StageId.eq(stage_id))
        .filter(task::Column::Deleted.eq(false))
        .order_by_asc(task::Column::Id)
        .limit(limit)
        .into_tuple()
        .all(conn)
        .await?)
}
