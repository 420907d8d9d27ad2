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
        #[graphql(desc = "Selects the webhook by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Webhook>> {
        Some(
            webhooks::get(ctx.app(), ctx.actor(), &r#where.id)
                .await
                .map(Webhook::from)
                .map_err(Into::into),
        )
    }

    /// The webhooks of the organization, including those of its projects, with any status.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the webhooks to return.")] r#where: Option<WebhookWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<WebhookOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
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
    /// Registers a webhook. It is ACTIVE immediately.
    async fn create_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook to register.")] data: WebhookCreateInput,
    ) -> Result<Webhook> {
        let signing_secret = data.signing_secret();
        let row = webhooks::create(ctx.app(), ctx.actor(), data.read()?).await?;
        Ok(Webhook(row, signing_secret))
    }

    /// Changes a webhook. Absent fields keep their value; pending retries go to the new URL.
    async fn update_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the webhook by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The fields to change.")] data: WebhookUpdateInput,
    ) -> Result<Webhook> {
        Ok(Webhook::from(
            webhooks::update(ctx.app(), ctx.actor(), &r#where.id, data.read()?).await?,
        ))
    }

    /// Rotates the secret of a webhook, including that of a workflow stage, and returns the new one, this one time.
    /// During the grace period `webhook-signature` has one signature for each secret; `X-Hub-Signature` uses the new
    /// one immediately. At most 10 secrets can sign at the same time.
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the webhook by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The new secret, and the grace period of the old ones.")] data: SecretRotateInput,
    ) -> Result<RotatedSecret> {
        let rotated = webhooks::rotate(ctx.app(), ctx.actor(), &r#where.id, data.into()).await?;
        Ok(rotated.into())
    }
}
