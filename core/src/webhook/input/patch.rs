//! The input of changing a webhook.

use super::{
    IN_FLIGHT, Retry, TIMEOUT_MS, authorization, captured, description, json, missing, rate, set_headers, set_policy,
    topics, within,
};
use crate::{
    Result,
    delivery::{headers, limit::Rate, target_url::TargetUrl},
    secret::Keyring,
    webhook::target::{policy, seal},
};
use entity::{AuthType, Capture, Ordering, PayloadFormat, Timestamp, WebhookStatus, WebhookTopic, webhook};
use serde_json::Value;

/// The fields of a webhook to change; absent ones keep their value.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// The topics, at least one.
    pub topics: Option<Vec<WebhookTopic>>,
    /// The URL that deliveries are sent to.
    pub url: Option<String>,
    /// The status.
    pub status: Option<WebhookStatus>,
    /// A free-form description.
    pub description: Option<String>,
    /// The payload format.
    pub payload_format: Option<PayloadFormat>,
    /// A GraphQL selection that shapes the body instead of the payload format; `Some(None)` removes it.
    pub payload_query: Option<Option<String>>,
    /// A CEL expression that selects the events to send; `Some(None)` removes it.
    pub filter: Option<Option<String>>,
    /// The authentication scheme of the deliveries.
    pub auth_type: Option<AuthType>,
    /// The token, for [`AuthType::Bearer`].
    pub bearer_token: Option<String>,
    /// The header's value, for [`AuthType::Header`].
    pub authorization_header: Option<String>,
    /// Custom headers: an object of strings that replaces all previous ones.
    pub headers: Option<Value>,
    /// The retry policy; absent fields keep their value.
    pub retry: Retry,
    /// The timeout of one attempt in milliseconds.
    pub timeout_ms: Option<i32>,
    /// The maximum number of concurrent requests.
    pub max_in_flight: Option<i32>,
    /// The rate limit; `Some(None)` removes it.
    pub rate: Option<Option<Rate>>,
    /// The delivery order.
    pub ordering: Option<Ordering>,
    /// True disables the webhook automatically when nothing is delivered for days.
    pub auto_disable: Option<bool>,
    /// The attempts whose response is stored.
    pub capture: Option<Capture>,
    /// The percentage of stored successful responses, for [`Capture::Sample`].
    pub capture_percent: Option<i32>,
}

impl Patch {
    /// Returns the changed row; none when nothing changes.
    pub(crate) fn apply(
        mut self,
        row: &webhook::Model,
        keyring: &Keyring,
        now: Timestamp,
    ) -> Result<Option<webhook::Model>> {
        let mut changed = row.clone();
        if let Some(given) = &self.topics {
            changed.topics = json(&topics(given)?);
        }
        if let Some(url) = self.url {
            TargetUrl::parse(&url)?;
            changed.url = url;
        }
        if let Some(status) = self.status {
            changed.status = status;
            changed.status_reason = (status == WebhookStatus::Revoked)
                .then(|| row.status_reason.clone().unwrap_or("revoked by a person".into()));
        }
        description(self.description.as_deref())?;
        changed.description = self.description.or(changed.description);
        changed.payload_format = self.payload_format.unwrap_or(changed.payload_format);
        changed.payload_query = self.payload_query.unwrap_or(changed.payload_query);
        changed.filter = self.filter.unwrap_or(changed.filter);
        if let Some(headers) = &self.headers {
            headers::check_custom(headers)?;
            set_headers(&mut changed, Some(headers), keyring);
        }
        changed.timeout_ms = within("timeoutMs", self.timeout_ms, TIMEOUT_MS)?.unwrap_or(changed.timeout_ms);
        changed.max_in_flight = within("maxInFlight", self.max_in_flight, IN_FLIGHT)?.unwrap_or(changed.max_in_flight);
        if let Some(given) = self.rate {
            rate(given)?;
            changed.rate_requests = given.map(|rate| rate.requests);
            changed.rate_per_ms = given.map(|rate| rate.per_ms);
        }
        changed.ordering = self.ordering.unwrap_or(changed.ordering);
        changed.auto_disable = self.auto_disable.unwrap_or(changed.auto_disable);
        captured::change(&mut changed, self.capture, self.capture_percent)?;
        if self.retry != Retry::default() {
            let policy = std::mem::take(&mut self.retry).over(policy(row)?)?;
            set_policy(&mut changed, &policy);
        }
        changed.auth_type = self.auth_type.unwrap_or(row.auth_type);
        let given = authorization(changed.auth_type, self.bearer_token, self.authorization_header)?;
        authorize(&mut changed, row, given, keyring)?;
        if changed == *row {
            return Ok(None);
        }
        changed.updated_at = now;
        Ok(Some(changed))
    }
}

/// Keeps a stored token while the authentication scheme stays; requires one when the scheme changes to one that needs
/// it.
fn authorize(
    changed: &mut webhook::Model,
    row: &webhook::Model,
    given: Option<String>,
    keyring: &Keyring,
) -> Result<()> {
    if let Some(text) = given {
        changed.authorization = Some(keyring.seal(&seal::authorization(row.id), text.as_bytes()));
    } else if changed.auth_type != row.auth_type {
        if matches!(changed.auth_type, AuthType::Bearer | AuthType::Header) {
            return Err(missing(changed.auth_type));
        }
        changed.authorization = None;
    }
    Ok(())
}
