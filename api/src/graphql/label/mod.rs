//! Label: type, queries and mutations.

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

/// What an annotator made of a data row in a project.
pub struct Label(pub label::Model);

/// What an annotator made of a data row in a project.
#[Object]
impl Label {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The annotation, as it was given.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// Labelbox's type of label, as it was given.
    #[graphql(name = "type")]
    async fn kind(&self) -> LabelType {
        let name = self.0.label_type.clone();
        LabelType {
            id: ID(name.clone()),
            name,
        }
    }

    /// How long it took, in seconds.
    async fn seconds_to_label(&self) -> f64 {
        self.0.seconds_to_label
    }

    /// How far it agrees with other labels of the data row: not computed here.
    async fn agreement(&self) -> Option<f64> {
        self.0.agreement
    }

    /// How far it agrees with the data row's benchmark: not computed here.
    async fn benchmark_agreement(&self) -> Option<f64> {
        self.0.benchmark_agreement
    }

    /// Whether it is a benchmark for others.
    async fn is_benchmark_reference(&self) -> bool {
        self.0.is_benchmark_reference
    }

    /// When it was submitted.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last saved or deleted.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Whether it is deleted: itself, or with its data row or dataset.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// The project it was made in.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id).await
    }

    /// The data row it is of.
    async fn data_row(&self, ctx: &Context<'_>) -> Option<Result<DataRow>> {
        loader::data_row(ctx, self.0.data_row_id).await
    }

    /// Who submitted it.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }

    /// Its reviews.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<ReviewWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<ReviewOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Review>> {
        let (scope, query) = (Scope::Label(self.0.id), query(r#where, order_by, skip, first)?);
        let rows = reviews::list(ctx.app(), ctx.actor(), scope, query).await?;
        Ok(rows.into_iter().map(Review).collect())
    }
}

/// Labels as a plain list: of a project, or of a data row.
pub async fn listed(ctx: &Context<'_>, scope: labels::Scope, query: Query<labels::Field>) -> Result<Vec<Label>> {
    ctx.spend(0)?;
    let rows = labels::list(ctx.app(), ctx.actor(), scope, query).await?;
    ctx.spend(rows.iter().map(|row| row.label.len()).sum())?;
    Ok(rows.into_iter().map(Label).collect())
}

/// Labelbox's type of a label.
#[derive(SimpleObject)]
pub struct LabelType {
    /// Its id: its name.
    id: ID,
    /// Its name.
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
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
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
    /// Submits a label: LABEL_CREATED.
    async fn create_label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to submit.")] data: LabelCreateInput,
    ) -> Result<Label> {
        Ok(Label(labels::create(ctx.app(), ctx.actor(), data.read()).await?))
    }

    /// Submits 1 to 1,000 labels, all or none: LABEL_CREATED each.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn create_labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to submit.")] data: Vec<LabelCreateInput>,
    ) -> Result<Vec<Label>> {
        let new = data.into_iter().map(LabelCreateInput::read).collect();
        let rows = labels::create_many(ctx.app(), ctx.actor(), new).await?;
        Ok(rows.into_iter().map(Label).collect())
    }

    /// Saves a label: LABEL_UPDATED.
    async fn update_label(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
        #[graphql(desc = "What to change.")] data: LabelUpdateInput,
    ) -> Result<Label> {
        Ok(Label(
            labels::update(ctx.app(), ctx.actor(), &r#where.id, data.read()).await?,
        ))
    }

    /// Deletes 1 to 1,000 labels, all or none: LABEL_DELETED each.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn delete_labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] label_ids: Vec<ID>,
    ) -> Result<Vec<Label>> {
        let ids: Vec<String> = label_ids.into_iter().map(|id| id.0).collect();
        let rows = labels::delete(ctx.app(), ctx.actor(), &ids).await?;
        Ok(rows.into_iter().map(Label).collect())
    }
}
