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
use http::{Extensions, HeaderMap, Method, Request, Response, header::LOCATION};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_rustls::ConfigBuilderExt;
use hyper_util::{
    client::legacy::{
        self, Client,
        connect::{Connected, capture_connection},
    },
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

/// The most headers of a response.
const MAX_HEADERS: usize = 256;

/// The time that a pooled connection is kept idle: less than common servers keep one (Node.js and Apache 5 s), so that
/// a request seldom meets a connection that is being closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The age at which a pooled connection is given up, so that a busy webhook follows its receiver's name.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(60);

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
/// whole, or when the response is a redirect: the status decides, and the error is a note about it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// True when the receiver closed a kept connection without a byte of a response, after the request was written: it
    /// may have got the request, and most likely it closed an idle connection in that moment.
    pub closed_kept: bool,
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
    /// The age at which a connection is given up.
    max_age: Duration,
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
                .http1_max_headers(MAX_HEADERS)
                // What follows a status line that can be read must not make a delivery fail.
                .http1_allow_obsolete_multiline_headers_in_responses(true)
                .http1_allow_spaces_after_header_name_in_responses(true)
                .http1_ignore_invalid_headers_in_responses(true)
                .build(connector.clone())
        };
        Self {
            pooled: client(config.idle_per_host),
            fresh: client(0),
            max_age: MAX_CONNECTION_AGE,
        }
    }

    /// POSTs `body` and reads the response, all within `limit`.
    pub async fn send(&self, target: &TargetUrl, headers: HeaderMap, body: Bytes, limit: Duration) -> Outcome {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target.uri().clone();
        *request.headers_mut() = headers;
        // Kept outside of the future that the timeout drops, so that what has come by then is not lost.
        let (mut head, mut kept, mut closed_kept) = (None, Kept::default(), false);
        let work = async {
            let response = self.exchange(request).await.map_err(|error| {
                closed_kept = was_kept(&error).is_some() && failure::is_hang_up(&error);
                SendError::exchanging(&error)
            })?;
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
                closed_kept,
                answer: None,
                error: read.err(),
            },
        }
    }

    /// Sends over a pooled connection. If the server closed it before a byte of the request was written, which is
    /// nobody's failure, the request is sent on a new connection. One of which a byte was written may have arrived, so
    /// sending it again is an attempt of its own.
    async fn exchange(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, legacy::Error> {
        let again = request.clone();
        let connection = capture_connection(&mut request);
        match self.pooled.request(request).await {
            Err(error) if was_kept(&error).is_some_and(|kept| !kept.is_written()) && failure::is_hang_up(&error) => {
                self.fresh.request(again).await
            }
            Err(error) => Err(error),
            Ok(response) => {
                if let Some(used) = response.extensions().get::<Used>() {
                    used.answered();
                    if used.age() > self.max_age {
                        connection.connection_metadata().iter().for_each(Connected::poison);
                    }
                }
                Ok(response)
            }
        }
    }
}

/// Returns the connection of a request that failed, if it had carried a response before.
fn was_kept(error: &legacy::Error) -> Option<Used> {
    let mut extras = Extensions::new();
    error.connect_info()?.get_extras(&mut extras);
    extras.remove::<Used>().filter(Used::has_answered)
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
        let redirect = head.status.is_redirection().then(|| redirected(&head.headers));
        let truncated = read.is_err() || self.seen > self.bytes.len();
        let answer = Received {
            status: head.status.as_u16(),
            headers: head.headers,
            body: self.bytes.freeze(),
            truncated,
        };
        Outcome {
            closed_kept: false,
            answer: Some(answer),
            error: redirect.or(read.err()),
        }
    }
}

/// Returns the error of a redirect, with where it pointed. The query is left out: it may hold a token.
fn redirected(headers: &HeaderMap) -> SendError {
    let location = headers
        .get(LOCATION)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let shown = location.map(|text| {
        text.split(['?', '#'])
            .next()
            .unwrap_or_default()
            .chars()
            .take(MAX_LOCATION)
            .collect()
    });
    let to = shown.map_or_else(String::new, |text: String| format!(" to {}", text.escape_debug()));
    let message =
        format!("the receiver answered with a redirect{to}, which is not followed; register the URL that answers");
    SendError::new(AttemptErrorKind::Redirect, message)
}

/// The most characters of a redirect's target in an error.
const MAX_LOCATION: usize = 200;
