//! Organization: type, query and mutation.

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

/// A tenant. Every object belongs to one organization and is visible only to its users.
pub struct Organization(pub organization::Model);

impl Organization {
    /// Loads the caller's organization.
    pub async fn of(ctx: &Context<'_>) -> Result<Self> {
        Ok(Self(organizations::get(ctx.app(), ctx.actor()).await?))
    }
}

/// A tenant. Every object belongs to one organization and is visible only to its users.
#[Object]
impl Organization {
    /// The id of the organization.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The display name of the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The retention period in days of events, payloads, attempts and finished notifications; null: the installation's
    /// setting, 30 days by default.
    async fn retention_days(&self) -> Option<i32> {
        self.0.retention_days
    }

    /// The time at which the organization was created.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the organization was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// The users of the organization.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the users to return.")] r#where: Option<UserWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<UserOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<User>> {
        let rows = users::list(ctx.app(), ctx.actor(), query(r#where, order_by, skip, first)?).await?;
        Ok(rows.into_iter().map(User).collect())
    }

    /// The projects of the organization.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the projects to return.")] r#where: Option<ProjectWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<ProjectOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
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

    /// The API keys of the organization, oldest first, revoked ones included: all keys for callers who may manage keys,
    /// the caller's own for others.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<ApiKey>> {
        let slice = lists::OffsetPage::new(skip, first)?;
        let rows = api_keys::list(ctx.app(), ctx.actor(), slice.into()).await?;
        Ok(rows.into_iter().map(ApiKey).collect())
    }

    /// The webhooks of the organization, including those of its projects, with any status.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the webhooks to return.")] r#where: Option<WebhookWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<WebhookOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
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

/// The fields of the organization to change. Absent fields keep their value.
#[derive(InputObject)]
pub struct OrganizationUpdateInput {
    /// The retention period in days of events, payloads, attempts and finished notifications: 1 to 3,650. Older ones
    /// are removed soon after. Null: the installation's setting.
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
        #[graphql(desc = "The fields to change.")] data: OrganizationUpdateInput,
    ) -> Result<Organization> {
        let patch = organizations::Patch {
            retention_days: data.retention_days.into(),
        };
        let row = organizations::update(ctx.app(), ctx.actor(), patch).await?;
        Ok(Organization(row))
    }
}
