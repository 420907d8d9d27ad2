//! Label contexts: the objects related to labels (projects, data rows, datasets, annotators, and whether the data rows
//! are in batches), read in one query. The hot path of `createLabel` reads nothing else. The contexts of labels whose
//! transactions are committed as a group are prefetched together (`db/prefetch.rs`), so the query takes many
//! [`LabelKey`] keys.

use crate::{
    Result, event,
    sql::{bulk::batches, statement::raw},
};
use entity::{
    BatchId, DataRowId, OrganizationId, ProjectId, UserId, batch, batch_data_row, data_row, dataset, label,
    organization, project, user,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IdenStatic, Iterable, JoinType, QueryFilter,
    QueryOrder, QueryResult, QuerySelect, RelationDef, Value,
};
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, LazyLock},
};

/// The key of a label context: the organization, project, data row and annotator of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LabelKey {
    pub(crate) organization_id: OrganizationId,
    pub(crate) project_id: ProjectId,
    pub(crate) data_row_id: DataRowId,
    pub(crate) user_id: Option<UserId>,
}

impl From<&label::Model> for LabelKey {
    fn from(row: &label::Model) -> Self {
        Self {
            organization_id: row.organization_id,
            project_id: row.project_id,
            data_row_id: row.data_row_id,
            user_id: row.created_by,
        }
    }
}

/// Label contexts by key.
pub(crate) type LabelContexts = HashMap<LabelKey, LabelContext>;

/// The context of a label. Objects that are not the organization's are absent.
#[derive(Clone, Default)]
pub(crate) struct LabelContext {
    pub(crate) project: Option<Arc<project::Model>>,
    pub(crate) data_row: Option<Arc<data_row::Model>>,
    pub(crate) dataset: Option<Arc<dataset::Model>>,
    pub(crate) user: Option<Arc<user::Model>>,
    organization: Option<Arc<organization::Model>>,
    batches: Vec<event::Batch>,
}

static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    [
        columns::<project::Column>("project"),
        columns::<data_row::Column>("data_row"),
        columns::<dataset::Column>("dataset"),
        columns::<user::Column>("user"),
        columns::<organization::Column>("organization"),
    ]
    .join(", ")
});

fn columns<C: Iterable + IdenStatic>(table: &str) -> String {
    let aliased = C::iter().map(|column| {
        let name = column.as_str();
        format!(r#""{table}"."{name}" AS "{table}_{name}""#)
    });
    aliased.collect::<Vec<_>>().join(", ")
}

/// Builds the query for `count` keys. The parameters of each are its index, organization, project, data row and user.
fn sql(count: usize) -> String {
    let marks = vec!["(?, ?, ?, ?, ?)"; count].join(", ");
    format!(
        r#"WITH asked(place, organization_id, project_id, data_row_id, user_id) AS (VALUES {marks})
        SELECT asked.place AS place, {},
            EXISTS (SELECT 1 FROM batch_data_row b WHERE b.data_row_id = data_row.id) AS batched
        FROM asked
        LEFT JOIN project ON project.id = asked.project_id AND project.organization_id = asked.organization_id
        LEFT JOIN data_row ON data_row.id = asked.data_row_id AND data_row.organization_id = asked.organization_id
        LEFT JOIN dataset ON dataset.id = data_row.dataset_id
        LEFT JOIN organization ON organization.id = asked.organization_id
        LEFT JOIN "user" ON "user".id = asked.user_id AND "user".organization_id = asked.organization_id"#,
        *COLUMNS
    )
}

/// Loads the contexts of these keys. Each key is in the result.
pub(crate) async fn load(db: &impl ConnectionTrait, mut asked: Vec<LabelKey>) -> Result<LabelContexts> {
    let mut found = LabelContexts::with_capacity(asked.len());
    asked.retain(|key| found.insert(*key, LabelContext::default()).is_none());
    for asked in batches(&asked) {
        let mut binds: Vec<Value> = Vec::with_capacity(asked.len() * 5);
        for (place, key) in (0_i64..).zip(asked) {
            binds.extend([place.into(), key.organization_id.into(), key.project_id.into()]);
            binds.extend([key.data_row_id.into(), key.user_id.into()]);
        }
        let rows = db.query_all_raw(raw(db, &sql(asked.len()), binds)).await?;
        let (mut known, mut batched) = (RowCaches::default(), BTreeMap::new());
        for row in rows {
            let place: i64 = row.try_get("", "place")?;
            let key = usize::try_from(place).ok().and_then(|place| asked.get(place));
            let key = key.ok_or_else(|| crate::Error::internal("unknown label context key"))?;
            if row.try_get("", "batched")? {
                batched.entry(key.project_id).or_insert_with(Vec::new).push(*key);
            }
            found.insert(*key, known.context(&row, key)?);
        }
        for (project_id, batched) in batched {
            fill(db, &mut found, project_id, &batched).await?;
        }
    }
    Ok(found)
}

/// Loads the batches that contain these data rows of one project.
async fn fill(db: &impl ConnectionTrait, found: &mut LabelContexts, id: ProjectId, batched: &[LabelKey]) -> Result<()> {
    let rows: Vec<DataRowId> = batched.iter().map(|key| key.data_row_id).collect();
    let batches = holding_each(db, id, &rows).await?;
    for key in batched {
        if let (Some(context), Some(batches)) = (found.get_mut(key), batches.get(&key.data_row_id)) {
            context.batches.clone_from(batches);
        }
    }
    Ok(())
}

/// The rows of one query, shared: most labels have their project and annotator in common.
#[derive(Default)]
struct RowCaches {
    projects: RowCache<(OrganizationId, ProjectId), project::Model>,
    data_rows: RowCache<(OrganizationId, DataRowId), data_row::Model>,
    datasets: RowCache<(OrganizationId, DataRowId), dataset::Model>,
    users: RowCache<(OrganizationId, Option<UserId>), user::Model>,
    organizations: RowCache<OrganizationId, organization::Model>,
}

impl RowCaches {
    fn context(&mut self, row: &QueryResult, key: &LabelKey) -> Result<LabelContext, DbErr> {
        let of = key.organization_id;
        Ok(LabelContext {
            project: self.projects.read(row, (of, key.project_id), "project_")?,
            data_row: self.data_rows.read(row, (of, key.data_row_id), "data_row_")?,
            dataset: self.datasets.read(row, (of, key.data_row_id), "dataset_")?,
            user: self.users.read(row, (of, key.user_id), "user_")?,
            organization: self.organizations.read(row, of, "organization_")?,
            batches: Vec::new(),
        })
    }
}

/// Rows of a table, each parsed once however often it occurs.
struct RowCache<K, M>(HashMap<K, Option<Arc<M>>>);

impl<K, M> Default for RowCache<K, M> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, M: FromQueryResult> RowCache<K, M> {
    fn read(&mut self, row: &QueryResult, key: K, prefix: &str) -> Result<Option<Arc<M>>, DbErr> {
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let read = M::from_query_result_optional(row, prefix)?.map(Arc::new);
        self.0.insert(key, read.clone());
        Ok(read)
    }
}

impl LabelContext {
    /// Builds the data of an event about the label. Rows are marked as deleted and never removed, so all of them exist.
    pub(crate) fn change(&self, label: &label::Model) -> Result<event::LabelChange> {
        let (Some(project), Some(data_row), Some(dataset)) = (&self.project, &self.data_row, &self.dataset) else {
            return Err(crate::Error::internal(format!("label {} is orphaned", label.id)));
        };
        Ok(event::LabelChange {
            label: label.into(),
            project: project.as_ref().into(),
            data_row: data_row.as_ref().into(),
            dataset: dataset.as_ref().into(),
            user: self.user.as_deref().map(Into::into),
            batches: self.batches.clone(),
            task: None,
            team: self.organization.as_deref().map(Into::into),
        })
    }
}

/// Loads the batches of a project that contain each of these data rows, as events carry them.
pub(crate) async fn holding_each(
    conn: &impl ConnectionTrait,
    project_id: ProjectId,
    data_row_ids: &[DataRowId],
) -> Result<HashMap<DataRowId, Vec<event::Batch>>> {
    let rows: Vec<(DataRowId, BatchId, String)> = batch::Entity::find()
        .select_only()
        .column(batch_data_row::Column::DataRowId)
        .columns([batch::Column::Id, batch::Column::Name])
        .join(JoinType::InnerJoin, links())
        .filter(batch::Column::ProjectId.eq(project_id))
        .filter(batch_data_row::Column::DataRowId.is_in(data_row_ids.iter().copied()))
        .order_by_asc(batch::Column::Id)
        .into_tuple()
        .all(conn)
        .await?;
    let mut batches: HashMap<DataRowId, Vec<event::Batch>> = HashMap::new();
    for (data_row_id, id, name) in rows {
        batches.entry(data_row_id).or_default().push(event::Batch { id, name });
    }
    Ok(batches)
}

pub(crate) fn links() -> RelationDef {
    batch::Entity::belongs_to(batch_data_row::Entity)
        .from(batch::Column::Id)
        .to(batch_data_row::Column::BatchId)
        .into()
}

pub(crate) fn link(batch: &batch::Model, data_row_id: DataRowId) -> batch_data_row::Model {
    batch_data_row::Model {
        batch_id: batch.id,
        data_row_id,
        organization_id: batch.organization_id,
    }
}

#[cfg(test)]
mod tests {
    use super::sql;
    use crate::sql::plan;

    #[tokio::test]
    async fn every_table_is_looked_up_by_its_key() {
        let plan = plan(&sql(2)).await;
        for table in ["project", "data_row", "dataset", "organization", "user", "b"] {
            let found = |line: &String| line.starts_with(&format!("SEARCH {table} USING"));
            assert!(plan.iter().any(found), "{table}: {plan:#?}");
        }
    }
}
