//! Organization: type and query.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use entity::{Timestamp, organization};
use labelhook_core::{api_key as api_keys, organization as organizations, project as projects, user as users};

use super::{
    api_key::ApiKey,
    context::ContextExt,
    error::Result,
    filter::query,
    list as lists,
    project::{Project, ProjectOrderByInput, ProjectWhereInput},
    user::{User, UserOrderByInput, UserWhereInput},
    webhook::{self, Webhook, WebhookOrderByInput, WebhookWhereInput},
};

/// A tenant: everything belongs to one and is seen by its people alone.
pub struct Organization(pub organization::Model);

impl Organization {
    /// The caller's.
    pub async fn of(ctx: &Context<'_>) -> Result<Self> {
        Ok(Self(organizations::get(ctx.app(), ctx.actor()).await?))
    }
}

/// A tenant: everything belongs to one and is seen by its people alone.
#[Object]
impl Organization {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// For how many days events, payloads, attempts and finished notifications are kept; null: as long as the installation
    /// says, which is 30 days unless its operator chose otherwise.
    async fn retention_days(&self) -> Option<i32> {
        self.0.retention_days
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Its people.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<UserWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<UserOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<User>> {
        let rows = users::list(ctx.app(), ctx.actor(), query(r#where, order_by, skip, first)?).await?;
        Ok(rows.into_iter().map(User).collect())
    }

    /// Its projects.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<ProjectWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<ProjectOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Project>> {
        let rows = projects::list(
            ctx.app(),
            ctx.actor(),
            projects::Scope::All,
            query(r#where, order_by, skip, first)?,
        )
        .await?;
        Ok(rows.into_iter().map(Project).collect())
    }

    /// Its API keys, oldest first: everybody's for those who manage keys, one's own for others. Revoked ones too.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<ApiKey>> {
        let slice = lists::Slice::new(skip, first)?;
        let rows = api_keys::list(ctx.app(), ctx.actor(), slice.into()).await?;
        Ok(rows.into_iter().map(ApiKey).collect())
    }

    /// Its webhooks, those of its projects included, whatever their status.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<WebhookWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<WebhookOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Webhook>> {
        webhook::listed(ctx, None, r#where, order_by, skip, first).await
    }
}

/// Queries of organizations.
#[derive(Default)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// The caller's organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Organization::of(ctx).await
    }
}

/// What to change of an organization: any subset; nothing given changes nothing.
#[derive(InputObject)]
pub struct OrganizationUpdateInput {
    /// For how many days events, payloads, attempts and finished notifications are kept: 1 to 3,650. What is older is
    /// removed soon after. Null: as long as the installation says.
    retention_days: MaybeUndefined<i32>,
}

/// Mutations of organizations.
#[derive(Default)]
pub struct OrganizationMutation;

#[Object]
impl OrganizationMutation {
    /// Changes the caller's organization.
    async fn update_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] data: OrganizationUpdateInput,
    ) -> Result<Organization> {
        let patch = organizations::Patch {
            retention_days: data.retention_days.into(),
        };
        let row = organizations::update(ctx.app(), ctx.actor(), patch).await?;
        Ok(Organization(row))
    }
}
