//! The HTTP client of the dispatcher: a request in, an [`Outcome`] out. Nothing else in core opens a connection to a
//! receiver.
//!
//! The dispatcher enters it with [`Sender::send`]. It must never import the database or a verb.
//!
//! A receiver is somebody else's machine and may be hostile. So every address is checked by the SSRF guard before it is
//! connected to ([`connector`], [`resolver`]). Redirects are not followed, no proxy is used, nothing is decompressed.
//! Response heads are bounded by hyper and bodies here, and the timeout of an attempt covers all of it, the body
//! included. Whatever a receiver does is an outcome, never a panic and never an error of ours.
//!
//! It uses hyper-util's client directly and not one built on it: that costs two thirds per request, and errors keep
//! their types.

mod connector;
mod failure;
mod resolver;
#[cfg(test)]
mod tests;

use super::{guard::Guard, target_url::TargetUrl};
use crate::error::{Error, Result};
use bytes::{Bytes, BytesMut};
use connector::{Connector, Used};
use entity::AttemptErrorKind;
use http::{Extensions, HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_rustls::ConfigBuilderExt;
use hyper_util::{
    client::legacy::{self, Client},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, crypto::ring};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

pub use failure::SendError;

/// The bytes of a response's body that are kept.
pub const MAX_KEPT_BODY: usize = 64 * 1024;

/// The most bytes of a response's body that are read. Reading beyond [`MAX_KEPT_BODY`] only keeps the connection
/// usable.
pub const MAX_READ_BODY: usize = 256 * 1024;

/// The most bytes of a response's head.
const MAX_HEAD: usize = 64 * 1024;

/// The time that a pooled connection is kept idle.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The settings of the sender.
#[derive(Clone, Debug)]
pub struct Config {
    /// The addresses that may be connected to.
    pub guard: Guard,
    /// The most idle connections kept per host: as many as requests may be in flight to one.
    pub idle_per_host: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            guard: Guard::default(),
            idle_per_host: 256,
        }
    }
}

/// The outcome of one request. A response and an error appear together when the head came and the body did not come
/// whole, or when the response is a redirect.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The response.
    pub answer: Option<Received>,
    /// The reason why there is no response, or none that can be used as it is.
    pub error: Option<SendError>,
}

/// A response's head and the first bytes of its body.
#[derive(Clone, Debug)]
pub struct Received {
    /// The HTTP status.
    pub status: u16,
    /// The headers as received.
    pub headers: HeaderMap,
    /// The first [`MAX_KEPT_BODY`] bytes, as received.
    pub body: Bytes,
    /// True when there was more of the body, or it broke off.
    pub truncated: bool,
}

/// Sends requests over pooled connections. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    pooled: Client<Connector, Full<Bytes>>,
    fresh: Client<Connector, Full<Bytes>>,
}

impl Sender {
    /// Makes a sender that trusts the system's certificate authorities, or a built-in list where the system has none.
    pub fn new(config: Config) -> Result<Self> {
        Ok(Self::with_tls(config, tls()?))
    }

    fn with_tls(config: Config, tls: ClientConfig) -> Self {
        let connector = Connector::new(Arc::new(config.guard), tls);
        let client = |idle_per_host| {
            Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(POOL_IDLE_TIMEOUT)
                .pool_max_idle_per_host(idle_per_host)
                .http1_max_buf_size(MAX_HEAD)
                .build(connector.clone())
        };
        Self {
            pooled: client(config.idle_per_host),
            fresh: client(0),
        }
    }

    /// POSTs `body` and reads the response, all within `limit`.
    pub async fn send(&self, target: &TargetUrl, headers: HeaderMap, body: Bytes, limit: Duration) -> Outcome {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target.uri().clone();
        *request.headers_mut() = headers;
        // Kept outside of the future that the timeout drops, so that what has come by then is not lost.
        let (mut head, mut kept) = (None, Kept::default());
        let work = async {
            let response = self
                .exchange(request)
                .await
                .map_err(|error| SendError::exchanging(&error))?;
            let (parts, mut body) = response.into_parts();
            head = Some(parts);
            kept.read(&mut body).await
        };
        let read = timeout(limit, work).await.unwrap_or_else(|_| {
            let message = format!("no whole answer within {limit:?}");
            Err(SendError::new(AttemptErrorKind::Timeout, message))
        });
        match head {
            Some(head) => kept.into_outcome(head, read),
            None => Outcome {
                answer: None,
                error: read.err(),
            },
        }
    }

    /// Sends over a pooled connection. A server may close it at the moment a request is sent on it. That is nobody's
    /// failure, so such a request is sent once more, on a new connection.
    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, legacy::Error> {
        let again = request.clone();
        match self.pooled.request(request).await {
            Err(error) if went_stale(&error) => self.fresh.request(again).await,
            Err(error) => Err(error),
            Ok(response) => {
                if let Some(used) = response.extensions().get::<Used>() {
                    used.set();
                }
                Ok(response)
            }
        }
    }
}

/// Returns whether a pooled connection was closed by the server before it answered.
fn went_stale(error: &legacy::Error) -> bool {
    let mut extras = Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extras);
    }
    extras.get::<Used>().is_some_and(Used::get) && failure::is_hang_up(error)
}

/// Returns the TLS settings of outgoing connections: one provider, and the certificate authorities that the system
/// trusts.
pub fn tls() -> Result<ClientConfig> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::internal)
    };
    let rooted = match builder()?.with_native_roots() {
        Ok(rooted) => rooted,
        Err(error) => {
            tracing::warn!(%error, "the system has no certificate authorities, using the built-in list");
            builder()?.with_webpki_roots()
        }
    };
    Ok(rooted.with_no_client_auth())
}

/// The part of a body read so far.
#[derive(Default)]
struct Kept {
    bytes: BytesMut,
    seen: usize,
}

impl Kept {
    async fn read(&mut self, body: &mut Incoming) -> Result<(), SendError> {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| SendError::exchanging(&error))?;
            if let Some(data) = frame.data_ref() {
                let room = MAX_KEPT_BODY - self.bytes.len();
                self.bytes.extend_from_slice(&data[..data.len().min(room)]);
                self.seen += data.len();
            }
            let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
            if self.bytes.len() == MAX_KEPT_BODY && self.seen.saturating_add(announced) > MAX_READ_BODY {
                let message = format!("the answer's body is larger than {} KiB", MAX_READ_BODY / 1024);
                return Err(SendError::new(AttemptErrorKind::BodyTooLarge, message));
            }
        }
        Ok(())
    }

    fn into_outcome(self, head: http::response::Parts, read: Result<(), SendError>) -> Outcome {
        let redirect = head.status.is_redirection().then(|| {
            let message = "the receiver answered with a redirect, which is not followed";
            SendError::new(AttemptErrorKind::Redirect, message)
        });
        let truncated = read.is_err() || self.seen > self.bytes.len();
        let answer = Received {
            status: head.status.as_u16(),
            headers: head.headers,
            body: self.bytes.freeze(),
            truncated,
        };
        Outcome {
            answer: Some(answer),
            error: redirect.or(read.err()),
        }
    }
}
