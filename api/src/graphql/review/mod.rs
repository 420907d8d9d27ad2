//! Review: type, inputs, query and mutations.

mod list;

use async_graphql::{Context, ID, InputObject, Object};
use entity::{Timestamp, review};
use labelhook_core::review::{self as reviews, New, Patch};

pub use self::list::{ReviewOrderByInput, ReviewWhereInput};
use super::{
    context::ContextExt,
    error::Result,
    input::{ConnectInput, WhereUniqueInput},
    label::Label,
    loader,
    organization::Organization,
    project::Project,
    user::User,
};

/// A reviewer's judgement of a label.
pub struct Review(pub review::Model);

/// A reviewer's judgement of a label.
#[Object]
impl Review {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The judgement: above 0 approves, below 0 rejects.
    async fn score(&self) -> f64 {
        self.0.score
    }

    /// When it was submitted.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last changed or removed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Whether it is removed from its label.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// The judged label.
    async fn label(&self, ctx: &Context<'_>) -> Option<Result<Label>> {
        loader::label(ctx, self.0.label_id).await
    }

    /// The label's project.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id).await
    }

    /// Who judged.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }
}

/// A new review.
#[derive(InputObject)]
pub struct ReviewCreateInput {
    /// The judgement: above 0 approves, below 0 rejects.
    score: f64,
    /// The judged label.
    label: ConnectInput,
    /// The label's project. May be left out; another one than the label's is refused.
    project: Option<ConnectInput>,
}

/// What to change of a review: any subset; nothing given changes nothing and publishes nothing.
#[derive(InputObject)]
pub struct ReviewUpdateInput {
    /// The judgement: above 0 approves, below 0 rejects.
    score: Option<f64>,
    /// True removes the review from its label. False changes nothing.
    deleted: Option<bool>,
}

/// Queries of reviews.
#[derive(Default)]
pub struct ReviewQuery;

#[Object]
impl ReviewQuery {
    /// A review by its id.
    async fn review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Review>> {
        let row = reviews::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Review).map_err(Into::into))
    }
}

/// Mutations of reviews.
#[derive(Default)]
pub struct ReviewMutation;

#[Object]
impl ReviewMutation {
    /// Submits a review: REVIEW_CREATED.
    async fn create_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to submit.")] data: ReviewCreateInput,
    ) -> Result<Review> {
        let new = New {
            label: data.label.connect.id.0,
            project: data.project.map(|project| project.connect.id.0),
            score: data.score,
        };
        Ok(Review(reviews::create(ctx.app(), ctx.actor(), new).await?))
    }

    /// Changes a review or removes it from its label: REVIEW_UPDATED.
    async fn update_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
        #[graphql(desc = "What to change.")] data: ReviewUpdateInput,
    ) -> Result<Review> {
        let patch = Patch {
            score: data.score,
            deleted: data.deleted.unwrap_or(false),
        };
        Ok(Review(
            reviews::update(ctx.app(), ctx.actor(), &r#where.id, patch).await?,
        ))
    }
}
