//! Writes the changes of a transition: the tasks, and the visits that ended.

use super::Transition;
use crate::{Result, db::Txn, sql::bulk::batch};
use entity::{stage_visit, task};
use sea_orm::{EntityTrait, IntoActiveModel, Iterable, sea_query::OnConflict};

impl Transition<'_> {
    /// Writes all changes and returns the tasks in their new state.
    pub(crate) async fn store(self) -> Result<Vec<task::Model>> {
        let mut tasks = Vec::with_capacity(self.entries.len());
        let mut visits = Vec::new();
        for mut entry in self.context.entries {
            visits.extend(entry.visits.drain(entry.written..));
            tasks.push(entry.task);
        }
        write_tasks(self.txn, tasks.clone()).await?;
        write_visits(self.txn, visits).await?;
        Ok(tasks)
    }
}

/// Writes new and changed tasks, many in one statement.
async fn write_tasks(txn: &Txn, mut rows: Vec<task::Model>) -> Result<()> {
    rows.iter().for_each(|row| txn.task_changed(row));
    let known = OnConflict::column(task::Column::Id)
        .update_columns(task::Column::iter().filter(|column| !matches!(column, task::Column::Id)))
        .to_owned();
    while let Some(count) = batch(rows.len()) {
        let rest = rows.split_off(count);
        let rows = std::mem::replace(&mut rows, rest)
            .into_iter()
            .map(IntoActiveModel::into_active_model);
        task::Entity::insert_many(rows)
            .on_conflict(known.clone())
            .exec_without_returning(txn.conn())
            .await?;
    }
    Ok(())
}

async fn write_visits(txn: &Txn, mut rows: Vec<stage_visit::Model>) -> Result<()> {
    while let Some(count) = batch(rows.len()) {
        let rest = rows.split_off(count);
        let rows = std::mem::replace(&mut rows, rest)
            .into_iter()
            .map(IntoActiveModel::into_active_model);
        stage_visit::Entity::insert_many(rows)
            .exec_without_returning(txn.conn())
            .await?;
    }
    Ok(())
}
