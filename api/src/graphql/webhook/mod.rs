//! Webhook: the type. Queries and mutations are in [`root`]; what is given stands in [`input`], how they are listed in [`list`].

mod health;
mod input;
mod list;
mod root;
mod values;

pub use health::WebhookHealth;
pub use input::{RateLimitInput, RetryPolicyInput, SecretRotateInput, WebhookCreateInput, WebhookUpdateInput};
pub use list::{WebhookOrderByInput, WebhookWhereInput};
pub use root::{WebhookMutation, WebhookQuery};
pub use values::{RateLimit, RetryPolicy, RotatedSecret, SecretInfo};

use async_graphql::{Context, ID, Object};
use entity::{
    AuthType, Capture, Ordering, PayloadFormat, ProjectId, StatsBucket, Timestamp, WebhookStatus, WebhookTopic, webhook,
};
use labelhook_core::{
    notification::{Filter, waiting},
    subscribers::{self, filter},
    webhook as webhooks,
};

use super::{
    context::ContextExt,
    error::Result,
    filter::query,
    json::Json,
    list::{Slice, cost},
    loader,
    notification::{Notification, NotificationOrderByInput, NotificationStats, NotificationWhereInput},
    organization::Organization,
    project::Project,
    user::User,
    work_loader,
    workflow::Stage,
};

/// A registered target: what happens in its project, or in the whole organization, is sent to its URL as signed POSTs.
pub struct Webhook(pub webhook::Model, Option<String>);

impl From<webhook::Model> for Webhook {
    fn from(row: webhook::Model) -> Self {
        Self(row, None)
    }
}

/// A registered target: what happens in its project, or in the whole organization, is sent to its URL as signed POSTs.
#[Object]
impl Webhook {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Where deliveries go.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// What it is told of, in the order given.
    async fn topics(&self) -> Vec<WebhookTopic> {
        subscribers::topics(&self.0)
    }

    /// Whether events are sent.
    async fn status(&self) -> WebhookStatus {
        self.0.status
    }

    /// Why it was revoked, by a person or by itself, for people; null while it is not.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// The project whose events it gets; null for an organization-wide webhook.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id?).await
    }

    /// The workflow stage whose tasks it gets; null for a webhook that was registered.
    async fn stage(&self, ctx: &Context<'_>) -> Option<Result<Stage>> {
        Some(work_loader::stage(ctx, self.0.stage_id?).await)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(Organization(
            labelhook_core::organization::get(ctx.app(), ctx.actor()).await?,
        ))
    }

    /// Who registered it.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// When it was registered.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Free text.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The dialect: shape of the body and form of the signature header.
    async fn payload_format(&self) -> PayloadFormat {
        self.0.payload_format
    }

    /// The GraphQL selection that shapes the body; null: the dialect does.
    async fn payload_query(&self) -> Option<&str> {
        self.0.payload_query.as_deref()
    }

    /// The CEL expression that is true of what is sent; null: everything is.
    async fn filter(&self) -> Option<&str> {
        self.0.filter.as_deref()
    }

    /// Events that were not sent because the filter could not be evaluated, since it was saved or the server started.
    async fn filter_errors(&self, ctx: &Context<'_>) -> i32 {
        i32::try_from(filter::filter_faults(ctx.app(), self.0.id).count).unwrap_or(i32::MAX)
    }

    /// Why the filter could not be evaluated the last time; null when it always could.
    async fn last_filter_error(&self, ctx: &Context<'_>) -> Option<String> {
        filter::filter_faults(ctx.app(), self.0.id).last
    }

    /// How deliveries prove where they come from.
    async fn auth_type(&self) -> AuthType {
        self.0.auth_type
    }

    /// Names of the custom headers: a list of strings. Values are never returned.
    async fn headers(&self) -> Option<Result<Json>> {
        self.0.header_names.as_deref().map(Json::stored)
    }

    /// When a failed delivery is tried again, and how often.
    async fn retry_policy(&self) -> Result<RetryPolicy> {
        Ok(webhooks::policy(&self.0)?.into())
    }

    /// Time of one attempt in milliseconds: name look-up, connection, request and the whole answer.
    async fn timeout_ms(&self) -> i32 {
        self.0.timeout_ms
    }

    /// Requests to this webhook at the same time at most.
    async fn max_in_flight(&self) -> i32 {
        self.0.max_in_flight
    }

    /// How fast it may be sent to; null: at any pace.
    async fn rate_limit(&self) -> Option<RateLimit> {
        subscribers::limit(&self.0).rate.map(RateLimit::from)
    }

    /// In which order it is sent to.
    async fn ordering(&self) -> Ordering {
        self.0.ordering
    }

    /// Whether it is switched off by itself when nothing has got through for five days and in fifty attempts.
    async fn auto_disable(&self) -> bool {
        self.0.auto_disable
    }

    /// Whether it is a listener's: what it gets is handed to the `deliveries` of its listener, and its `url` is only what that
    /// listener said it posts to.
    async fn is_listener(&self) -> bool {
        self.0.listener
    }

    /// Whether its listener is there now; false for any other webhook.
    async fn listening(&self, ctx: &Context<'_>) -> bool {
        self.0.listener && labelhook_core::listener::is_there(ctx.app(), &self.0)
    }

    /// Of which attempts the receiver's answer is kept.
    async fn capture(&self) -> Capture {
        self.0.capture
    }

    /// Of how many of a hundred notifications the answers to what succeeded are kept; null unless `capture` is SAMPLE.
    async fn capture_percent(&self) -> Option<i32> {
        self.0.capture_percent
    }

    /// How it fares: its breaker, failures in a row, and what waits.
    #[graphql(complexity = "cost(Some(10), child_complexity)")]
    async fn health(&self, ctx: &Context<'_>) -> Result<WebhookHealth> {
        Ok(waiting::of(ctx.app(), &self.0).await?.into())
    }

    /// The secret as Standard Webhooks libraries take it: `whsec_` and base64. Shown by `createWebhook` alone, when the
    /// deliveries are signed; null ever after (`rotateWebhookSecret` shows that of a new secret).
    async fn signing_secret(&self) -> Option<&str> {
        self.1.as_deref()
    }

    /// The secrets that sign now: their ids and times, newest first; never the secrets. After a rotation the old ones stay
    /// until their grace period is over.
    #[graphql(complexity = "cost(Some(10), child_complexity)")]
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Vec<SecretInfo>> {
        let rows = webhooks::secrets(ctx.app(), &self.0).await?;
        Ok(rows.into_iter().map(SecretInfo::from).collect())
    }

    /// What was sent to it, newest first: the plain list that Labelbox's own clients ask for.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<NotificationWhereInput>,
        #[graphql(desc = "In which order; newest first when absent.")] order_by: Option<NotificationOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Notification>> {
        let slice = Slice::new(skip, first)?;
        super::notification::of_webhook(ctx, self.0.id, r#where, order_by, slice).await
    }

    /// How its deliveries went, in whole hours or days.
    #[graphql(complexity = "cost(Some(10), child_complexity)")]
    async fn stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From when on; a day ago when absent, thirty by the DAY.")] since: Option<Timestamp>,
        #[graphql(desc = "The pieces of the series, 1,000 at most; HOUR up to 48 hours and DAY for more when absent.")]
        bucket: Option<StatsBucket>,
    ) -> Result<NotificationStats> {
        super::notification::stats(ctx, &Filter::of_webhook(self.0.id, since), bucket).await
    }
}

/// Webhooks as a plain list: of the organization, or of one project.
pub async fn listed(
    ctx: &Context<'_>,
    project_id: Option<ProjectId>,
    r#where: Option<WebhookWhereInput>,
    order_by: Option<WebhookOrderByInput>,
    skip: Option<i32>,
    first: Option<i32>,
) -> Result<Vec<Webhook>> {
    let rows = webhooks::list(
        ctx.app(),
        ctx.actor(),
        project_id,
        query(r#where, order_by, skip, first)?,
    )
    .await?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}
