//! What is given to register or change a webhook.

use async_graphql::{InputObject, MaybeUndefined};
use entity::{AuthType, Capture, Ordering, PayloadFormat, WebhookStatus, WebhookTopic};
use labelhook_core::delivery::{limit::Rate, signer::secret};
use labelhook_core::webhook::{New, Patch, Retry, Rotation};

use super::super::{error::Result, input::WhereUniqueInput, json::Json};

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
        Self {
            max_attempts: input.max_attempts,
            delays_ms: input.delays_ms,
            jitter: input.jitter,
        }
    }
}

/// How fast a webhook may be sent to: a bucket that holds so many requests and is refilled evenly.
#[derive(InputObject)]
pub struct RateLimitInput {
    /// Requests in this time at most, and at once after a rest: 1 to 100,000.
    requests: i32,
    /// The time in milliseconds: 1 to 3,600,000.
    per_ms: i32,
}

impl From<RateLimitInput> for Rate {
    fn from(input: RateLimitInput) -> Self {
        Self {
            requests: input.requests,
            per_ms: input.per_ms,
        }
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
    /// A GraphQL selection on the event, such as `{ id topic project { id name } data }`: its result is the body, in the
    /// dialect's place. `payload.graphql` lists the fields. At most 4,096 bytes, 200 fields, 8 levels.
    payload_query: Option<String>,
    /// A CEL expression over `event`, such as `event.data.label.secondsToLabel > 10.0`: only events of which it is true are
    /// sent. At most 2,048 bytes.
    filter: Option<String>,
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
    /// How fast it may be sent to; at any pace when absent. What waits for its turn spends no attempt.
    rate_limit: Option<RateLimitInput>,
    /// In which order it is sent to. With an order, what waits for a retry holds up what comes after it.
    #[graphql(default_with = "Ordering::None")]
    ordering: Ordering,
    /// Whether it is switched off by itself, REVOKED, when nothing has got through for five days and in fifty attempts;
    /// WEBHOOK_FAILING tells of it at least a day before.
    #[graphql(default = true)]
    auto_disable: bool,
    /// Of which attempts the receiver's answer is kept.
    #[graphql(default_with = "Capture::Full")]
    capture: Capture,
    /// For `capture` SAMPLE, and required then: of how many of a hundred notifications the answers to what succeeded are
    /// kept, 1 to 100.
    capture_percent: Option<i32>,
}

impl WebhookCreateInput {
    /// The secret in the form that is shown once, when deliveries will be signed with it.
    pub fn signing_secret(&self) -> Option<String> {
        let typed = self.secret.as_deref().filter(|secret| !secret.is_empty());
        typed
            .filter(|_| self.auth_type != AuthType::None)
            .map(secret::whsec_form)
    }

    /// The same in core's words.
    pub fn read(self) -> Result<New> {
        Ok(New {
            project_id: self.project.map(|project| project.id.0),
            topics: self.topics.set,
            url: self.url,
            secret: self.secret,
            description: self.description,
            payload_format: Some(self.payload_format),
            payload_query: self.payload_query,
            filter: self.filter,
            auth_type: Some(self.auth_type),
            bearer_token: self.bearer_token,
            authorization_header: self.authorization_header,
            headers: self.headers.map(|headers| headers.plain("headers")).transpose()?,
            retry: self.retry_policy.unwrap_or_default().into(),
            timeout_ms: self.timeout_ms,
            max_in_flight: self.max_in_flight,
            rate: self.rate_limit.map(Rate::from),
            ordering: Some(self.ordering),
            auto_disable: Some(self.auto_disable),
            capture: Some(self.capture),
            capture_percent: self.capture_percent,
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
    /// ACTIVE sends again, goes on with what was queued and clears what failed; INACTIVE and REVOKED stop it.
    status: Option<WebhookStatus>,
    /// Free text, at most 2,000 characters.
    description: Option<String>,
    /// The dialect, of events to come.
    payload_format: Option<PayloadFormat>,
    /// A GraphQL selection that shapes the body, of events to come; null goes back to the dialect.
    payload_query: MaybeUndefined<String>,
    /// A CEL expression over `event`: what it is not true of is not sent, from now on; null sends everything again. Saving
    /// it sets `filterErrors` to 0.
    filter: MaybeUndefined<String>,
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
    /// How fast it may be sent to, from now on; null removes the limit.
    rate_limit: MaybeUndefined<RateLimitInput>,
    /// In which order it is sent to: of what waits and of what comes. What is about to be sent goes as it was.
    ordering: Option<Ordering>,
    /// Whether it is switched off by itself when nothing has got through for five days and in fifty attempts.
    auto_disable: Option<bool>,
    /// Of which attempts the receiver's answer is kept, from now on.
    capture: Option<Capture>,
    /// Of how many of a hundred, 1 to 100, while `capture` is SAMPLE.
    capture_percent: Option<i32>,
}

impl WebhookUpdateInput {
    /// The same in core's words.
    pub fn read(self) -> Result<Patch> {
        Ok(Patch {
            topics: self.topics.map(|topics| topics.set),
            url: self.url,
            status: self.status,
            description: self.description,
            payload_format: self.payload_format,
            payload_query: self.payload_query.into(),
            filter: self.filter.into(),
            auth_type: self.auth_type,
            bearer_token: self.bearer_token,
            authorization_header: self.authorization_header,
            headers: self.headers.map(|headers| headers.plain("headers")).transpose()?,
            retry: self.retry_policy.unwrap_or_default().into(),
            timeout_ms: self.timeout_ms,
            max_in_flight: self.max_in_flight,
            rate: self.rate_limit.map_value(Rate::from).into(),
            ordering: self.ordering,
            auto_disable: self.auto_disable,
            capture: self.capture,
            capture_percent: self.capture_percent,
        })
    }
}

/// A new secret for a webhook.
#[derive(InputObject)]
pub struct SecretRotateInput {
    /// The new secret, by the rules of `createWebhook`, and another than the current one; a fresh one is made when
    /// absent.
    secret: Option<String>,
    /// For how many seconds the old secrets go on signing in `webhook-signature`, beside the new one: 0, at once, to
    /// 604,800, which is 7 days. One that would have ended earlier still does.
    #[graphql(default = 86_400)]
    grace_seconds: Option<i32>,
}

impl From<SecretRotateInput> for Rotation {
    fn from(input: SecretRotateInput) -> Self {
        Self {
            secret: input.secret,
            grace_seconds: input.grace_seconds,
        }
    }
}
