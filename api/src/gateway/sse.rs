//! Operations as server-sent events on `/graphql/stream`, by the graphql-sse protocol in its distinct connections mode:
//! one response for each operation. Authentication happens before the stream starts; errors of the operation itself are
//! events.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::futures_util::stream::{BoxStream, Stream, StreamExt, once, unfold};
use async_graphql::parser::types::OperationType;
use async_graphql::{Response as Executed, ServerError};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use labelhook_core::api_key::{self, Pass};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::auth;
use super::connections::Slot;
use super::http::media::Media;
use super::http::request::{check_method, check_mutation, params};
use super::refusal::Refusal;
use super::state::Server;
use crate::graphql::error::{ApiError, Code};
use crate::graphql::subscription::cache::Rendered;
use crate::graphql::subscription::subscriber::SubscriberMessage;
use crate::graphql::{error_codes, response};
use crate::request_id::RequestId;

/// The interval of keep-alive comments while there are no events.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// Handles a request to `/graphql/stream`.
pub async fn serve(
    State(server): State<Arc<Server>>,
    Extension(request_id): Extension<RequestId>,
    request: Request<Body>,
) -> Response {
    match Box::pin(answer_with_stream(server, request, &request_id)).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(Media::GraphqlResponse, &request_id),
    }
}

async fn answer_with_stream(server: Arc<Server>, request: Request<Body>, id: &RequestId) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return Ok((StatusCode::NO_CONTENT, [(ALLOW, "GET, POST")]).into_response());
    }
    check_method(&parts)?;
    let pass = auth::admit(&server, auth::bearer(&parts.headers)).await?;
    auth::spend(&server, &pass.actor)?;
    let key_id = pass.actor.key_id;
    let slots = Slots {
        _connection: server.sockets.connection(key_id).ok_or_else(too_many("streams open"))?,
        _operation: server.sockets.operation(key_id).ok_or_else(too_many("operations"))?,
    };
    let params = params(&parts, body).await?;
    let told = match server.graphql.prepare(params, pass.actor.clone()) {
        Err(error) => once(ready(SubscriberMessage::End(vec![error_codes::finished(error, id)]))).boxed(),
        Ok(operation) if operation.ty() == OperationType::Subscription => server.graphql.subscribe(operation, id),
        Ok(operation) => {
            check_mutation(&parts, &operation)?;
            let ty = operation.ty();
            let executed = server.graphql.execute(operation, id).await;
            let executed = executed.map_err(|error| Refusal::late(error, ty))?;
            once(ready(SubscriberMessage::Rows(vec![response::text(&executed).into()]))).boxed()
        }
    };
    Ok(streamed(Events::new(server, pass, slots, told).stream()))
}

fn too_many(what: &'static str) -> impl Fn() -> Refusal {
    move || {
        let error = ApiError::new(
            Code::NotAllowed,
            format!("this key has too many {what} at the same time"),
        );
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, error)
    }
}

/// The slots of the connection limits that a stream occupies.
struct Slots {
    _connection: Slot,
    _operation: Slot,
}

fn streamed(events: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The event stream of one operation.
struct Events {
    server: Arc<Server>,
    pass: Pass,
    told: BoxStream<'static, SubscriberMessage>,
    changes: watch::Receiver<()>,
    keep_alive: Interval,
    over: bool,
    _slots: Slots,
}

impl Events {
    fn new(server: Arc<Server>, pass: Pass, slots: Slots, told: BoxStream<'static, SubscriberMessage>) -> Self {
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            changes: api_key::changes(&server.app),
            server,
            pass,
            told,
            keep_alive,
            over: false,
            _slots: slots,
        }
    }

    fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        unfold(self, async |mut events| {
            events.next().await.map(|event| (Ok(event), events))
        })
    }

    /// Returns the next event or comment; none at the end of the response. A shutdown ends it without `complete`, so
    /// that the client reconnects.
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        let closing = self.server.sockets.closing.clone();
        loop {
            tokio::select! {
                told = self.told.next() => return Some(self.event(told).await),
                _ = self.keep_alive.tick() => {
                    return Some(match self.check().await {
                        Ok(()) => Bytes::from_static(b":\n\n"),
                        Err(end) => end,
                    });
                }
                _ = self.changes.changed() => if let Err(end) = self.check().await { return Some(end) },
                () = closing.cancelled() => return None,
            }
        }
    }

    async fn event(&mut self, told: Option<SubscriberMessage>) -> Bytes {
        let Some(told) = told else {
            self.over = true;
            return COMPLETE.into();
        };
        if let Err(end) = self.check().await {
            return end;
        }
        match told {
            SubscriberMessage::Rows(rows) => nexts(&rows).into(),
            SubscriberMessage::End(errors) => self.end(errors),
        }
    }

    /// Returns the last event when the API key is no longer valid.
    async fn check(&mut self) -> Result<(), Bytes> {
        let Err(error) = self.pass.check(&self.server.app).await else {
            return Ok(());
        };
        Err(self.end(vec![ApiError::from(error).into_server_error()]))
    }

    fn end(&mut self, errors: Vec<ServerError>) -> Bytes {
        self.over = true;
        let text = response::text(&Executed::from_errors(errors));
        (next(&text) + COMPLETE).into()
    }
}

const COMPLETE: &str = "event: complete\ndata:\n\n";

const HEAD: &str = "event: next\ndata: ";
const TAIL: &str = "\n\n";

fn next(payload: &str) -> String {
    [HEAD, payload, TAIL].concat()
}

fn nexts(rows: &[Rendered]) -> String {
    let parts: Vec<&str> = rows.iter().flat_map(|row| [HEAD, row, TAIL]).collect();
    parts.concat()
}
