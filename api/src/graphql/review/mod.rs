//! Review: type, inputs, query and mutations.
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::review`] and wraps the result. [`super`]
//! merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

mod list;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use entity::{Timestamp, review};
use labelhook_core::review::{self as reviews, New, Patch};

pub use self::list::{ReviewOrderByInput, ReviewWhereInput};
use super::{
    context::ContextExt,
    error::Result,
    input::{ConnectInput, WhereUniqueInput, given},
    label::Label,
    loader,
    organization::Organization,
    project::Project,
    user::User,
};

/// The judgment of a reviewer about a label.
pub struct Review(pub review::Model);

/// The judgment of a reviewer about a label.
#[Object]
impl Review {
    /// The id of the review.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The judgment: above 0 approves, below 0 rejects.
    async fn score(&self) -> f64 {
        self.0.score
    }

    /// The time at which the review was submitted.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the review was last changed or removed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// True if the review was removed from its label.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// The label that is reviewed.
    async fn label(&self, ctx: &Context<'_>) -> Option<Result<Label>> {
        loader::label(ctx, self.0.label_id).await
    }

    /// The project of the label.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id).await
    }

    /// The user who submitted the review.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// The organization that owns the review.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }
}

/// A new review.
#[derive(InputObject)]
pub struct ReviewCreateInput {
    /// The judgment: above 0 approves, below 0 rejects.
    score: f64,
    /// The label to review.
    label: ConnectInput,
    /// The project of the label. Optional; a project other than the label's is refused.
    project: Option<ConnectInput>,
}

/// The fields of a review to change. Absent fields keep their value; without any field, no event is published.
#[derive(InputObject)]
pub struct ReviewUpdateInput {
    /// The judgment: above 0 approves, below 0 rejects.
    score: MaybeUndefined<f64>,
    /// True removes the review from its label. False changes nothing.
    deleted: MaybeUndefined<bool>,
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
        #[graphql(desc = "Selects the review by id.")] r#where: WhereUniqueInput,
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
    /// Submits a review. Publishes REVIEW_CREATED.
    async fn create_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The review to submit.")] data: ReviewCreateInput,
    ) -> Result<Review> {
        let new = New {
            label: data.label.connect.id.0,
            project: data.project.map(|project| project.connect.id.0),
            score: data.score,
        };
        Ok(Review(reviews::create(ctx.app(), ctx.actor(), new).await?))
    }

    /// Changes a review or removes it from its label. Publishes REVIEW_UPDATED.
    async fn update_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the review by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The fields to change.")] data: ReviewUpdateInput,
    ) -> Result<Review> {
        let patch = Patch {
            score: given("score", data.score)?,
            deleted: given("deleted", data.deleted)?.unwrap_or(false),
        };
        Ok(Review(
            reviews::update(ctx.app(), ctx.actor(), &r#where.id, patch).await?,
        ))
    }
}
