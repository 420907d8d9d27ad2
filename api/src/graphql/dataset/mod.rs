//! Dataset: type, inputs, queries and mutations.

mod list;

use async_graphql::{Context, ID, InputObject, Object};
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
    input::{ConnectInput, WhereUniqueInput},
    list as lists, loader,
    organization::Organization,
    project::{Project, ProjectOrderByInput, ProjectWhereInput},
    user::User,
};

/// Where data rows live. A dataset may be connected to several projects.
pub struct Dataset(pub dataset::Model);

/// Where data rows live. A dataset may be connected to several projects.
#[Object]
impl Dataset {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Free text, empty when none was given.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Whether it is deleted. A deleted dataset is still named by its data rows.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// How many data rows it has.
    async fn row_count(&self, ctx: &Context<'_>) -> Option<Result<i64>> {
        Some(loader::row_count(ctx, self.0.id).await)
    }

    /// Who made it.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }

    /// Its data rows.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn data_rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<DataRowWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<DataRowOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<DataRow>> {
        let query = query(r#where, order_by, skip, first)?;
        let rows = data_rows::list(ctx.app(), ctx.actor(), self.0.id, query).await?;
        Ok(rows.into_iter().map(DataRow).collect())
    }

    /// The projects it is connected to.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<ProjectWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<ProjectOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
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
    /// What people call it: 1 to 256 characters.
    name: String,
    /// Free text, at most 16 KiB.
    description: Option<String>,
    /// The project to connect it to; more can follow with `updateProject`.
    projects: Option<ConnectInput>,
}

/// What to change of a dataset: any subset; nothing given changes nothing.
#[derive(InputObject)]
pub struct DatasetUpdateInput {
    /// What people call it: 1 to 256 characters.
    name: Option<String>,
    /// Free text, at most 16 KiB.
    description: Option<String>,
    /// True deletes the dataset and its data rows at once; their labels follow in steps, with a LABEL_DELETED event each.
    /// False changes nothing.
    deleted: Option<bool>,
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
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Dataset>> {
        let row = datasets::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Dataset).map_err(Into::into))
    }

    /// The datasets of the caller's organization.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn datasets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<DatasetWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<DatasetOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
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
    /// Makes a dataset.
    async fn create_dataset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to make.")] data: DatasetCreateInput,
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
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
        #[graphql(desc = "What to change.")] data: DatasetUpdateInput,
    ) -> Result<Dataset> {
        let patch = Patch {
            name: data.name,
            description: data.description,
            deleted: data.deleted.unwrap_or(false),
        };
        Ok(Dataset(
            datasets::update(ctx.app(), ctx.actor(), &r#where.id, patch).await?,
        ))
    }
}
