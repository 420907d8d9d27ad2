//! Attempt: one HTTP request of a notification, and its response.

use async_graphql::{Context, Object, SimpleObject};
use entity::{AttemptErrorKind, PayloadId, Timestamp, attempt};

use super::super::{error::Result, json::Json, log_loader};

/// One HTTP request of a notification, and its response.
pub struct Attempt {
    pub(super) row: attempt::Model,
    pub(super) payload_id: PayloadId,
}

/// One HTTP request of a notification, and its response.
#[Object]
impl Attempt {
    /// The number of the attempt; 1 for the first request.
    async fn number(&self) -> i32 {
        self.row.number
    }

    /// The time at which the request started.
    async fn started_at(&self) -> Timestamp {
        self.row.started_at
    }

    /// The milliseconds from the start to the outcome.
    async fn duration_ms(&self) -> i32 {
        self.row.duration_ms
    }

    /// The request, as sent.
    async fn request(&self) -> RecordedRequest<'_> {
        RecordedRequest(self)
    }

    /// The response of the receiver; null when none came.
    async fn response(&self) -> Option<RecordedResponse<'_>> {
        self.row
            .response_status
            .map(|status| RecordedResponse { status, row: &self.row })
    }

    /// The reason why there was no usable response; null when there was one.
    async fn error(&self) -> Option<AttemptError> {
        let message = self.row.error_message.clone().unwrap_or_default();
        self.row.error.map(|kind| AttemptError { kind, message })
    }
}

/// A request as it was sent, with secrets and tokens masked.
pub struct RecordedRequest<'a>(&'a Attempt);

/// A request as it was sent, with secrets and tokens masked.
#[Object]
impl RecordedRequest<'_> {
    /// The HTTP method: always POST.
    async fn method(&self) -> &'static str {
        "POST"
    }

    /// The URL that was requested.
    async fn url(&self) -> &str {
        &self.0.row.url
    }

    /// The request headers: an object of strings. The `Authorization` header and custom values are masked.
    async fn headers(&self) -> Result<Json> {
        Json::stored(&self.0.row.request_headers)
    }

    /// The request body: the exact bytes that were sent and signed.
    async fn body(&self, ctx: &Context<'_>) -> Result<String> {
        log_loader::body(ctx, self.0.payload_id).await
    }
}

/// A response as it was received.
pub struct RecordedResponse<'a> {
    status: i32,
    row: &'a attempt::Model,
}

/// A response as it was received.
#[Object]
impl RecordedResponse<'_> {
    /// The HTTP status.
    async fn status(&self) -> i32 {
        self.status
    }

    /// The response headers: an object of strings, 16 KiB at most; empty when the webhook's `capture` did not store
    /// them.
    async fn headers(&self) -> Result<Json> {
        Json::stored(self.row.response_headers.as_deref().unwrap_or("{}"))
    }

    /// The first 64 KiB of the response body, never decompressed; bytes that are not UTF-8 are replaced. Empty when the
    /// webhook's `capture` did not store it.
    async fn body(&self) -> String {
        text(self.row.response_body.as_deref().unwrap_or_default())
    }

    /// True if the webhook's `capture` stored the headers and the body.
    async fn captured(&self) -> bool {
        self.row.response_headers.is_some()
    }

    /// True if the response body was longer than 64 KiB.
    async fn body_truncated(&self) -> bool {
        self.row.body_truncated
    }
}

/// The reason why an attempt got no usable response.
#[derive(SimpleObject)]
pub struct AttemptError {
    /// The kind of the error, for programs.
    kind: AttemptErrorKind,
    /// The error in words, for people.
    message: String,
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
