//! Webhook: the type. Queries and mutations are in [`root`], inputs in [`input`], conditions and sort orders in
//! [`list`].
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::webhook`] and wraps the result. [`super`]
//! merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

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
    postponed, subscribers, webhook as webhooks,
};

use super::{
    context::ContextExt,
    error::Result,
    filter::query,
    json::Json,
    list::{OffsetPage, cost},
    loader,
    notification::{Notification, NotificationOrderByInput, NotificationStats, NotificationWhereInput},
    organization::Organization,
    project::Project,
    user::User,
    work_loader,
    workflow::Stage,
};

/// A registered target: the events of its project, or of the whole organization, are sent to its URL as signed POST
/// requests.
pub struct Webhook(pub webhook::Model, Option<String>);

impl From<webhook::Model> for Webhook {
    fn from(row: webhook::Model) -> Self {
        Self(row, None)
    }
}

/// A registered target: the events of its project, or of the whole organization, are sent to its URL as signed POST
/// requests.
#[Object]
impl Webhook {
    /// The id of the webhook.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The URL that deliveries are sent to.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// The subscribed topics, in the order given.
    async fn topics(&self) -> Vec<WebhookTopic> {
        subscribers::topics(&self.0)
    }

    /// The status of the webhook.
    async fn status(&self) -> WebhookStatus {
        self.0.status
    }

    /// The reason for which it was revoked, by a user or automatically, as text for people; null while it is not
    /// revoked.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// The project whose events are sent; null for an organization-wide webhook.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id?).await
    }

    /// The workflow stage whose tasks are sent; null for a registered webhook.
    async fn stage(&self, ctx: &Context<'_>) -> Option<Result<Stage>> {
        Some(work_loader::stage(ctx, self.0.stage_id?).await)
    }

    /// The organization that owns the webhook.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(Organization(
            labelhook_core::organization::get(ctx.app(), ctx.actor()).await?,
        ))
    }

    /// The user who registered the webhook.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// The time at which the webhook was registered.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the webhook was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// A free-form description.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The payload format: the shape of the body and the form of the signature header.
    async fn payload_format(&self) -> PayloadFormat {
        self.0.payload_format
    }

    /// The GraphQL selection that shapes the body; null: the payload format does.
    async fn payload_query(&self) -> Option<&str> {
        self.0.payload_query.as_deref()
    }

    /// The CEL expression that selects the events to send; null: all events.
    async fn filter(&self) -> Option<&str> {
        self.0.filter.as_deref()
    }

    /// The number of events that were not sent because the filter failed on them, since it was saved or the server
    /// started.
    async fn filter_errors(&self, ctx: &Context<'_>) -> i32 {
        i32::try_from(webhooks::filter_faults(ctx.app(), self.0.id).count).unwrap_or(i32::MAX)
    }

    /// The number of events of which it is not decided yet whether they are sent: the filter, or the payload query, took
    /// too much time to be run while the event was published. They are decided one by one, while the webhook is ACTIVE.
    #[graphql(complexity = 10)]
    async fn postponed_events(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = postponed::count(ctx.app(), self.0.id).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// The reason for the last evaluation of the filter that failed or was stopped; null when there was none.
    async fn last_filter_error(&self, ctx: &Context<'_>) -> Option<String> {
        webhooks::filter_faults(ctx.app(), self.0.id).last
    }

    /// The authentication scheme of the deliveries.
    async fn auth_type(&self) -> AuthType {
        self.0.auth_type
    }

    /// The names of the custom headers: a list of strings. Their values are never returned.
    async fn headers(&self) -> Option<Result<Json>> {
        self.0.header_names.as_deref().map(Json::stored)
    }

    /// The retry policy of failed deliveries.
    async fn retry_policy(&self) -> Result<RetryPolicy> {
        Ok(webhooks::policy(&self.0)?.into())
    }

    /// The timeout of one attempt in milliseconds. It covers name resolution, connection, request and the whole
    /// response.
    async fn timeout_ms(&self) -> i32 {
        self.0.timeout_ms
    }

    /// The maximum number of concurrent requests to this webhook.
    async fn max_in_flight(&self) -> i32 {
        self.0.max_in_flight
    }

    /// The rate limit; null: no limit.
    async fn rate_limit(&self) -> Option<RateLimit> {
        subscribers::limit(&self.0).rate.map(RateLimit::from)
    }

    /// The order in which notifications are sent.
    async fn ordering(&self) -> Ordering {
        self.0.ordering
    }

    /// True if the webhook is disabled automatically when nothing was delivered for five days and in fifty attempts.
    async fn auto_disable(&self) -> bool {
        self.0.auto_disable
    }

    /// True if the webhook belongs to a listener: its deliveries are handed to the `deliveries` subscription, and its
    /// `url` is only what the listener declared.
    async fn is_listener(&self) -> bool {
        self.0.listener
    }

    /// True if the webhook's listener is connected now; false for any other webhook.
    async fn listening(&self, ctx: &Context<'_>) -> bool {
        self.0.listener && labelhook_core::listener::is_there(ctx.app(), &self.0)
    }

    /// The attempts whose response is stored.
    async fn capture(&self) -> Capture {
        self.0.capture
    }

    /// The percentage of notifications whose successful responses are stored; null unless `capture` is SAMPLE.
    async fn capture_percent(&self) -> Option<i32> {
        self.0.capture_percent
    }

    /// The health of the webhook: its circuit breaker, consecutive failures and backlog.
    #[graphql(complexity = "cost(Some(10), child_complexity)")]
    async fn health(&self, ctx: &Context<'_>) -> Result<WebhookHealth> {
        Ok(waiting::of(ctx.app(), &self.0).await?.into())
    }

    /// The secret in the form of Standard Webhooks libraries: `whsec_` and base64. Returned only by `createWebhook`,
    /// when the deliveries are signed; null otherwise (`rotateWebhookSecret` returns that of a new secret).
    async fn signing_secret(&self) -> Option<&str> {
        self.1.as_deref()
    }

    /// The secrets that sign now, newest first: their ids and times, never the secrets themselves. After a rotation the
    /// old ones stay until the end of their grace period.
    #[graphql(complexity = "cost(Some(10), child_complexity)")]
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Vec<SecretInfo>> {
        let rows = webhooks::secrets(ctx.app(), &self.0).await?;
        Ok(rows.into_iter().map(SecretInfo::from).collect())
    }

    /// The notifications of the webhook, newest first: the plain list that Labelbox's own clients query.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the notifications to return.")] r#where: Option<NotificationWhereInput>,
        #[graphql(desc = "The sort order; newest first when absent.")] order_by: Option<NotificationOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Notification>> {
        let slice = OffsetPage::new(skip, first)?;
        super::notification::of_webhook(ctx, self.0.id, r#where, order_by, slice).await
    }

    /// Statistics of the webhook's deliveries, in whole hours or days.
    #[graphql(complexity = "cost(Some(10), child_complexity)")]
    async fn stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The start; by default 24 hours ago, or 30 days ago by DAY.")] since: Option<Timestamp>,
        #[graphql(
            desc = "The bucket of the series, which has at most 1,000; when absent, HOUR up to 48 hours, else DAY."
        )]
        bucket: Option<StatsBucket>,
    ) -> Result<NotificationStats> {
        super::notification::stats(ctx, &Filter::of_webhook(self.0.id, since), bucket).await
    }
}

/// Loads webhooks as a plain list: of the organization, or of one project.
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
