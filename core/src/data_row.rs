//! Data rows: the assets that are labeled. A data row belongs to a dataset and is deleted with it.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    deletion, input,
    list::{self, Query},
    lookup,
    sql::error::is_duplicate,
    task::{self, intake},
};
use entity::{DataRowId, DatasetId, DeletionKind, OrganizationId, data_row, dataset, label};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::Expr};
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
    lookup::find(app.db.read(), actor, id).await
}

/// Lists the live data rows of a dataset that the actor has access to.
pub async fn list(app: &App, actor: &Actor, id: DatasetId, query: Query<Field>) -> Result<Vec<data_row::Model>> {
    actor.require(Action::Read)?;
    let rows = data_row::Entity::find()
        .filter(data_row::Column::OrganizationId.eq(actor.organization_id))
        .filter(data_row::Column::DatasetId.eq(id))
        .filter(lookup::data_row_visible(actor));
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
                let mut rows: Vec<data_row::Model> = lookup::find_all(txn.conn(), &actor, &ids).await?;
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
    lookup::many(app.db.read(), organization_id, ids).await
}

async fn insert(app: &App, actor: &Actor, dataset: &str, new: Vec<New>) -> Result<Vec<data_row::Model>> {
    let (actor, dataset) = (actor.clone(), dataset.to_owned());
    let (rows, later) = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let dataset: dataset::Model = lookup::find_for(txn.conn(), &actor, "dataset", &dataset).await?;
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
