//! Inputs that create a listener and answer a delivery.

use async_graphql::{ID, InputObject};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use entity::{AttemptErrorKind, PayloadFormat, WebhookTopic};
use labelhook_core::{
    listener::Answer,
    webhook::{New, Settings},
};

use super::super::{
    error::{ApiError, Result},
    input::WhereUniqueInput,
    json::Json,
    webhook::RetryPolicyInput,
};

/// A new listener. Its webhook is signed, and differs from others only in that its deliveries are handed to the
/// listener.
#[derive(InputObject)]
pub struct ListenerCreateInput {
    /// The URL that the listener posts deliveries to. It is shown and recorded, and never called by the server. By the
    /// rules of `createWebhook`.
    url: String,
    /// The project whose events are sent. When absent, all events of the organization are sent.
    project: Option<WhereUniqueInput>,
    /// The topics to subscribe to; when absent, all topics of labels, reviews and tasks.
    topics: Option<Vec<WebhookTopic>>,
    /// The secret that signs the deliveries, by the rules of `createWebhook`. When absent, one is generated.
    secret: Option<String>,
    /// The payload format.
    #[graphql(default_with = "PayloadFormat::Labelbox")]
    payload_format: PayloadFormat,
    /// A GraphQL selection that shapes the body instead of the payload format, as for `createWebhook`.
    payload_query: Option<String>,
    /// A CEL expression that selects the events to send, as for `createWebhook`.
    filter: Option<String>,
    /// Custom headers: an object of strings, as for `createWebhook`.
    headers: Option<Json>,
    /// The retry policy of failed deliveries.
    retry_policy: Option<RetryPolicyInput>,
    /// The time in milliseconds that the server waits for the answer to a delivery: 1,000 to 30,000. Default 15,000.
    timeout_ms: Option<i32>,
    /// The maximum number of concurrent deliveries: 1 to 256. Default 32.
    max_in_flight: Option<i32>,
}

impl ListenerCreateInput {
    /// Parses the input into the type that `labelhook_core` takes.
    pub fn read(self) -> Result<New> {
        Ok(New {
            project_id: self.project.map(|project| project.id.0),
            secret: self.secret,
            settings: Settings {
                topics: self.topics,
                url: Some(self.url),
                description: Some("a listener's, removed with it".into()),
                payload_format: Some(self.payload_format),
                payload_query: Some(self.payload_query),
                filter: Some(self.filter),
                headers: self.headers.map(|headers| headers.plain("headers")).transpose()?,
                retry: self.retry_policy.unwrap_or_default().of_new(),
                timeout_ms: self.timeout_ms,
                max_in_flight: self.max_in_flight,
                ..Settings::default()
            },
        })
    }
}

/// The outcome of a delivery: the local server's response, the error, or both when the response broke off.
#[derive(InputObject)]
pub struct DeliveryAnswerInput {
    /// The id of the delivery.
    delivery: ID,
    /// The HTTP status: 100 to 999. Required unless there is an error.
    status: Option<i32>,
    /// The response headers: at most 200, and 64 KiB in total.
    headers: Option<Vec<HeaderInput>>,
    /// The first 64 KiB of the response body. A longer body must be cut there and marked by `bodyTruncated`.
    body: Option<String>,
    /// True if `body` is base64, for bytes that are not UTF-8.
    #[graphql(default = false)]
    body_is_base64: bool,
    /// True if the response body was longer.
    #[graphql(default = false)]
    body_truncated: bool,
    /// The reason why there was no usable response.
    error: Option<DeliveryErrorInput>,
}

impl DeliveryAnswerInput {
    /// Parses the input into the id of the delivery and the answer that `labelhook_core` takes.
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

/// A response header.
#[derive(InputObject)]
pub struct HeaderInput {
    /// The name of the header.
    name: String,
    /// The value of the header.
    value: String,
}

/// The reason why there was no usable response.
#[derive(InputObject)]
pub struct DeliveryErrorInput {
    /// The kind of the error: DNS, CONNECT, TLS, TIMEOUT, REDIRECT, PROTOCOL or BODY_TOO_LARGE.
    kind: AttemptErrorKind,
    /// The error in words, for people; cut after 500 characters.
    message: Option<String>,
}
