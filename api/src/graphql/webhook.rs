//! Webhook: type, inputs, queries and mutations.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::{AuthType, PayloadFormat, Timestamp, WebhookStatus, WebhookTopic, webhook};
use labelhook_core::webhook::{self as webhooks, New, Patch, Retry};

use super::{
    context::ContextExt,
    error::Result,
    input::WhereUniqueInput,
    json::Json,
    list::{self, Slice},
    loader,
    notification::{Notification, NotificationOrderByInput, NotificationWhereInput},
    organization::Organization,
    project::Project,
    user::User,
};

/// A registered target: what happens in its project, or in the whole organization, is sent to its URL as signed POSTs.
pub struct Webhook(pub webhook::Model);

/// A registered target: what happens in its project, or in the whole organization, is sent to its URL as signed POSTs.
#[Object]
impl Webhook {
    /// Its id.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Where deliveries go.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// What it is told of, in the order given.
    async fn topics(&self) -> Vec<WebhookTopic> {
        webhooks::topics(&self.0)
    }

    /// Whether events are sent.
    async fn status(&self) -> WebhookStatus {
        self.0.status
    }

    /// Why it was revoked, for people; null while it is not.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// The project whose events it gets; null for an organization-wide webhook.
    async fn project(&self, ctx: &Context<'_>) -> Option<Result<Project>> {
        loader::project(ctx, self.0.project_id?).await
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(Organization(labelhook_core::organization::get(ctx.app(), ctx.actor()).await?))
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

    /// Its secrets' ids and times, newest first; never the secrets.
    #[graphql(complexity = "list::cost(Some(10), child_complexity)")]
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Vec<SecretInfo>> {
        let rows = webhooks::secrets(ctx.app(), &self.0).await?;
        Ok(rows.into_iter().map(SecretInfo::from).collect())
    }

    /// What was sent to it, newest first: the plain list that Labelbox's own clients ask for.
    #[graphql(complexity = "list::cost(first, child_complexity)")]
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
}

/// When a failed delivery is tried again.
#[derive(SimpleObject)]
pub struct RetryPolicy {
    /// Requests at most, the first included; 1 turns retries off.
    max_attempts: i32,
    /// Milliseconds before the second, third, … request; the last one repeats.
    delays_ms: Vec<i64>,
    /// By how much a delay may differ at random, as a fraction of it: 0.2 is ± 20 %.
    jitter: f64,
}

impl From<labelhook_core::dispatcher::retry::Policy> for RetryPolicy {
    fn from(policy: labelhook_core::dispatcher::retry::Policy) -> Self {
        Self {
            max_attempts: i32::try_from(policy.max_attempts).unwrap_or(i32::MAX),
            delays_ms: policy.delays.iter().map(|delay| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)).collect(),
            jitter: policy.jitter,
        }
    }
}

/// A secret of a webhook, without the secret.
#[derive(SimpleObject)]
pub struct SecretInfo {
    /// Its id.
    id: ID,
    /// When it was made.
    created_at: Timestamp,
    /// From when it no longer signs; null for the current one.
    expires_at: Option<Timestamp>,
}

impl From<entity::webhook_secret::Model> for SecretInfo {
    fn from(row: entity::webhook_secret::Model) -> Self {
        Self { id: row.id.to_string().into(), created_at: row.created_at, expires_at: row.expires_at }
    }
}

/// A list of topics.
#[derive(InputObject)]
pub struct TopicListInput {
    /// The topics, at least one; they replace what was there.
    set: Vec<WebhookTopic>,
}

/// When to try a failed delivery again. What is absent is the default's, or stays.
#[derive(InputObject, Default)]
pub struct RetryPolicyInput {
    /// Requests at most, the first included: 1 to 50. Default 10.
    max_attempts: Option<i32>,
    /// Milliseconds before the second, third, … request, each at most 7 days; the last one repeats. Default 5 s, 5 min,
    /// 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
    delays_ms: Option<Vec<i64>>,
    /// By how much a delay may differ at random, as a fraction of it: 0 to 1. Default 0.2.
    jitter: Option<f64>,
}

impl From<RetryPolicyInput> for Retry {
    fn from(input: RetryPolicyInput) -> Self {
        Self { max_attempts: input.max_attempts, delays_ms: input.delays_ms, jitter: input.jitter }
    }
}

/// What to register.
#[derive(InputObject)]
pub struct WebhookCreateInput {
    /// The project whose events are sent; leave it out for all events of the organization.
    project: Option<WhereUniqueInput>,
    /// What to send, at least one topic.
    topics: TopicListInput,
    /// Where to: http or https, with a host, without credentials and fragment, at most 2,048 characters.
    url: String,
    /// What signs the deliveries, at most 1,024 bytes; required when `authType` is SECRET. One that starts with `whsec_`
    /// is base64 of 24 to 64 bytes after the prefix, as Standard Webhooks has it.
    secret: Option<String>,
    /// Free text, at most 2,000 characters.
    description: Option<String>,
    /// The dialect.
    #[graphql(default_with = "PayloadFormat::Labelbox")]
    payload_format: PayloadFormat,
    /// How deliveries prove where they come from.
    #[graphql(default_with = "AuthType::Secret")]
    auth_type: AuthType,
    /// The token of `Authorization: Bearer`, for `authType` BEARER.
    bearer_token: Option<String>,
    /// The value of the `Authorization` header, for `authType` HEADER.
    authorization_header: Option<String>,
    /// Custom headers: an object of strings, at most 32. They may not replace ours, `Host`, `Content-*` or hop-by-hop
    /// headers.
    headers: Option<Json>,
    /// When to try a failed delivery again.
    retry_policy: Option<RetryPolicyInput>,
    /// Time of one attempt in milliseconds: 1,000 to 30,000. Default 15,000.
    timeout_ms: Option<i32>,
    /// Requests at the same time at most: 1 to 256. Default 32.
    max_in_flight: Option<i32>,
}

impl WebhookCreateInput {
    fn unwrap(self) -> Result<New> {
        Ok(New {
            project_id: self.project.map(|project| project.id.0),
            topics: self.topics.set,
            url: self.url,
            secret: self.secret,
            description: self.description,
            payload_format: Some(self.payload_format),
            auth_type: Some(self.auth_type),
            bearer_token: self.bearer_token,
            authorization_header: self.authorization_header,
            headers: self.headers.map(|headers| headers.plain("headers")).transpose()?,
            retry: self.retry_policy.unwrap_or_default().into(),
            timeout_ms: self.timeout_ms,
            max_in_flight: self.max_in_flight,
        })
    }
}

/// What to change of a webhook: any subset; nothing given changes nothing.
#[derive(InputObject)]
pub struct WebhookUpdateInput {
    /// What to send, at least one topic.
    topics: Option<TopicListInput>,
    /// Where to.
    url: Option<String>,
    /// ACTIVE sends again and goes on with what was queued; INACTIVE and REVOKED stop it.
    status: Option<WebhookStatus>,
    /// Free text, at most 2,000 characters.
    description: Option<String>,
    /// The dialect, of events to come.
    payload_format: Option<PayloadFormat>,
    /// How deliveries prove where they come from.
    auth_type: Option<AuthType>,
    /// The token of `Authorization: Bearer`, for `authType` BEARER.
    bearer_token: Option<String>,
    /// The value of the `Authorization` header, for `authType` HEADER.
    authorization_header: Option<String>,
    /// Custom headers: an object of strings; replaces them all, `{}` removes them.
    headers: Option<Json>,
    /// When to try a failed delivery again; what is absent stays.
    retry_policy: Option<RetryPolicyInput>,
    /// Time of one attempt in milliseconds: 1,000 to 30,000.
    timeout_ms: Option<i32>,
    /// Requests at the same time at most: 1 to 256.
    max_in_flight: Option<i32>,
}

impl WebhookUpdateInput {
    fn unwrap(self) -> Result<Patch> {
        Ok(Patch {
            topics: self.topics.map(|topics| topics.set),
            url: self.url,
            status: self.status,
            description: self.description,
            payload_format: self.payload_format,
            auth_type: self.auth_type,
            bearer_token: self.bearer_token,
            authorization_header: self.authorization_header,
            headers: self.headers.map(|headers| headers.plain("headers")).transpose()?,
            retry: self.retry_policy.unwrap_or_default().into(),
            timeout_ms: self.timeout_ms,
            max_in_flight: self.max_in_flight,
        })
    }
}
