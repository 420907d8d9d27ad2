//! Inputs that register or change a webhook.

use async_graphql::{InputObject, MaybeUndefined};
use entity::{AuthType, Capture, Ordering, PayloadFormat, WebhookStatus, WebhookTopic};
use labelhook_core::delivery::{limit::Rate, signer::secret};
use labelhook_core::webhook::{New, Patch, Retry, Rotation, Settings};

use super::super::{
    error::Result,
    input::{WhereUniqueInput, emptied, given},
    json::Json,
};

/// A list of topics.
#[derive(InputObject)]
pub struct TopicListInput {
    /// The topics, at least one. They replace the previous ones.
    set: Vec<WebhookTopic>,
}

/// The retry policy of failed deliveries. An absent field has its default, or keeps its value in an update.
#[derive(InputObject, Default)]
pub struct RetryPolicyInput {
    /// The maximum number of requests for a notification, including the first: 1 to 50. Default 10.
    max_attempts: MaybeUndefined<i32>,
    /// The delays in milliseconds before the second, third, … request, each at most 7 days; the last one repeats.
    /// Default 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
    delays_ms: MaybeUndefined<Vec<i64>>,
    /// Random jitter: the maximum deviation of a delay, as a fraction of it: 0 to 1. Default 0.2.
    jitter: MaybeUndefined<f64>,
}

impl RetryPolicyInput {
    /// Returns the policy of a new webhook: null is the default.
    pub fn of_new(self) -> Retry {
        Retry {
            max_attempts: self.max_attempts.take(),
            delays_ms: self.delays_ms.take(),
            jitter: self.jitter.take(),
        }
    }

    /// Returns what is to change of a policy.
    fn change(self) -> Result<Retry> {
        Ok(Retry {
            max_attempts: given("retryPolicy.maxAttempts", self.max_attempts)?,
            delays_ms: given("retryPolicy.delaysMs", self.delays_ms)?,
            jitter: given("retryPolicy.jitter", self.jitter)?,
        })
    }
}

/// The rate limit of a webhook: a token bucket that holds `requests` tokens and is refilled evenly within `perMs`.
#[derive(InputObject)]
pub struct RateLimitInput {
    /// The maximum number of requests in the period, which is also the maximum burst: 1 to 100,000.
    requests: i32,
    /// The period in milliseconds: 1 to 3,600,000.
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

/// A new webhook.
#[derive(InputObject)]
pub struct WebhookCreateInput {
    /// The project whose events are sent. When absent, all events of the organization are sent.
    project: Option<WhereUniqueInput>,
    /// The topics to subscribe to, at least one.
    topics: TopicListInput,
    /// The URL that deliveries are sent to: http or https, with a host, without credentials and fragment, at most 2,048
    /// characters.
    url: String,
    /// The secret that signs the deliveries, at most 1,024 bytes; required when `authType` is SECRET. A secret that
    /// starts with `whsec_` must have base64 of 24 to 64 bytes after the prefix, as the Standard Webhooks specification
    /// requires.
    secret: Option<String>,
    /// A free-form description, at most 2,000 characters.
    description: Option<String>,
    /// The payload format.
    #[graphql(default_with = "PayloadFormat::Labelbox")]
    payload_format: PayloadFormat,
    /// A GraphQL selection on the event, such as `{ id topic project { id name } data }`: its result is the body,
    /// instead of the payload format's. `payload.graphql` lists the fields. At most 4,096 bytes, 200 fields, 8 levels.
    payload_query: Option<String>,
    /// A CEL expression over `event`, such as `event.data.label.secondsToLabel > 10.0`: only events for which it is
    /// true are sent. At most 2,048 bytes.
    filter: Option<String>,
    /// The authentication scheme of the deliveries.
    #[graphql(default_with = "AuthType::Secret")]
    auth_type: AuthType,
    /// The token of `Authorization: Bearer`, for `authType` BEARER.
    bearer_token: Option<String>,
    /// The value of the `Authorization` header, for `authType` HEADER.
    authorization_header: Option<String>,
    /// Custom headers: an object of strings, at most 32. They cannot replace headers that the service sets, `Host`,
    /// `Content-*` or hop-by-hop headers.
    headers: Option<Json>,
    /// The retry policy of failed deliveries.
    retry_policy: Option<RetryPolicyInput>,
    /// The timeout of one attempt in milliseconds: 1,000 to 30,000. Default 15,000.
    timeout_ms: Option<i32>,
    /// The maximum number of concurrent requests: 1 to 256. Default 32.
    max_in_flight: Option<i32>,
    /// The rate limit; no limit when absent. A notification that waits for the rate limit does not use up an attempt.
    rate_limit: Option<RateLimitInput>,
    /// The order in which notifications are sent. With an order, a notification that waits for a retry holds up those
    /// after it.
    #[graphql(default_with = "Ordering::None")]
    ordering: Ordering,
    /// True disables the webhook automatically (REVOKED) when nothing was delivered for five days and in fifty
    /// attempts. A WEBHOOK_FAILING event warns at least one day before.
    #[graphql(default = true)]
    auto_disable: bool,
    /// The attempts whose response is stored.
    #[graphql(default_with = "Capture::Full")]
    capture: Capture,
    /// For `capture` SAMPLE, and required then: the percentage of notifications whose successful responses are stored,
    /// 1 to 100.
    capture_percent: Option<i32>,
}

impl WebhookCreateInput {
    /// Returns the secret in the form that is shown once, when deliveries will be signed with it.
    pub fn signing_secret(&self) -> Option<String> {
        let typed = self.secret.as_deref().filter(|secret| !secret.is_empty());
        typed
            .filter(|_| self.auth_type != AuthType::None)
            .map(secret::whsec_form)
    }

    /// Parses the input into the type that `labelhook_core` takes.
    pub fn read(self) -> Result<New> {
        Ok(New {
            project_id: self.project.map(|project| project.id.0),
            secret: self.secret,
            settings: Settings {
                topics: Some(self.topics.set),
                url: Some(self.url),
                description: self.description,
                payload_format: Some(self.payload_format),
                payload_query: Some(self.payload_query),
                filter: Some(self.filter),
                auth_type: Some(self.auth_type),
                bearer_token: self.bearer_token,
                authorization_header: self.authorization_header,
                headers: self.headers.map(|headers| headers.plain("headers")).transpose()?,
                retry: self.retry_policy.unwrap_or_default().of_new(),
                timeout_ms: self.timeout_ms,
                max_in_flight: self.max_in_flight,
                rate: Some(self.rate_limit.map(Rate::from)),
                ordering: Some(self.ordering),
                auto_disable: Some(self.auto_disable),
                capture: Some(self.capture),
                capture_percent: self.capture_percent,
                ..Settings::default()
            },
        })
    }
}

/// The fields of a webhook to change. Absent fields keep their value.
#[derive(InputObject)]
pub struct WebhookUpdateInput {
    /// The topics to subscribe to, at least one.
    topics: MaybeUndefined<TopicListInput>,
    /// The URL that deliveries are sent to.
    url: MaybeUndefined<String>,
    /// The new status. ACTIVE resumes sending, continues with queued notifications and resets the health; INACTIVE and
    /// REVOKED stop sending.
    status: MaybeUndefined<WebhookStatus>,
    /// A free-form description, at most 2,000 characters; null removes it.
    description: MaybeUndefined<String>,
    /// The payload format of future events.
    payload_format: MaybeUndefined<PayloadFormat>,
    /// A GraphQL selection that shapes the body of future events; null returns to the payload format.
    payload_query: MaybeUndefined<String>,
    /// A CEL expression over `event`: from now on, only events for which it is true are sent; null sends every event
    /// again. Saving it sets `filterErrors` to 0.
    filter: MaybeUndefined<String>,
    /// The authentication scheme of the deliveries.
    auth_type: MaybeUndefined<AuthType>,
    /// The token of `Authorization: Bearer`, for `authType` BEARER.
    bearer_token: MaybeUndefined<String>,
    /// The value of the `Authorization` header, for `authType` HEADER.
    authorization_header: MaybeUndefined<String>,
    /// Custom headers: an object of strings that replaces all previous ones; `{}` removes them.
    headers: MaybeUndefined<Json>,
    /// The retry policy of failed deliveries. Absent fields keep their value.
    retry_policy: MaybeUndefined<RetryPolicyInput>,
    /// The timeout of one attempt in milliseconds: 1,000 to 30,000.
    timeout_ms: MaybeUndefined<i32>,
    /// The maximum number of concurrent requests: 1 to 256.
    max_in_flight: MaybeUndefined<i32>,
    /// The rate limit from now on; null removes it.
    rate_limit: MaybeUndefined<RateLimitInput>,
    /// The order in which waiting and future notifications are sent. Notifications that are about to be sent keep the
    /// old order.
    ordering: MaybeUndefined<Ordering>,
    /// True disables the webhook automatically when nothing was delivered for five days and in fifty attempts.
    auto_disable: MaybeUndefined<bool>,
    /// The attempts whose response is stored, from now on.
    capture: MaybeUndefined<Capture>,
    /// The percentage of notifications whose successful responses are stored, 1 to 100, while `capture` is SAMPLE.
    capture_percent: MaybeUndefined<i32>,
}

impl WebhookUpdateInput {
    /// Parses the input into the type that `labelhook_core` takes.
    pub fn read(self) -> Result<Patch> {
        Ok(Patch {
            status: given("status", self.status)?,
            settings: Settings {
                topics: given("topics", self.topics)?.map(|topics| topics.set),
                url: given("url", self.url)?,
                description: emptied(self.description),
                payload_format: given("payloadFormat", self.payload_format)?,
                payload_query: self.payload_query.into(),
                filter: self.filter.into(),
                auth_type: given("authType", self.auth_type)?,
                bearer_token: given("bearerToken", self.bearer_token)?,
                authorization_header: given("authorizationHeader", self.authorization_header)?,
                headers: given("headers", self.headers)?
                    .map(|headers| headers.plain("headers"))
                    .transpose()?,
                retry: given("retryPolicy", self.retry_policy)?.unwrap_or_default().change()?,
                timeout_ms: given("timeoutMs", self.timeout_ms)?,
                max_in_flight: given("maxInFlight", self.max_in_flight)?,
                rate: self.rate_limit.map_value(Rate::from).into(),
                ordering: given("ordering", self.ordering)?,
                auto_disable: given("autoDisable", self.auto_disable)?,
                capture: given("capture", self.capture)?,
                capture_percent: given("capturePercent", self.capture_percent)?,
                ..Settings::default()
            },
        })
    }
}

/// The rotation of a webhook's secret.
#[derive(InputObject)]
pub struct SecretRotateInput {
    /// The new secret, by the rules of `createWebhook`; it must differ from the current one. When absent, one is
    /// generated.
    secret: Option<String>,
    /// The grace period in seconds during which the old secrets also sign `webhook-signature`: 0 (none) to 604,800 (7
    /// days). An old secret that expires earlier still does.
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
