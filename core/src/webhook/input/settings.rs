//! The settings of a webhook: as given, checked, and in its row. All forms of a setting are in this file: a field of
//! [`Settings`], its check, a field of [`Checked`], its column in [`Checked::apply`], and its default in [`blank`].
//! Registering, changing and workflow stages share them.

use super::{
    captured,
    value::{Bounded, Description, RateLimit, Topics},
};
use crate::{
    Result,
    delivery::{headers, limit::Rate, retry, signer::Authorization, target_url::TargetUrl},
    payload::Query,
    secret::Keyring,
    subscribers::{SubscriberCache, filter::Condition},
    webhook::{seal, target::policy},
};
use entity::{
    AuthType, Capture, Ordering, OrganizationId, PayloadContent, PayloadFormat, ProjectId, Timestamp, UserId,
    WebhookId, WebhookStatus, WebhookTopic, webhook,
};
use serde_json::Value;
use std::sync::Arc;

/// The settings of a webhook as given; each may be absent.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The topics, at least one.
    pub topics: Option<Vec<WebhookTopic>>,
    /// The URL that deliveries are sent to.
    pub url: Option<String>,
    /// A free-form description.
    pub description: Option<String>,
    /// The payload format; Labelbox's by default.
    pub payload_format: Option<PayloadFormat>,
    /// The part of a task that a workflow stage sends; all by default.
    pub payload_content: Option<PayloadContent>,
    /// A GraphQL selection that shapes the body instead of the payload format; `Some(None)` removes it.
    pub payload_query: Option<Option<String>>,
    /// A CEL expression that selects the events to send; `Some(None)` removes it.
    pub filter: Option<Option<String>>,
    /// The authentication scheme of the deliveries; by secret by default.
    pub auth_type: Option<AuthType>,
    /// The token, for [`AuthType::Bearer`].
    pub bearer_token: Option<String>,
    /// The value of the `Authorization` header, for [`AuthType::Header`].
    pub authorization_header: Option<String>,
    /// Custom headers: an object of strings that replaces all previous ones.
    pub headers: Option<Value>,
    /// The retry policy; its fields may be absent too.
    pub retry: Retry,
    /// The timeout of one attempt in milliseconds.
    pub timeout_ms: Option<i32>,
    /// The maximum number of concurrent requests.
    pub max_in_flight: Option<i32>,
    /// The rate limit; `Some(None)` removes it.
    pub rate: Option<Option<Rate>>,
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

/// Checked [`Settings`].
pub(crate) struct Checked {
    topics: Option<Topics>,
    pub(crate) url: Option<TargetUrl>,
    description: Option<Description>,
    payload_format: Option<PayloadFormat>,
    payload_content: Option<PayloadContent>,
    payload_query: Option<Option<Query>>,
    pub(crate) filter: Option<Option<Arc<Condition>>>,
    auth_type: Option<AuthType>,
    pub(super) bearer_token: Option<Authorization>,
    pub(super) authorization_header: Option<Authorization>,
    headers: Option<headers::Custom>,
    retry: retry::Parts,
    timeout_ms: Option<Bounded<1_000, 30_000>>,
    max_in_flight: Option<Bounded<1, 256>>,
    rate: Option<Option<RateLimit>>,
    ordering: Option<Ordering>,
    auto_disable: Option<bool>,
    capture: Option<Capture>,
    capture_percent: Option<Bounded<1, 100>>,
}

impl Settings {
    /// Checks every field, the cheap ones first: a filter and a payload query take milliseconds to compile.
    pub(crate) async fn check(self, index: &SubscriberCache) -> Result<Checked> {
        let retry = self.retry;
        Ok(Checked {
            topics: self.topics.as_deref().map(Topics::parse).transpose()?,
            url: self.url.as_deref().map(TargetUrl::parse).transpose()?,
            description: self.description.map(Description::parse).transpose()?,
            payload_format: self.payload_format,
            payload_content: self.payload_content,
            auth_type: self.auth_type,
            bearer_token: self.bearer_token.map(Authorization::bearer).transpose()?,
            authorization_header: self.authorization_header.map(Authorization::header).transpose()?,
            headers: self.headers.map(headers::Custom::parse).transpose()?,
            retry: retry::Parts::parse(retry.max_attempts, retry.delays_ms.as_deref(), retry.jitter)?,
            timeout_ms: Bounded::parse("timeoutMs", self.timeout_ms)?,
            max_in_flight: Bounded::parse("maxInFlight", self.max_in_flight)?,
            rate: self.rate.map(RateLimit::parse).transpose()?,
            ordering: self.ordering,
            auto_disable: self.auto_disable,
            capture: self.capture,
            capture_percent: Bounded::parse(captured::FIELD, self.capture_percent)?,
            filter: match self.filter {
                Some(source) => Some(Condition::compile(source.as_deref(), index.limits()).await?),
                None => None,
            },
            payload_query: match self.payload_query {
                Some(text) => Some(index.compile_query(text.as_deref()).await?),
                None => None,
            },
        })
    }
}

impl Checked {
    /// Writes the given settings into the row; the other columns keep their values.
    pub(crate) fn apply(&self, row: &mut webhook::Model, keyring: &Keyring) -> Result<()> {
        set(&mut row.topics, self.topics.as_ref().map(Topics::json));
        set(&mut row.url, self.url.as_ref().map(|url| url.as_str().to_owned()));
        set(
            &mut row.description,
            self.description.clone().map(Description::into_column),
        );
        set(&mut row.payload_format, self.payload_format);
        set(&mut row.payload_content, self.payload_content);
        set(&mut row.payload_query, text(&self.payload_query, Query::text));
        set(&mut row.filter, text(&self.filter, |filter| filter.source()));
        set(&mut row.timeout_ms, self.timeout_ms.map(Bounded::get));
        set(&mut row.max_in_flight, self.max_in_flight.map(Bounded::get));
        let rate = self.rate.map(RateLimit::columns);
        set(&mut row.rate_requests, rate.map(|(requests, _)| requests));
        set(&mut row.rate_per_ms, rate.map(|(_, per_ms)| per_ms));
        set(&mut row.ordering, self.ordering);
        set(&mut row.auto_disable, self.auto_disable);
        captured::change(row, self.capture, self.capture_percent)?;
        self.apply_retry(row)?;
        self.apply_headers(row, keyring);
        self.authorize(row, self.auth_type, keyring)
    }

    /// Returns the compiled filter that is given, if any.
    pub(crate) fn condition(&self) -> Option<Arc<Condition>> {
        self.filter.clone().flatten()
    }

    fn apply_retry(&self, row: &mut webhook::Model) -> Result<()> {
        if self.retry != retry::Parts::default() {
            set_policy(row, &self.retry.over(policy(row)?));
        }
        Ok(())
    }

    fn apply_headers(&self, row: &mut webhook::Model, keyring: &Keyring) {
        if let Some(headers) = &self.headers {
            let given = Some(headers).filter(|headers| !headers.is_empty());
            row.header_names = given.map(headers::Custom::names);
            row.headers = given.map(|headers| keyring.seal(&seal::headers(row.id), headers.json().as_bytes()));
        }
    }
}

fn set<T>(column: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *column = value;
    }
}

fn text<T>(given: &Option<Option<T>>, read: impl Fn(&T) -> &str) -> Option<Option<String>> {
    given
        .as_ref()
        .map(|given| given.as_ref().map(|given| read(given).to_owned()))
}

fn set_policy(row: &mut webhook::Model, policy: &retry::Policy) {
    row.max_attempts = i32::try_from(policy.max_attempts).unwrap_or(i32::MAX);
    let delays: Vec<u64> = policy
        .delays
        .iter()
        .map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX))
        .collect();
    row.delays_ms = serde_json::to_string(&delays).expect("a list of numbers always serializes");
    row.jitter = policy.jitter;
}

/// Returns a new row with the default of every setting, and without URL and topics.
pub(crate) fn blank(
    organization_id: OrganizationId,
    project_id: Option<ProjectId>,
    created_by: Option<UserId>,
    now: Timestamp,
) -> webhook::Model {
    let mut row = webhook::Model {
        id: WebhookId::new(),
        organization_id,
        project_id,
        stage_id: None,
        url: String::new(),
        topics: String::new(),
        status: WebhookStatus::Active,
        status_reason: None,
        description: None,
        payload_format: PayloadFormat::Labelbox,
        payload_content: PayloadContent::Full,
        payload_query: None,
        filter: None,
        auth_type: AuthType::Secret,
        authorization: None,
        headers: None,
        header_names: None,
        max_attempts: 0,
        delays_ms: String::new(),
        jitter: 0.0,
        timeout_ms: 15_000,
        max_in_flight: 32,
        rate_requests: None,
        rate_per_ms: None,
        ordering: Ordering::default(),
        auto_disable: true,
        listener: false,
        listener_node: None,
        listener_seen_at: None,
        capture: Capture::default(),
        capture_percent: None,
        created_by,
        created_at: now,
        updated_at: now,
    };
    set_policy(&mut row, &retry::Policy::default());
    row
}
