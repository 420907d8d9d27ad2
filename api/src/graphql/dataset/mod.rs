//! Dataset: type, inputs, queries and mutations.
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::dataset`] and wraps the result. [`super`]
//! merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

mod list;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use entity::{Timestamp, dataset};
use labelhook_core::{
    data_row as data_rows,
    dataset::{self as datasets, New, Patch, Scope},
    project as projects,
};

pub use self::list::{DatasetOrderByInput, DatasetWhereInput};
use super::{
    context::ContextExt,
    data_row::{DataRow, DataRowOrderByInput, DataRowWhereInput},
    error::Result,
    filter::query,
    input::{ConnectInput, WhereUniqueInput, emptied, given},
    list as lists, loader,
    organization::Organization,
    project::{Project, ProjectOrderByInput, ProjectWhereInput},
    user::User,
};

/// A container of data rows. A dataset can be connected to several projects.
pub struct Dataset(pub dataset::Model);

/// A container of data rows. A dataset can be connected to several projects.
#[Object]
impl Dataset {
    /// The id of the dataset.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The display name of the dataset.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// A free-form description; empty when none was given.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// The time at which the dataset was created.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the dataset was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// True if the dataset is deleted. Its data rows still return it.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// The number of data rows in the dataset.
    async fn row_count(&self, ctx: &Context<'_>) -> Option<Result<i64>> {
        Some(loader::row_count(ctx, self.0.id).await)
    }

    /// The user who created the dataset.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// The organization that owns the dataset.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }

    /// The data rows of the dataset.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn data_rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the data rows to return.")] r#where: Option<DataRowWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<DataRowOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<DataRow>> {
        let query = query(r#where, order_by, skip, first)?;
        let rows = data_rows::list(ctx.app(), ctx.actor(), self.0.id, query).await?;
        Ok(rows.into_iter().map(DataRow).collect())
    }

    /// The projects that the dataset is connected to.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the projects to return.")] r#where: Option<ProjectWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<ProjectOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Project>> {
        let (scope, query) = (
            projects::Scope::Dataset(self.0.id),
            query(r#where, order_by, skip, first)?,
        );
        let rows = projects::list(ctx.app(), ctx.actor(), scope, query).await?;
        Ok(rows.into_iter().map(Project).collect())
    }
}

/// A new dataset.
#[derive(InputObject)]
pub struct DatasetCreateInput {
    /// The display name of the dataset: 1 to 256 characters.
    name: String,
    /// A free-form description, at most 16 KiB.
    description: Option<String>,
    /// The project to connect the dataset to. Further projects can be connected with `updateProject`.
    projects: Option<ConnectInput>,
}

/// The fields of a dataset to change. Absent fields keep their value.
#[derive(InputObject)]
pub struct DatasetUpdateInput {
    /// The display name of the dataset: 1 to 256 characters.
    name: MaybeUndefined<String>,
    /// A free-form description, at most 16 KiB; null removes it.
    description: MaybeUndefined<String>,
    /// True deletes the dataset and its data rows immediately. Their labels are deleted afterwards in steps, with a
    /// LABEL_DELETED event each. False changes nothing.
    deleted: MaybeUndefined<bool>,
}

/// Queries of datasets.
#[derive(Default)]
pub struct DatasetQuery;

#[Object]
impl DatasetQuery {
    /// A dataset by its id.
    async fn dataset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the dataset by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Dataset>> {
        let row = datasets::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Dataset).map_err(Into::into))
    }

    /// The datasets of the caller's organization.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn datasets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the datasets to return.")] r#where: Option<DatasetWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<DatasetOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Dataset>> {
        let query = query(r#where, order_by, skip, first)?;
        let rows = datasets::list(ctx.app(), ctx.actor(), Scope::All, query).await?;
        Ok(rows.into_iter().map(Dataset).collect())
    }
}

/// Mutations of datasets.
#[derive(Default)]
pub struct DatasetMutation;

#[Object]
impl DatasetMutation {
    /// Creates a dataset.
    async fn create_dataset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The dataset to create.")] data: DatasetCreateInput,
    ) -> Result<Dataset> {
        let new = New {
            name: data.name,
            description: data.description,
            project: data.projects.map(|project| project.connect.id.0),
        };
        Ok(Dataset(datasets::create(ctx.app(), ctx.actor(), new).await?))
    }

    /// Changes or deletes a dataset.
    async fn update_dataset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the dataset by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The fields to change.")] data: DatasetUpdateInput,
    ) -> Result<Dataset> {
        let patch = Patch {
            name: given("name", data.name)?,
            description: emptied(data.description),
            deleted: given("deleted", data.deleted)?.unwrap_or(false),
        };
        Ok(Dataset(
            datasets::update(ctx.app(), ctx.actor(), &r#where.id, patch).await?,
        ))
    }
}
