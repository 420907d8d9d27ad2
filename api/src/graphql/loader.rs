//! Data loaders for the objects that the rows of a list refer to (a label's project, a project's creator): they are
//! fetched in batches instead of one by one. A key carries the organization, and the statement filters by it, so a row
//! of another organization is never loaded. Nothing is cached across batches, so results are never stale.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use async_graphql::{Context, async_trait};
use entity::{
    DataRowId, DatasetId, LabelId, OrganizationId, ProjectId, UserId, data_row, dataset, label, project, user,
};
use labelhook_core::{App, Error};

use super::{
    context::ContextExt, data_row::DataRow, dataset::Dataset, error::Result, label::Label, project::Project, user::User,
};

/// Loads rows for any caller.
pub struct Rows(pub(super) Arc<App>);

/// The maximum number of rows fetched in one batch: a page of them.
const BATCH: usize = 100;

/// Creates the data loader of a schema. Must be called within a Tokio runtime.
pub fn new(app: Arc<App>) -> DataLoader<Rows> {
    DataLoader::new(Rows(app), TokioSpawner::current(), TokioTimer::default()).max_batch_size(BATCH)
}

/// Loads a project, deleted ones included.
pub async fn project(ctx: &Context<'_>, id: ProjectId) -> Option<Result<Project>> {
    one(ctx, id).await.map(|row| row.map(Project))
}

/// Loads a dataset, deleted ones included.
pub async fn dataset(ctx: &Context<'_>, id: DatasetId) -> Option<Result<Dataset>> {
    one(ctx, id).await.map(|row| row.map(Dataset))
}

/// Loads a data row, deleted ones included.
pub async fn data_row(ctx: &Context<'_>, id: DataRowId) -> Option<Result<DataRow>> {
    one(ctx, id).await.map(|row| row.map(DataRow))
}

/// Loads a label, deleted ones included.
pub async fn label(ctx: &Context<'_>, id: LabelId) -> Option<Result<Label>> {
    if let Err(full) = ctx.spend(0) {
        return Some(Err(full));
    }
    let row: Result<label::Model> = one(ctx, id).await?;
    Some(row.and_then(|row| ctx.spend(row.label.len()).map(|()| Label(row))))
}

/// Loads a user.
pub async fn user(ctx: &Context<'_>, id: UserId) -> Option<Result<User>> {
    one(ctx, id).await.map(|row| row.map(User))
}

/// Unwraps a row that another row refers to and that therefore must exist.
pub(super) fn required<T>(noun: &'static str, id: impl ToString, found: Option<Result<T>>) -> Result<T> {
    found.unwrap_or_else(|| Err(Error::not_found(noun, id).into()))
}

/// Counts the data rows of a project.
pub async fn data_row_count(ctx: &Context<'_>, id: ProjectId) -> Result<i64> {
    Ok(one(ctx, RowsOfProject(id)).await.transpose()?.unwrap_or(0))
}

/// Counts the data rows of a dataset.
pub async fn row_count(ctx: &Context<'_>, id: DatasetId) -> Result<i64> {
    Ok(one(ctx, RowsOfDataset(id)).await.transpose()?.unwrap_or(0))
}

/// The key of a row, together with its organization.
pub(super) type Key<K> = (OrganizationId, K);

/// The key of the number of a project's data rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct RowsOfProject(ProjectId);

/// The key of the number of a dataset's data rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct RowsOfDataset(DatasetId);

pub(super) async fn one<K, V>(ctx: &Context<'_>, key: K) -> Option<Result<V>>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    Rows: Loader<Key<K>, Value = V, Error = Error>,
{
    let loader = ctx.data_unchecked::<DataLoader<Rows>>();
    let key = (ctx.actor().organization_id, key);
    loader.load_one(key).await.map_err(Into::into).transpose()
}

/// Groups keys by organization. Nearly always there is only one.
pub(super) fn by_organization<K: Copy>(keys: &[Key<K>]) -> HashMap<OrganizationId, Vec<K>> {
    let mut split: HashMap<OrganizationId, Vec<K>> = HashMap::new();
    for (organization_id, key) in keys {
        split.entry(*organization_id).or_default().push(*key);
    }
    split
}

macro_rules! rows {
    ($($id:ty => $noun:ident),+ $(,)?) => {$(
        #[async_trait::async_trait]
        impl Loader<Key<$id>> for Rows {
            type Value = $noun::Model;
            type Error = Error;

            async fn load(&self, keys: &[Key<$id>]) -> Result<HashMap<Key<$id>, $noun::Model>, Error> {
                let mut loaded = HashMap::with_capacity(keys.len());
                for (organization_id, ids) in by_organization(keys) {
                    let rows = labelhook_core::$noun::many(&self.0, organization_id, &ids).await?;
                    loaded.extend(rows.into_iter().map(|row| ((organization_id, row.id), row)));
                }
                Ok(loaded)
            }
        }
    )+};
}

rows! {
    ProjectId => project,
    DatasetId => dataset,
    DataRowId => data_row,
    LabelId => label,
    UserId => user,
}

/// Implements a loader over a function of core that returns a map by key.
macro_rules! maps {
    ($($id:ty => $value:ty: $load:path),+ $(,)?) => {$(
        #[async_trait::async_trait]
        impl Loader<Key<$id>> for Rows {
            type Value = $value;
            type Error = Error;

            async fn load(&self, keys: &[Key<$id>]) -> Result<HashMap<Key<$id>, $value>, Error> {
                let mut loaded = HashMap::with_capacity(keys.len());
                for (organization_id, ids) in by_organization(keys) {
                    let rows = $load(&self.0, organization_id, &ids).await?;
                    loaded.extend(rows.into_iter().map(|(id, row)| ((organization_id, id), row)));
                }
                Ok(loaded)
            }
        }
    )+};
}

pub(super) use maps;

macro_rules! counts {
    ($($key:ident => $count:path),+ $(,)?) => {$(
        #[async_trait::async_trait]
        impl Loader<Key<$key>> for Rows {
            type Value = i64;
            type Error = Error;

            async fn load(&self, keys: &[Key<$key>]) -> Result<HashMap<Key<$key>, i64>, Error> {
                let ids: Vec<_> = keys.iter().map(|(_, key)| key.0).collect();
                let counts = $count(&self.0, &ids).await?;
                let count = |key: &Key<$key>| counts.get(&key.1.0).map(|count| (*key, *count));
                Ok(keys.iter().filter_map(count).collect())
            }
        }
    )+};
}

counts! {
    RowsOfProject => labelhook_core::project::data_row_counts,
    RowsOfDataset => labelhook_core::dataset::row_counts,
}
