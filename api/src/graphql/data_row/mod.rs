//! DataRow: type, queries and mutations.
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::data_row`] and wraps the result.
//! [`super`] merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

mod counts;
mod input;
mod list;

use async_graphql::{Context, ID, InputObject, Object};
use entity::{Timestamp, data_row};
use labelhook_core::{data_row as data_rows, label::Scope};

use self::counts::Stored;
pub use self::counts::{DataRowAttachment, DataRowCustomMetadata, DataRowMetadataField, DataRowMetadataSchema};
pub use self::input::{DataRowCreateInput, DataRowsCreateInput};
pub use self::list::{DataRowOrderByInput, DataRowWhereInput};
use super::{
    context::ContextExt,
    dataset::Dataset,
    error::Result,
    filter::query,
    input::WhereUniqueInput,
    json::Json,
    label::{self, Label, LabelOrderByInput, LabelWhereInput},
    list as lists, loader,
    organization::Organization,
    user::User,
};

/// An asset to label.
pub struct DataRow(pub data_row::Model);

/// An asset to label.
#[Object]
impl DataRow {
    /// The id of the data row.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The customer's own id of the data row.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// The customer's id of the data row across all datasets, unique in the organization.
    async fn global_key(&self) -> Option<&str> {
        self.0.global_key.as_deref()
    }

    /// The asset's URL or text, as given.
    async fn row_data(&self) -> &str {
        &self.0.row_data
    }

    /// Any JSON about the asset, as given.
    async fn metadata(&self) -> Option<Result<Json>> {
        self.0.metadata.as_deref().map(Json::stored)
    }

    /// Properties of the asset as a media file, as given.
    async fn media_attributes(&self) -> Option<Result<Json>> {
        self.0.media_attributes.as_deref().map(Json::stored)
    }

    /// The values of metadata fields.
    async fn metadata_fields(&self) -> Option<Result<Vec<DataRowMetadataField>>> {
        let stored = counts::list::<Stored>(self.0.metadata_fields.as_deref());
        Some(stored.map(|fields| fields.into_iter().map(Into::into).collect()))
    }

    /// The values of metadata fields, in the older form of Labelbox's API.
    async fn custom_metadata(&self) -> Option<Result<Vec<DataRowCustomMetadata>>> {
        let stored = counts::list::<Stored>(self.0.metadata_fields.as_deref());
        Some(stored.map(|fields| fields.into_iter().map(Into::into).collect()))
    }

    /// The attachments of the asset.
    async fn attachments(&self) -> Option<Result<Vec<DataRowAttachment>>> {
        Some(counts::list(self.0.attachments.as_deref()))
    }

    /// The time at which the data row was created.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the data row was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// The time at which the data row was deleted. Its labels still return it.
    async fn deleted_at(&self) -> Option<Timestamp> {
        self.0.deleted_at
    }

    /// The dataset that contains the data row.
    async fn dataset(&self, ctx: &Context<'_>) -> Option<Result<Dataset>> {
        loader::dataset(ctx, self.0.dataset_id).await
    }

    /// The user who created the data row.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// The organization that owns the data row.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }

    /// The labels of the data row, in every project.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the labels to return.")] r#where: Option<LabelWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<LabelOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Label>> {
        let (scope, query) = (Scope::DataRow(self.0.id), query(r#where, order_by, skip, first)?);
        label::listed(ctx, scope, query).await
    }
}

/// Selects the data rows to delete.
#[derive(InputObject)]
pub struct DataRowsWhereInput {
    /// The ids of the data rows: 1 to 1,000; all are deleted or none.
    data_row_ids: Vec<ID>,
}

/// Queries of data rows.
#[derive(Default)]
pub struct DataRowQuery;

#[Object]
impl DataRowQuery {
    /// A data row by its id.
    async fn data_row(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the data row by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<DataRow>> {
        let row = data_rows::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(DataRow).map_err(Into::into))
    }

    /// The definitions of the organization's metadata fields: always empty, since values are stored as given. The
    /// Labelbox SDK queries them before it shows a data row.
    async fn custom_metadata_ontology(&self) -> Vec<DataRowMetadataSchema> {
        Vec::new()
    }
}

/// Mutations of data rows.
#[derive(Default)]
pub struct DataRowMutation;

#[Object]
impl DataRowMutation {
    /// Creates a data row.
    async fn create_data_row(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The data row to create.")] data: DataRowCreateInput,
    ) -> Result<DataRow> {
        let new = data.row.read("")?;
        let row = data_rows::create(ctx.app(), ctx.actor(), &data.dataset.connect.id, new).await?;
        Ok(DataRow(row))
    }

    /// Creates many data rows of one dataset, all or none.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn create_data_rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The data row to create.")] data: DataRowsCreateInput,
    ) -> Result<Vec<DataRow>> {
        let rows = data.data_rows.into_iter().enumerate();
        let new = rows
            .map(|(place, row)| row.read(&format!("dataRows.{place}.")))
            .collect::<Result<_>>()?;
        let rows = data_rows::create_many(ctx.app(), ctx.actor(), &data.dataset.connect.id, new).await?;
        Ok(rows.into_iter().map(DataRow).collect())
    }

    /// Deletes data rows immediately. Their labels are deleted afterwards in steps, with a LABEL_DELETED event each.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn delete_data_rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the data rows to delete.")] r#where: DataRowsWhereInput,
    ) -> Result<Vec<DataRow>> {
        let ids: Vec<String> = r#where.data_row_ids.into_iter().map(|id| id.0).collect();
        let rows = data_rows::delete(ctx.app(), ctx.actor(), &ids).await?;
        Ok(rows.into_iter().map(DataRow).collect())
    }
}
