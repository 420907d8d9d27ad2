//! Objects beside the rows of a list (a label's project, a project's creator) fetched together instead of one by one. A
//! key carries the organization, and the statement asks for it: a row of another one is not loaded. Nothing is kept, so
//! what is shown is never old.

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

/// Loads rows, whoever asks.
pub struct Rows(pub(super) Arc<App>);

/// Rows fetched together at most: a page of them.
const BATCH: usize = 100;

/// The loader of a schema. Needs a runtime.
pub fn new(app: Arc<App>) -> DataLoader<Rows> {
    DataLoader::new(Rows(app), TokioSpawner::current(), TokioTimer::default()).max_batch_size(BATCH)
}

/// A project, deleted ones too.
pub async fn project(ctx: &Context<'_>, id: ProjectId) -> Option<Result<Project>> {
    one(ctx, id).await.map(|row| row.map(Project))
}

/// A dataset, deleted ones too.
pub async fn dataset(ctx: &Context<'_>, id: DatasetId) -> Option<Result<Dataset>> {
    one(ctx, id).await.map(|row| row.map(Dataset))
}

/// A data row, deleted ones too.
pub async fn data_row(ctx: &Context<'_>, id: DataRowId) -> Option<Result<DataRow>> {
    one(ctx, id).await.map(|row| row.map(DataRow))
}

/// A label, deleted ones too.
pub async fn label(ctx: &Context<'_>, id: LabelId) -> Option<Result<Label>> {
    if let Err(full) = ctx.spend(0) {
        return Some(Err(full));
    }
    let row: Result<label::Model> = one(ctx, id).await?;
    Some(row.and_then(|row| ctx.spend(row.label.len()).map(|()| Label(row))))
}

/// A user.
pub async fn user(ctx: &Context<'_>, id: UserId) -> Option<Result<User>> {
    one(ctx, id).await.map(|row| row.map(User))
}

/// A row that another one names and that is therefore there.
pub(super) fn required<T>(noun: &'static str, id: impl ToString, found: Option<Result<T>>) -> Result<T> {
    found.unwrap_or_else(|| Err(Error::not_found(noun, id).into()))
}

/// How many data rows a project has.
pub async fn data_row_count(ctx: &Context<'_>, id: ProjectId) -> Result<i64> {
    Ok(one(ctx, RowsOfProject(id)).await.transpose()?.unwrap_or(0))
}

/// How many data rows a dataset has.
pub async fn row_count(ctx: &Context<'_>, id: DatasetId) -> Result<i64> {
    Ok(one(ctx, RowsOfDataset(id)).await.transpose()?.unwrap_or(0))
}

/// A row's key: an organization's own.
pub(super) type Key<K> = (OrganizationId, K);

/// Asks for the number of a project's data rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct RowsOfProject(ProjectId);

/// Asks for the number of a dataset's data rows.
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

/// Splits keys by organization: nearly always there is one.
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

/// Loads what core gives as a map by the key itself.
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
