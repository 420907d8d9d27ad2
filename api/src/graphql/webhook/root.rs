//! Queries and mutations of webhooks.

use super::{
    super::{context::ContextExt, error::Result, input::WhereUniqueInput, list::cost},
    RotatedSecret, SecretRotateInput, Webhook, WebhookCreateInput, WebhookOrderByInput, WebhookUpdateInput,
    WebhookWhereInput, listed,
};
use async_graphql::{Context, Object};
use labelhook_core::webhook as webhooks;

/// Queries of webhooks.
#[derive(Default)]
pub struct WebhookQuery;

/// Queries of webhooks.
#[Object]
impl WebhookQuery {
    /// A webhook by its id.
    async fn webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Webhook>> {
        Some(
            webhooks::get(ctx.app(), ctx.actor(), &r#where.id)
                .await
                .map(Webhook::from)
                .map_err(Into::into),
        )
    }

    /// The organization's webhooks, those of its projects included, whatever their status.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<WebhookWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<WebhookOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Webhook>> {
        listed(ctx, None, r#where, order_by, skip, first).await
    }
}

/// Mutations of webhooks.
#[derive(Default)]
pub struct WebhookMutation;

/// Mutations of webhooks.
#[Object]
impl WebhookMutation {
    /// Registers a webhook. It is ACTIVE at once.
    async fn create_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to register.")] data: WebhookCreateInput,
    ) -> Result<Webhook> {
        let signing_secret = data.signing_secret();
        let row = webhooks::create(ctx.app(), ctx.actor(), data.read()?).await?;
        Ok(Webhook(row, signing_secret))
    }

    /// Changes a webhook. What is absent stays; retries that wait go to the new URL.
    async fn update_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
        #[graphql(desc = "What to change.")] data: WebhookUpdateInput,
    ) -> Result<Webhook> {
        Ok(Webhook::from(
            webhooks::update(ctx.app(), ctx.actor(), &r#where.id, data.read()?).await?,
        ))
    }

    /// Gives a webhook a new secret, that of a workflow's stage too, and shows it once. Until the grace period is over,
    /// `webhook-signature` has a signature by each; `X-Hub-Signature` is by the new one from now on. At most 10 secrets
    /// sign at the same time.
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The new secret, and how long the old ones go on.")] data: SecretRotateInput,
    ) -> Result<RotatedSecret> {
        let rotated = webhooks::rotate(ctx.app(), ctx.actor(), &r#where.id, data.into()).await?;
        Ok(rotated.into())
    }
}
