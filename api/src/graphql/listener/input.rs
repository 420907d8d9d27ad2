//! What is given to make a listener, and to answer a delivery.

use async_graphql::{ID, InputObject};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use entity::{AttemptErrorKind, PayloadFormat, WebhookTopic};
use labelhook_core::{listener::Answer, webhook::New};

use super::super::{
    error::{ApiError, Result},
    input::WhereUniqueInput,
    json::Json,
    webhook::RetryPolicyInput,
};

/// A listener to make: its webhook is signed, and ordinary in everything but where its deliveries go.
#[derive(InputObject)]
pub struct ListenerCreateInput {
    /// Where the listener posts what it is handed: shown and recorded, never called by the server. By the rules of
    /// `createWebhook`.
    url: String,
    /// The project whose events are sent; leave it out for all events of the organization.
    project: Option<WhereUniqueInput>,
    /// What to send; everything that labels, reviews and tasks cause when absent.
    topics: Option<Vec<WebhookTopic>>,
    /// What signs the deliveries, by the rules of `createWebhook`; a fresh one is made when absent.
    secret: Option<String>,
    /// The dialect.
    #[graphql(default_with = "PayloadFormat::Labelbox")]
    payload_format: PayloadFormat,
    /// A GraphQL selection in the dialect's place, as of `createWebhook`.
    payload_query: Option<String>,
    /// A CEL expression that is true of what is sent, as of `createWebhook`.
    filter: Option<String>,
    /// Custom headers: an object of strings, as of `createWebhook`.
    headers: Option<Json>,
    /// When to try a failed delivery again.
    retry_policy: Option<RetryPolicyInput>,
    /// How long an answer is waited for, in milliseconds: 1,000 to 30,000. Default 15,000.
    timeout_ms: Option<i32>,
    /// Deliveries at the same time at most: 1 to 256. Default 32.
    max_in_flight: Option<i32>,
}

impl ListenerCreateInput {
    /// The same in core's words.
    pub fn read(self) -> Result<New> {
        Ok(New {
            project_id: self.project.map(|project| project.id.0),
            topics: self.topics.unwrap_or_default(),
            url: self.url,
            secret: self.secret,
            description: Some("a listener's, removed with it".into()),
            payload_format: Some(self.payload_format),
            payload_query: self.payload_query,
            filter: self.filter,
            headers: self.headers.map(|headers| headers.plain("headers")).transpose()?,
            retry: self.retry_policy.unwrap_or_default().into(),
            timeout_ms: self.timeout_ms,
            max_in_flight: self.max_in_flight,
            ..New::default()
        })
    }
}

/// What came of a delivery: what the local server answered, why it did not, or both when its answer broke off.
#[derive(InputObject)]
pub struct DeliveryAnswerInput {
    /// The id of the delivery.
    delivery: ID,
    /// The HTTP status: 100 to 999. Required unless there is an error.
    status: Option<i32>,
    /// The headers of the answer: at most 200, and 64 KiB together.
    headers: Option<Vec<HeaderInput>>,
    /// The first 64 KiB of its body; cut it there, and say so with `bodyTruncated`.
    body: Option<String>,
    /// Whether `body` is base64, for bytes that are not UTF-8.
    #[graphql(default = false)]
    body_is_base64: bool,
    /// Whether there was more of the body.
    #[graphql(default = false)]
    body_truncated: bool,
    /// Why there was no usable answer.
    error: Option<DeliveryErrorInput>,
}

impl DeliveryAnswerInput {
    /// The delivery, and what core is told of it.
    pub fn read(self) -> Result<(ID, Answer)> {
        let body = match self.body {
            Some(text) if self.body_is_base64 => {
                let decoded = STANDARD.decode(text);
                Bytes::from(decoded.map_err(|_| ApiError::invalid("body", "is not padded base64"))?)
            }
            text => text.unwrap_or_default().into(),
        };
        let headers = self.headers.unwrap_or_default().into_iter();
        let answer = Answer {
            status: self.status,
            headers: headers.map(|header| (header.name, header.value)).collect(),
            body,
            truncated: self.body_truncated,
            error: self.error.map(|error| (error.kind, error.message.unwrap_or_default())),
        };
        Ok((self.delivery, answer))
    }
}

/// One header.
#[derive(InputObject)]
pub struct HeaderInput {
    /// Its name.
    name: String,
    /// Its value.
    value: String,
}

/// Why there was no usable answer.
#[derive(InputObject)]
pub struct DeliveryErrorInput {
    /// The kind: DNS, CONNECT, TLS, TIMEOUT, REDIRECT, PROTOCOL or BODY_TOO_LARGE.
    kind: AttemptErrorKind,
    /// The same in words, for people; cut after 500 characters.
    message: Option<String>,
}
