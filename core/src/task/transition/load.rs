//! Reads all objects related to some tasks of one project, with one statement for each table.

use super::context::{Context, TaskEntry};
use crate::{
    Error, Result, event,
    graph::Graph,
    label_context,
    task::{by_task, history},
};
use entity::{
    DataRowId, LabelId, ProjectId, StageId, TaskId, UserId, data_row, dataset, label, organization, project, stage,
    stage_visit, task, user,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PrimaryKeyTrait, QueryFilter};
use std::{collections::HashMap, sync::Arc};

impl Context {
    /// Reads the context of these tasks. `users` are further users that events will name.
    pub(crate) async fn read(
        db: &impl ConnectionTrait,
        graph: Arc<Graph>,
        project_id: ProjectId,
        tasks: Vec<task::Model>,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<Self> {
        let project = project::Entity::find_by_id(project_id).one(db).await?;
        let project = project.ok_or_else(|| Error::internal(format!("project {project_id} does not exist")))?;
        let team = organization::Entity::find_by_id(project.organization_id);
        let team = team.one(db).await?;
        let team = team.ok_or_else(|| Error::internal("an organization does not exist"))?;
        let mut context = Self {
            graph,
            project,
            team: (&team).into(),
            users: HashMap::new(),
            former: HashMap::new(),
            entries: Vec::with_capacity(tasks.len()),
        };
        context.load_entries(db, tasks).await?;
        context.name_users(db, users.into_iter().collect()).await?;
        context.name_former(db).await?;
        Ok(context)
    }

    async fn load_entries(&mut self, db: &impl ConnectionTrait, tasks: Vec<task::Model>) -> Result<()> {
        let mut around = Around::read(db, self.project.id, &tasks).await?;
        for task in tasks {
            let gone = || Error::internal(format!("task {} is orphaned", task.id));
            let data_row = around.data_rows.get(&task.data_row_id).ok_or_else(gone)?.clone();
            let visits = around.visits.remove(&task.id).unwrap_or_default();
            self.entries.push(TaskEntry {
                label: task.label_id.and_then(|id| around.labels.remove(&id)),
                dataset: around.datasets.get(&data_row.dataset_id).ok_or_else(gone)?.clone(),
                batches: around.batches.remove(&data_row.id).unwrap_or_default(),
                written: visits.len(),
                visits,
                data_row,
                task,
            });
        }
        Ok(())
    }

    async fn name_users(&mut self, db: &impl ConnectionTrait, mut ids: Vec<UserId>) -> Result<()> {
        for entry in &self.entries {
            ids.extend(entry.task.updated_by);
            ids.extend(entry.label.as_ref().and_then(|label| label.created_by));
            ids.extend(
                entry
                    .visits
                    .iter()
                    .flat_map(|visit| [visit.completed_by, visit.submitted_by])
                    .flatten(),
            );
        }
        self.users = many::<user::Entity>(db, user::Column::Id, ids).await?;
        Ok(())
    }

    /// Loads the stages that the history refers to and the workflow no longer has.
    async fn name_former(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        let named = self
            .entries
            .iter()
            .flat_map(|entry| entry.visits.iter().map(|visit| visit.stage_id));
        let current = self.entries.iter().map(|entry| entry.task.stage_id);
        let ids: Vec<StageId> = named
            .chain(current)
            .filter(|id| self.graph.node(*id).is_none())
            .collect();
        let rows = many::<stage::Entity>(db, stage::Column::Id, ids).await?;
        self.former = rows.iter().map(|(id, row)| (*id, row.into())).collect();
        Ok(())
    }
}

/// The rows related to some tasks, by id.
struct Around {
    data_rows: HashMap<DataRowId, data_row::Model>,
    datasets: HashMap<entity::DatasetId, dataset::Model>,
    labels: HashMap<LabelId, label::Model>,
    visits: HashMap<TaskId, Vec<stage_visit::Model>>,
    batches: HashMap<DataRowId, Vec<event::Batch>>,
}

impl Around {
    async fn read(db: &impl ConnectionTrait, project_id: ProjectId, tasks: &[task::Model]) -> Result<Self> {
        let rows: Vec<DataRowId> = tasks.iter().map(|task| task.data_row_id).collect();
        let data_rows = many::<data_row::Entity>(db, data_row::Column::Id, rows.clone()).await?;
        let datasets = data_rows.values().map(|row| row.dataset_id).collect();
        let labels = tasks.iter().filter_map(|task| task.label_id).collect();
        let mut labels = many::<label::Entity>(db, label::Column::Id, labels).await?;
        labels.retain(|_, label| !label.deleted);
        let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        Ok(Self {
            datasets: many::<dataset::Entity>(db, dataset::Column::Id, datasets).await?,
            data_rows,
            labels,
            visits: by_task(history(&ids, false).all(db).await?),
            batches: label_context::holding_each(db, project_id, &rows).await?,
        })
    }
}

/// Loads rows by id; executes no statement without ids.
async fn many<E>(
    db: &impl ConnectionTrait,
    column: E::Column,
    mut ids: Vec<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
) -> Result<HashMap<<E::PrimaryKey as PrimaryKeyTrait>::ValueType, E::Model>>
where
    E: EntityTrait,
    E::Model: Keyed<Key = <E::PrimaryKey as PrimaryKeyTrait>::ValueType> + Send + Sync,
    <E::PrimaryKey as PrimaryKeyTrait>::ValueType: Ord + std::hash::Hash + Copy + Into<sea_orm::Value>,
{
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = E::find().filter(column.is_in(ids)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.key(), row)).collect())
}

/// A row with an id.
trait Keyed {
    type Key;
    fn key(&self) -> Self::Key;
}

macro_rules! keyed {
    ($($row:ident $id:ty),+ $(,)?) => {$(
        impl Keyed for $row::Model {
            type Key = $id;
            fn key(&self) -> Self::Key {
                self.id
            }
        }
    )+};
}

keyed! { data_row DataRowId, dataset entity::DatasetId, label LabelId, user UserId, stage StageId }
