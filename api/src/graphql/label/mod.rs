//! Label: type, queries and mutations.
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::label`] and wraps the result. [`super`]
//! merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

mod input;
mod list;

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{Timestamp, label};
use labelhook_core::{
    label as labels,
    list::Query,
    review::{self as reviews, Scope},
};

pub use self::input::{LabelCreateInput, LabelUpdateInput};
pub use self::list::{LabelOrderByInput, LabelWhereInput};
use super::{
    context::ContextExt,
    data_row::DataRow,
    error::Result,
    filter::query,
    input::WhereUniqueInput,
    list as lists, loader,
    organization::Organization,
    project::Project,
    review::{Review, ReviewOrderByInput, ReviewWhereInput},
    user::User,
};

/// The annotation of a data row in a project.
pub struct Label(pub label::Model);

/// The annotation of a data row in a project.
#[Object]
impl Label {
    /// The id of the label.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The annotation, as given.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// Labelbox's label type, as given.
    #[graphql(name = "type")]
    async fn kind(&self) -> LabelType {
        let name = self.0.label_type.clone();
        LabelType {
            id: ID(name.clone()),
            name,
        }
    }

    /// The labeling time in seconds.
    async fn seconds_to_label(&self) -> f64 {
        self.0.seconds_to_label
    }

    /// The agreement with other labels of the data row, Labelbox's consensus score: never computed by this service.
    async fn agreement(&self) -> Option<f64> {
        self.0.agreement
    }

    /// The agreement with the data row's benchmark, Labelbox's benchmark score: never computed by this service.
    async fn benchmark_agreement(&self) -> Option<f64> {
        self.0.benchmark_agreement
    }

    /// True if the label is a benchmark for others.
    async fn is_benchmark_reference(&self) -> bool {
        self.0.is_benchmark_reference
    }

    /// The time at which the label was submitted.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the label was last saved or deleted.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// True if the label is deleted, by itself or with its data row or dataset.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// The project that the label belongs to.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id).await
    }

    /// The data row that is labeled.
    async fn data_row(&self, ctx: &Context<'_>) -> Option<Result<DataRow>> {
        loader::data_row(ctx, self.0.data_row_id).await
    }

    /// The user who submitted the label.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// The organization that owns the label.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }

    /// The reviews of the label.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the reviews to return.")] r#where: Option<ReviewWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<ReviewOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Review>> {
        let (scope, query) = (Scope::Label(self.0.id), query(r#where, order_by, skip, first)?);
        let rows = reviews::list(ctx.app(), ctx.actor(), scope, query).await?;
        Ok(rows.into_iter().map(Review).collect())
    }
}

/// Loads labels as a plain list: of a project, or of a data row.
pub async fn listed(ctx: &Context<'_>, scope: labels::Scope, query: Query<labels::Field>) -> Result<Vec<Label>> {
    ctx.spend(0)?;
    let rows = labels::list(ctx.app(), ctx.actor(), scope, query).await?;
    ctx.spend(rows.iter().map(|row| row.label.len()).sum())?;
    Ok(rows.into_iter().map(Label).collect())
}

/// Labelbox's type of a label.
#[derive(SimpleObject)]
pub struct LabelType {
    /// The id of the label type, equal to its name.
    id: ID,
    /// The name of the label type.
    name: String,
}

/// Queries of labels.
#[derive(Default)]
pub struct LabelQuery;

#[Object]
impl LabelQuery {
    /// A label by its id.
    async fn label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the label by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Label>> {
        let row = labels::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Label).map_err(Into::into))
    }
}

/// Mutations of labels.
#[derive(Default)]
pub struct LabelMutation;

#[Object]
impl LabelMutation {
    /// Submits a label. Publishes LABEL_CREATED.
    async fn create_label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The label to submit.")] data: LabelCreateInput,
    ) -> Result<Label> {
        Ok(Label(labels::create(ctx.app(), ctx.actor(), data.read()).await?))
    }

    /// Submits 1 to 1,000 labels, all or none. Publishes LABEL_CREATED for each.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn create_labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The labels to submit, 1 to 1,000.")] data: Vec<LabelCreateInput>,
    ) -> Result<Vec<Label>> {
        let new = data.into_iter().map(LabelCreateInput::read).collect();
        let rows = labels::create_many(ctx.app(), ctx.actor(), new).await?;
        Ok(rows.into_iter().map(Label).collect())
    }

    /// Saves a label. Publishes LABEL_UPDATED.
    async fn update_label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the label by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The fields to change.")] data: LabelUpdateInput,
    ) -> Result<Label> {
        Ok(Label(
            labels::update(ctx.app(), ctx.actor(), &r#where.id, data.read()?).await?,
        ))
    }

    /// Deletes 1 to 1,000 labels, all or none. Publishes LABEL_DELETED for each.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn delete_labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of the labels to delete, 1 to 1,000.")] label_ids: Vec<ID>,
    ) -> Result<Vec<Label>> {
        let ids: Vec<String> = label_ids.into_iter().map(|id| id.0).collect();
        let rows = labels::delete(ctx.app(), ctx.actor(), &ids).await?;
        Ok(rows.into_iter().map(Label).collect())
    }
}
