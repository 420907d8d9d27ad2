//! Inputs that register or change a webhook, validated field by field. Pure except for the sealing of secrets.

mod captured;
mod patch;
#[cfg(test)]
mod tests;

pub use patch::Patch;

use super::target::seal;
use crate::{
    Error, Result,
    auth::Actor,
    delivery::{
        headers,
        limit::Rate,
        retry::{self, Policy},
        signer::{self, secret},
        target_url::TargetUrl,
    },
    secret::Keyring,
};
use entity::{
    AuthType, Capture, Ordering, PayloadContent, PayloadFormat, ProjectId, Timestamp, WebhookId, WebhookStatus,
    WebhookTopic, webhook,
};
use serde_json::Value;
use std::ops::RangeInclusive;

const TIMEOUT_MS: RangeInclusive<i32> = 1_000..=30_000;
pub(crate) const DEFAULT_TIMEOUT_MS: i32 = 15_000;
const IN_FLIGHT: RangeInclusive<i32> = 1..=256;
pub(crate) const DEFAULT_IN_FLIGHT: i32 = 32;
const RATE_REQUESTS: RangeInclusive<i32> = 1..=100_000;
const RATE_PER_MS: RangeInclusive<i32> = 1..=3_600_000;
const DESCRIPTION: usize = 2_000;

/// The fields of a new webhook.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The project; none: all events of the organization.
    pub project_id: Option<String>,
    /// The topics, at least one.
    pub topics: Vec<WebhookTopic>,
    /// The URL that deliveries are sent to.
    pub url: String,
    /// The secret that signs; required for [`AuthType::Secret`].
    pub secret: Option<String>,
    /// A free-form description.
    pub description: Option<String>,
    /// The payload format; Labelbox's by default.
    pub payload_format: Option<PayloadFormat>,
    /// A GraphQL selection that shapes the body instead of the payload format.
    pub payload_query: Option<String>,
    /// A CEL expression that selects the events to send.
    pub filter: Option<String>,
    /// The authentication scheme of the deliveries; by secret by default.
    pub auth_type: Option<AuthType>,
    /// The token, for [`AuthType::Bearer`].
    pub bearer_token: Option<String>,
    /// The value of the `Authorization` header, for [`AuthType::Header`].
    pub authorization_header: Option<String>,
    /// Custom headers: an object of strings.
    pub headers: Option<Value>,
    /// The retry policy; absent fields have their default.
    pub retry: Retry,
    /// The timeout of one attempt in milliseconds.
    pub timeout_ms: Option<i32>,
    /// The maximum number of concurrent requests.
    pub max_in_flight: Option<i32>,
    /// The rate limit; none by default.
    pub rate: Option<Rate>,
    /// The delivery order; none by default.
    pub ordering: Option<Ordering>,
    /// True disables the webhook automatically when nothing is delivered for days; the default.
    pub auto_disable: Option<bool>,
    /// The attempts whose response is stored; all by default.
    pub capture: Option<Capture>,
    /// The percentage of stored successful responses, for [`Capture::Sample`].
    pub capture_percent: Option<i32>,
}

/// Parts of a retry policy; absent ones have the default, or keep their value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retry {
    /// The maximum number of requests, including the first.
    pub max_attempts: Option<i32>,
    /// The delays in milliseconds before the second, third, … request.
    pub delays_ms: Option<Vec<i64>>,
    /// Jitter: the maximum random deviation of a delay, as a fraction of it.
    pub jitter: Option<f64>,
}

/// A validated [`New`].
pub(crate) struct Draft {
    pub project_id: Option<String>,
    pub secret: Option<String>,
    pub(crate) new: New,
    pub(crate) auth_type: AuthType,
    pub(crate) authorization: Option<String>,
    pub(crate) policy: Policy,
}

impl New {
    pub(crate) fn check(mut self) -> Result<Draft> {
        self.topics = topics(&self.topics)?;
        TargetUrl::parse(&self.url)?;
        description(self.description.as_deref())?;
        self.headers.as_ref().map(headers::check_custom).transpose()?;
        within("timeoutMs", self.timeout_ms, TIMEOUT_MS)?;
        within("maxInFlight", self.max_in_flight, IN_FLIGHT)?;
        rate(self.rate)?;
        captured::check(self.capture.unwrap_or_default(), self.capture_percent)?;
        let auth_type = self.auth_type.unwrap_or(AuthType::Secret);
        let secret = self
            .secret
            .take()
            .filter(|secret| auth_type == AuthType::Secret || !secret.is_empty());
        match &secret {
            Some(given) => secret::check(given)?,
            None if auth_type == AuthType::Secret => return Err(Error::invalid("secret", "must not be empty")),
            None => {}
        }
        let authorization = authorization(auth_type, self.bearer_token.take(), self.authorization_header.take())?;
        if authorization.is_none() && matches!(auth_type, AuthType::Bearer | AuthType::Header) {
            return Err(missing(auth_type));
        }
        let policy = std::mem::take(&mut self.retry).over(Policy::default())?;
        Ok(Draft {
            project_id: self.project_id.take(),
            secret,
            new: self,
            auth_type,
            authorization,
            policy,
        })
    }
}

impl Draft {
    pub(crate) fn into_row(
        self,
        actor: &Actor,
        project_id: Option<ProjectId>,
        keyring: &Keyring,
        now: Timestamp,
    ) -> webhook::Model {
        let Self {
            new,
            auth_type,
            authorization,
            policy,
            ..
        } = self;
        let mut row = webhook::Model {
            id: WebhookId::new(),
            organization_id: actor.organization_id,
            project_id,
            stage_id: None,
            url: new.url,
            topics: json(&new.topics),
            status: WebhookStatus::Active,
            status_reason: None,
            description: new.description,
            payload_format: new.payload_format.unwrap_or(PayloadFormat::Labelbox),
            payload_content: PayloadContent::Full,
            payload_query: new.payload_query,
            filter: new.filter,
            auth_type,
            authorization: None,
            headers: None,
            header_names: None,
            max_attempts: 0,
            delays_ms: String::new(),
            jitter: 0.0,
            timeout_ms: new.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS),
            max_in_flight: new.max_in_flight.unwrap_or(DEFAULT_IN_FLIGHT),
            rate_requests: new.rate.map(|rate| rate.requests),
            rate_per_ms: new.rate.map(|rate| rate.per_ms),
            ordering: new.ordering.unwrap_or_default(),
            auto_disable: new.auto_disable.unwrap_or(true),
            listener: false,
            listener_node: None,
            listener_seen_at: None,
            capture: new.capture.unwrap_or_default(),
            capture_percent: new.capture_percent,
            created_by: Some(actor.user_id),
            created_at: now,
            updated_at: now,
        };
        set_policy(&mut row, &policy);
        set_headers(&mut row, new.headers.as_ref(), keyring);
        row.authorization = authorization.map(|text| keyring.seal(&seal::authorization(row.id), text.as_bytes()));
        row
    }
}

impl Retry {
    fn over(self, base: Policy) -> Result<Policy> {
        let given = retry::check(self.max_attempts, self.delays_ms.clone(), self.jitter)?;
        Ok(Policy {
            max_attempts: self.max_attempts.map_or(base.max_attempts, |_| given.max_attempts),
            delays: self.delays_ms.map_or(base.delays, |_| given.delays),
            jitter: self.jitter.map_or(base.jitter, |_| given.jitter),
        })
    }
}

/// Removes duplicate topics and keeps the order given.
fn topics(given: &[WebhookTopic]) -> Result<Vec<WebhookTopic>> {
    if given.is_empty() {
        return Err(Error::invalid("topics", "must name at least one topic"));
    }
    let mut topics = Vec::new();
    for topic in given {
        if !topics.contains(topic) {
            topics.push(*topic);
        }
    }
    Ok(topics)
}

fn description(text: Option<&str>) -> Result<()> {
    match text {
        Some(text) if text.chars().count() > DESCRIPTION => Err(Error::invalid(
            "description",
            format!("must have at most {DESCRIPTION} characters"),
        )),
        Some(text) if text.contains('\0') => Err(Error::invalid("description", "must not contain NUL")),
        _ => Ok(()),
    }
}

/// Returns the token or value to seal, when the scheme needs one and it is given.
fn authorization(auth_type: AuthType, token: Option<String>, header: Option<String>) -> Result<Option<String>> {
    let unused = |field: &str, needed: AuthType| {
        let reason = format!("is used only when authType is {}", needed.as_str());
        Err(Error::invalid(field, reason))
    };
    match (auth_type, token, header) {
        (AuthType::Bearer, Some(token), None) => Ok(signer::bearer("bearerToken", &token).map(|_| Some(token))?),
        (AuthType::Header, None, Some(value)) => Ok(signer::free("authorizationHeader", &value).map(|_| Some(value))?),
        (_, None, None) => Ok(None),
        (AuthType::Bearer, _, Some(_)) | (_, None, Some(_)) => unused("authorizationHeader", AuthType::Header),
        (_, Some(_), _) => unused("bearerToken", AuthType::Bearer),
    }
}

fn missing(auth_type: AuthType) -> Error {
    let field = if auth_type == AuthType::Bearer {
        "bearerToken"
    } else {
        "authorizationHeader"
    };
    Error::invalid(field, format!("is required when authType is {}", auth_type.as_str()))
}

fn within(field: &str, value: Option<i32>, range: RangeInclusive<i32>) -> Result<Option<i32>> {
    match value {
        Some(value) if !range.contains(&value) => Err(Error::invalid(
            field,
            format!("must be from {} to {}", range.start(), range.end()),
        )),
        _ => Ok(value),
    }
}

fn rate(given: Option<Rate>) -> Result<()> {
    within("rateLimit.requests", given.map(|rate| rate.requests), RATE_REQUESTS)?;
    within("rateLimit.perMs", given.map(|rate| rate.per_ms), RATE_PER_MS)?;
    Ok(())
}

fn set_policy(row: &mut webhook::Model, policy: &Policy) {
    row.max_attempts = i32::try_from(policy.max_attempts).unwrap_or(i32::MAX);
    let delays: Vec<u64> = policy
        .delays
        .iter()
        .map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX))
        .collect();
    row.delays_ms = json(&delays);
    row.jitter = policy.jitter;
}

fn set_headers(row: &mut webhook::Model, headers: Option<&Value>, keyring: &Keyring) {
    let given = headers.and_then(Value::as_object).filter(|headers| !headers.is_empty());
    row.header_names = given.map(|headers| json(&headers.keys().collect::<Vec<_>>()));
    row.headers = given.map(|headers| keyring.seal(&seal::headers(row.id), json(headers).as_bytes()));
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("lists and objects of plain values always serialise")
}
