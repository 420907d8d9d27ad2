//! Data rows: the assets that are labeled. A data row belongs to a dataset and is deleted with it.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    dataset,
    db::Txn,
    deletion, input,
    list::{self, Query},
    sql::error::is_duplicate,
    task::{self, intake},
};
use entity::{DataRowId, DatasetId, DeletionKind, OrganizationId, ProjectId, batch, batch_data_row, data_row, label};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{self, Expr},
};
use std::collections::HashSet;

/// The maximum size in bytes of an asset's URL or text.
pub const ROW_DATA: usize = 64 << 10;

/// The fields of a new data row. The JSON fields are text.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The asset's URL or text.
    pub row_data: String,
    /// The customer's own id of the data row.
    pub external_id: Option<String>,
    /// The customer's id of the data row across all datasets.
    pub global_key: Option<String>,
    /// Ango Hub's `metadata`, as JSON.
    pub metadata: Option<String>,
    /// Labelbox's `mediaAttributes`, as JSON.
    pub media_attributes: Option<String>,
    /// Labelbox's metadata fields, as JSON.
    pub metadata_fields: Option<String>,
    /// Labelbox's attachments, as JSON.
    pub attachments: Option<String>,
}

/// Fields by which data rows are filtered and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of its name")]
pub enum Field {
    Id,
    ExternalId,
    GlobalKey,
    RowData,
    CreatedAt,
    UpdatedAt,
}

impl list::Field for Field {
    fn expr(self) -> Expr {
        match self {
            Self::Id => data_row::Column::Id,
            Self::ExternalId => data_row::Column::ExternalId,
            Self::GlobalKey => data_row::Column::GlobalKey,
            Self::RowData => data_row::Column::RowData,
            Self::CreatedAt => data_row::Column::CreatedAt,
            Self::UpdatedAt => data_row::Column::UpdatedAt,
        }
        .into_expr()
    }
}

/// Returns a live data row by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<data_row::Model> {
    actor.require(Action::Read)?;
    find(app.db.read(), actor, id).await
}

/// Lists the live data rows of a dataset that the actor has access to.
pub async fn list(app: &App, actor: &Actor, id: DatasetId, query: Query<Field>) -> Result<Vec<data_row::Model>> {
    actor.require(Action::Read)?;
    let rows = data_row::Entity::find()
        .filter(data_row::Column::OrganizationId.eq(actor.organization_id))
        .filter(data_row::Column::DatasetId.eq(id))
        .filter(seen(actor));
    let rows = query.select(rows, Field::Id, Some(data_row::Column::DeletedAt.is_null()))?;
    Ok(rows.all(app.db.read()).await?)
}

/// Creates a data row.
pub async fn create(app: &App, actor: &Actor, dataset: &str, new: New) -> Result<data_row::Model> {
    actor.require(Action::ManageData)?;
    check(&new, "")?;
    let mut rows = insert(app, actor, dataset, vec![new]).await?;
    rows.pop().ok_or_else(|| Error::internal("a data row was not created"))
}

/// Creates many data rows, all or none.
pub async fn create_many(app: &App, actor: &Actor, dataset: &str, new: Vec<New>) -> Result<Vec<data_row::Model>> {
    actor.require(Action::ManageData)?;
    input::entries("dataRows", new.len())?;
    let mut keys = HashSet::new();
    for (place, new) in new.iter().enumerate() {
        check(new, &format!("dataRows.{place}."))?;
        if let Some(key) = &new.global_key
            && !keys.insert(key)
        {
            return Err(Error::invalid(
                format!("dataRows.{place}.globalKey"),
                "is given twice in this list",
            ));
        }
    }
    insert(app, actor, dataset, new).await
}

/// Deletes data rows, all or none. They are hidden immediately; their labels are deleted in steps (see [`deletion`]).
pub async fn delete(app: &App, actor: &Actor, ids: &[String]) -> Result<Vec<data_row::Model>> {
    actor.require(Action::ManageData)?;
    actor.require_organization()?;
    input::entries("dataRowIds", ids.len())?;
    let (actor, ids) = (actor.clone(), ids.to_vec());
    let rows = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let mut rows = find_all(txn.conn(), &actor, &ids).await?;
                let keys: Vec<DataRowId> = rows.iter().map(|row| row.id).collect();
                let (deleted_at, updated_at) = (Some(txn.now()), txn.now());
                data_row::Entity::update_many()
                    .col_expr(data_row::Column::DeletedAt, Expr::value(deleted_at))
                    .col_expr(data_row::Column::UpdatedAt, Expr::value(updated_at))
                    .filter(data_row::Column::Id.is_in(keys.iter().copied()))
                    .exec(txn.conn())
                    .await?;
                task::forget(txn, &keys).await?;
                for row in &mut rows {
                    (row.deleted_at, row.updated_at) = (deleted_at, updated_at);
                }
                let labelled = labelled(txn.conn(), &keys).await?;
                deletion::schedule(txn, &actor, DeletionKind::DataRow, labelled.iter().map(|id| id.0)).await?;
                Ok(rows)
            })
        })
        .await?;
    app.deletions.wake();
    Ok(rows)
}

/// Loads data rows of an organization by id, deleted ones included, for the objects that refer to them.
pub async fn many(app: &App, organization_id: OrganizationId, ids: &[DataRowId]) -> Result<Vec<data_row::Model>> {
    Ok(data_row::Entity::find()
        .filter(data_row::Column::Id.is_in(ids.iter().copied()))
        .filter(data_row::Column::OrganizationId.eq(organization_id))
        .all(app.db.read())
        .await?)
}

/// Returns a live data row that the actor has access to.
pub(crate) async fn find(conn: &impl ConnectionTrait, actor: &Actor, id: &str) -> Result<data_row::Model> {
    let mut rows = find_all(conn, actor, &[id.to_owned()]).await?;
    rows.pop().ok_or_else(|| Error::not_found("dataRow", id))
}

/// Returns live data rows that the actor has access to, each once, in the order given; not found when one is missing.
pub(crate) async fn find_all(
    conn: &impl ConnectionTrait,
    actor: &Actor,
    ids: &[String],
) -> Result<Vec<data_row::Model>> {
    let mut keys: Vec<DataRowId> = Vec::with_capacity(ids.len());
    for id in ids {
        keys.push(id.parse().map_err(|_| Error::not_found("dataRow", id))?);
    }
    let found = data_row::Entity::find()
        .filter(data_row::Column::Id.is_in(keys.iter().copied()))
        .filter(data_row::Column::OrganizationId.eq(actor.organization_id))
        .filter(data_row::Column::DeletedAt.is_null())
        .filter(seen(actor))
        .filter(in_live_dataset())
        .all(conn)
        .await?;
    let mut found: std::collections::HashMap<_, _> = found.into_iter().map(|row| (row.id, row)).collect();
    let mut known = HashSet::new();
    let mut rows = Vec::with_capacity(found.len());
    for key in keys {
        if known.insert(key) {
            rows.push(found.remove(&key).ok_or_else(|| Error::not_found("dataRow", key))?);
        }
    }
    Ok(rows)
}

/// Builds the condition for the data rows that the actor has access to: an API key with limits has access to those of
/// its projects, through datasets or batches.
pub(crate) fn seen(actor: &Actor) -> Condition {
    let Some(projects) = &actor.projects else {
        return Condition::all();
    };
    let datasets = entity::dataset::Entity::find()
        .select_only()
        .column(entity::dataset::Column::Id)
        .filter(dataset::seen(actor));
    Condition::any()
        .add(data_row::Column::DatasetId.in_subquery(datasets.into_query()))
        .add(batched(projects))
}

fn batched(projects: &[ProjectId]) -> Expr {
    let batches = batch::Entity::find()
        .select_only()
        .column(batch::Column::Id)
        .filter(batch::Column::ProjectId.is_in(projects.iter().copied()));
    let rows = batch_data_row::Entity::find()
        .select_only()
        .column(batch_data_row::Column::DataRowId)
        .filter(batch_data_row::Column::BatchId.in_subquery(batches.into_query()));
    data_row::Column::Id.in_subquery(rows.into_query())
}

pub(crate) fn in_live_dataset() -> Expr {
    let live = entity::dataset::Entity::find()
        .select_only()
        .column(entity::dataset::Column::Id)
        .filter(entity::dataset::Column::Deleted.eq(false))
        .filter(sea_query::ExprTrait::equals(
            entity::dataset::Column::Id.into_expr(),
            (data_row::Entity, data_row::Column::DatasetId),
        ));
    Expr::exists(live.into_query())
}

async fn insert(app: &App, actor: &Actor, dataset: &str, new: Vec<New>) -> Result<Vec<data_row::Model>> {
    let (actor, dataset) = (actor.clone(), dataset.to_owned());
    let (rows, later) = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let dataset = dataset::referred(txn.conn(), &actor, "dataset", &dataset).await?;
                free(txn.conn(), &actor, &new).await?;
                let rows: Vec<_> = new.into_iter().map(|new| row(txn, &actor, dataset.id, new)).collect();
                let copies = rows.iter().cloned().map(IntoActiveModel::into_active_model);
                match data_row::Entity::insert_many(copies)
                    .exec_without_returning(txn.conn())
                    .await
                {
                    Ok(_) => {}
                    Err(fault) if is_duplicate(&fault) => return Err(taken("one of these")),
                    Err(fault) => return Err(fault.into()),
                }
                let later = intake::created(txn, &actor, &rows).await?;
                Ok((rows, later))
            })
        })
        .await?;
    if later {
        app.workflow_jobs.wake();
    }
    Ok(rows)
}

fn row(txn: &Txn, actor: &Actor, dataset_id: DatasetId, new: New) -> data_row::Model {
    data_row::Model {
        id: DataRowId::new(),
        organization_id: actor.organization_id,
        dataset_id,
        external_id: new.external_id,
        global_key: new.global_key,
        row_data: new.row_data,
        metadata: new.metadata,
        media_attributes: new.media_attributes,
        metadata_fields: new.metadata_fields,
        attachments: new.attachments,
        created_by: Some(actor.user_id),
        deleted_at: None,
        created_at: txn.now(),
        updated_at: txn.now(),
    }
}

/// Refuses global keys that the organization already uses, on deleted data rows too.
async fn free(conn: &impl ConnectionTrait, actor: &Actor, new: &[New]) -> Result<()> {
    let keys: Vec<&str> = new.iter().filter_map(|new| new.global_key.as_deref()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let known = data_row::Entity::find()
        .filter(data_row::Column::OrganizationId.eq(actor.organization_id))
        .filter(data_row::Column::GlobalKey.is_in(keys))
        .one(conn)
        .await?;
    match known.and_then(|row| row.global_key) {
        None => Ok(()),
        Some(key) => Err(taken(&key)),
    }
}

fn taken(key: &str) -> Error {
    Error::Conflict(format!("a data row with the global key {key} exists already"))
}

/// Returns those of the data rows that have a live label.
async fn labelled(conn: &impl ConnectionTrait, ids: &[DataRowId]) -> Result<Vec<DataRowId>> {
    Ok(label::Entity::find()
        .select_only()
        .column(label::Column::DataRowId)
        .distinct()
        .filter(label::Column::DataRowId.is_in(ids.iter().copied()))
        .filter(label::Column::Deleted.eq(false))
        .into_tuple()
        .all(conn)
        .await?)
}

fn check(new: &New, path: &str) -> Result<()> {
    if new.row_data.is_empty() {
        return Err(Error::invalid(format!("{path}rowData"), "must not be empty"));
    }
    input::text(&format!("{path}rowData"), &new.row_data, ROW_DATA)?;
    input::key(&format!("{path}externalId"), new.external_id.as_deref())?;
    input::key(&format!("{path}globalKey"), new.global_key.as_deref())?;
    input::json(&format!("{path}metadata"), new.metadata.as_deref())?;
    input::json(&format!("{path}mediaAttributes"), new.media_attributes.as_deref())?;
    input::json(&format!("{path}metadataFields"), new.metadata_fields.as_deref())?;
    input::json(&format!("{path}attachments"), new.attachments.as_deref())
}
