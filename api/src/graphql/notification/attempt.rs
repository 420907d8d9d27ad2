//! Attempt: one request of a notification and what came back.

use async_graphql::{Context, Object, SimpleObject};
use entity::{AttemptErrorKind, PayloadId, Timestamp, attempt};

use super::super::{error::Result, json::Json, log_loader};

/// One request and what came back.
pub struct Attempt {
    pub(super) row: attempt::Model,
    pub(super) payload_id: PayloadId,
}

/// One request and what came back.
#[Object]
impl Attempt {
    /// 1 for the first request.
    async fn number(&self) -> i32 {
        self.row.number
    }

    /// When it started.
    async fn started_at(&self) -> Timestamp {
        self.row.started_at
    }

    /// Milliseconds until its outcome.
    async fn duration_ms(&self) -> i32 {
        self.row.duration_ms
    }

    /// What was sent.
    async fn request(&self) -> RecordedRequest<'_> {
        RecordedRequest(self)
    }

    /// What the receiver answered; null when no answer came.
    async fn response(&self) -> Option<RecordedResponse<'_>> {
        self.row
            .response_status
            .map(|status| RecordedResponse { status, row: &self.row })
    }

    /// Why there was no usable answer; null when there was one.
    async fn error(&self) -> Option<AttemptError> {
        let message = self.row.error_message.clone().unwrap_or_default();
        self.row.error.map(|kind| AttemptError { kind, message })
    }
}

/// A request as it was sent, secrets and tokens masked.
pub struct RecordedRequest<'a>(&'a Attempt);

/// A request as it was sent, secrets and tokens masked.
#[Object]
impl RecordedRequest<'_> {
    /// Always POST.
    async fn method(&self) -> &'static str {
        "POST"
    }

    /// Where it went.
    async fn url(&self) -> &str {
        &self.0.row.url
    }

    /// Its headers: an object of strings. The `Authorization` header and custom values are masked.
    async fn headers(&self) -> Result<Json> {
        Json::stored(&self.0.row.request_headers)
    }

    /// Its body: the exact bytes that were sent and signed.
    async fn body(&self, ctx: &Context<'_>) -> Result<String> {
        log_loader::body(ctx, self.0.payload_id).await
    }
}

/// An answer as it came.
pub struct RecordedResponse<'a> {
    status: i32,
    row: &'a attempt::Model,
}

/// An answer as it came.
#[Object]
impl RecordedResponse<'_> {
    /// HTTP status.
    async fn status(&self) -> i32 {
        self.status
    }

    /// Its headers: an object of strings, 16 KiB at most; empty when the webhook's `capture` does not keep it.
    async fn headers(&self) -> Result<Json> {
        Json::stored(self.row.response_headers.as_deref().unwrap_or("{}"))
    }

    /// The first 64 KiB of its body, never decompressed; bytes that are not UTF-8 are replaced. Empty when the webhook's
    /// `capture` does not keep it.
    async fn body(&self) -> String {
        text(self.row.response_body.as_deref().unwrap_or_default())
    }

    /// Whether the webhook's `capture` kept the headers and the body.
    async fn captured(&self) -> bool {
        self.row.response_headers.is_some()
    }

    /// Whether there was more of the body than 64 KiB.
    async fn body_truncated(&self) -> bool {
        self.row.body_truncated
    }
}

/// Why an attempt got no usable answer.
#[derive(SimpleObject)]
pub struct AttemptError {
    /// The kind, to branch on.
    kind: AttemptErrorKind,
    /// The same in words, for people.
    message: String,
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
