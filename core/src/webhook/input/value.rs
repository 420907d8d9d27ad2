//! The checked values of a webhook's settings that only this module needs.

use crate::{Error, Result, delivery::limit::Rate};
use entity::WebhookTopic;

/// The maximum number of characters of a description.
const DESCRIPTION: usize = 2_000;

/// Topics in the order given: at least one, without duplicates.
pub(super) struct Topics(Vec<WebhookTopic>);

impl Topics {
    pub(super) fn parse(given: &[WebhookTopic]) -> Result<Self> {
        if given.is_empty() {
            return Err(Error::invalid("topics", "must name at least one topic"));
        }
        let mut topics = Vec::new();
        for topic in given {
            if !topics.contains(topic) {
                topics.push(*topic);
            }
        }
        Ok(Self(topics))
    }

    /// Returns the list as JSON text, which its column stores.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(&self.0).expect("a list of words always serializes")
    }
}

/// A free-form description of bounded length that every database can store.
#[derive(Clone)]
pub(super) struct Description(String);

impl Description {
    pub(super) fn parse(text: String) -> Result<Self> {
        let refuse = |reason: String| Err(Error::invalid("description", reason));
        if text.chars().count() > DESCRIPTION {
            return refuse(format!("must have at most {DESCRIPTION} characters"));
        }
        if text.contains('\0') {
            return refuse("must not contain NUL".into());
        }
        Ok(Self(text))
    }

    pub(super) fn into_column(self) -> Option<String> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

/// A number from `LOW` to `HIGH`.
#[derive(Clone, Copy)]
pub(super) struct Bounded<const LOW: i32, const HIGH: i32>(i32);

impl<const LOW: i32, const HIGH: i32> Bounded<LOW, HIGH> {
    /// Parses a number that may be absent. The error names `field`.
    pub(super) fn parse(field: &str, given: Option<i32>) -> Result<Option<Self>> {
        given.map(|number| Self::read(field, number)).transpose()
    }

    pub(super) fn get(self) -> i32 {
        self.0
    }

    fn read(field: &str, number: i32) -> Result<Self> {
        match (LOW..=HIGH).contains(&number) {
            true => Ok(Self(number)),
            false => Err(Error::invalid(field, format!("must be from {LOW} to {HIGH}"))),
        }
    }
}

/// A rate limit, or none.
#[derive(Clone, Copy)]
pub(super) struct RateLimit {
    requests: Bounded<1, 100_000>,
    per_ms: Bounded<1, 3_600_000>,
}

impl RateLimit {
    /// Parses a rate limit; `None` is none.
    pub(super) fn parse(given: Option<Rate>) -> Result<Option<Self>> {
        let Some(rate) = given else { return Ok(None) };
        Ok(Some(Self {
            requests: Bounded::read("rateLimit.requests", rate.requests)?,
            per_ms: Bounded::read("rateLimit.perMs", rate.per_ms)?,
        }))
    }

    /// Returns the columns `rate_requests` and `rate_per_ms`.
    pub(super) fn columns(limit: Option<Self>) -> (Option<i32>, Option<i32>) {
        (
            limit.map(|limit| limit.requests.get()),
            limit.map(|limit| limit.per_ms.get()),
        )
    }
}
