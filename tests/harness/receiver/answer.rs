//! The answers of a receiver: a status with headers and a body, at once or behind a gate, or a fault.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::combinators::BoxBody;
use hyper::body::Frame;
use tokio::sync::watch;

use crate::wire::Doom;

/// One scripted answer.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Content,
    gate: Option<Gate>,
}

#[derive(Clone, Debug)]
enum Content {
    Whole(Bytes),
    /// These bytes, and then nothing for ever.
    Stalling(Bytes),
    /// These bytes over and over.
    Endless(Bytes),
    /// No answer at all.
    Silence,
    /// The connection is reset.
    Reset,
}

impl Answer {
    /// Returns a status with an empty body.
    pub fn status(code: u16) -> Self {
        let status = StatusCode::from_u16(code).expect("a test names a valid status");
        Self {
            status,
            headers: HeaderMap::new(),
            body: Content::Whole(Bytes::new()),
            gate: None,
        }
    }

    /// Accepts the request and never responds.
    pub fn hang() -> Self {
        Self {
            body: Content::Silence,
            ..Self::status(200)
        }
    }

    /// Accepts the request and resets the connection.
    pub fn reset() -> Self {
        Self {
            body: Content::Reset,
            ..Self::status(200)
        }
    }

    /// Adds a header. The value may contain any bytes that HTTP allows, not only text.
    pub fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a test names a valid header value");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: Content::Whole(body.into()),
            ..self
        }
    }

    /// Sets a body that begins like this and stalls.
    pub fn stalling_body(self, beginning: impl Into<Bytes>) -> Self {
        Self {
            body: Content::Stalling(beginning.into()),
            ..self
        }
    }

    /// Sets a body that repeats `chunk` for ever.
    pub fn endless_body(self, chunk: impl Into<Bytes>) -> Self {
        Self {
            body: Content::Endless(chunk.into()),
            ..self
        }
    }

    /// Sends the answer only once `gate` is open.
    pub fn behind(self, gate: &Gate) -> Self {
        Self {
            gate: Some(gate.clone()),
            ..self
        }
    }

    pub(super) async fn give(self, doom: &Doom) -> Response {
        if let Some(gate) = &self.gate {
            gate.opened().await;
        }
        let body = match self.body {
            Content::Whole(bytes) => Body::from(bytes),
            Content::Stalling(bytes) => Body::new(BoxBody::new(Stream {
                next: Some(bytes),
                again: None,
            })),
            Content::Endless(bytes) => Body::new(BoxBody::new(Stream {
                next: None,
                again: Some(bytes),
            })),
            Content::Silence => pending().await,
            Content::Reset => {
                doom.seal();
                Body::empty()
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// Holds answers until it is opened. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// Releases every answer behind it, including later ones.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn opened(&self) {
        self.0
            .subscribe()
            .wait_for(|open| *open)
            .await
            .expect("the gate itself holds the sender");
    }
}

/// A body that yields `next` once and then `again` for ever, or nothing for ever.
struct Stream {
    next: Option<Bytes>,
    again: Option<Bytes>,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.next.take().or_else(|| self.again.clone()) {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}
