//! Operations as server-sent events on `/graphql/stream`: graphql-sse in its mode of distinct connections, one response an
//! operation. Who asks is checked before the stream begins; what is wrong with the operation itself comes as an event.

use std::convert::Infallible;
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

use super::error::{ApiError, Code};
use super::http::{Media, Refusal, answer, check_method, check_mutation, is_last, params};
use crate::auth;
use crate::server::{RequestId, Server};
use crate::sockets::Slot;

/// How often a comment is sent when there is nothing to tell.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// Answer a request to `/graphql/stream`.
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
    let slot = server.sockets.place(pass.actor.key_id).ok_or_else(|| {
        let error = ApiError::new(Code::NotAllowed, "this key runs too many operations at the same time");
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, error)
    })?;
    let params = params(&parts, body).await?;
    let executed = match server.graphql.prepare(params, pass.actor.clone()) {
        Err(error) => refused(error, id),
        Ok(operation) if operation.ty() == OperationType::Subscription => server.graphql.subscribe(operation, id),
        Ok(operation) => {
            check_mutation(&parts, &operation)?;
            let executed = server.graphql.execute(operation, id).await?;
            once(std::future::ready(executed)).boxed()
        }
    };
    Ok(streamed(Events::new(server, pass, slot, executed).stream()))
}

fn refused(error: ApiError, id: &RequestId) -> BoxStream<'static, Executed> {
    let error: ServerError = Refusal::from(error).into_error(id);
    once(std::future::ready(Executed::from_errors(vec![error]))).boxed()
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

/// The events of one operation.
struct Events {
    server: Arc<Server>,
    pass: Pass,
    executed: BoxStream<'static, Executed>,
    changes: watch::Receiver<()>,
    keep_alive: Interval,
    over: bool,
    _slot: Slot,
}

impl Events {
    fn new(server: Arc<Server>, pass: Pass, slot: Slot, executed: BoxStream<'static, Executed>) -> Self {
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            changes: api_key::changes(&server.app),
            server,
            pass,
            executed,
            keep_alive,
            over: false,
            _slot: slot,
        }
    }

    fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        unfold(self, async |mut events| {
            events.next().await.map(|event| (Ok(event), events))
        })
    }

    /// The next event or comment; none when the response ends. A shutdown ends it without `complete`: the client comes
    /// again.
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        let closing = self.server.sockets.closing.clone();
        loop {
            tokio::select! {
                executed = self.executed.next() => return Some(self.told(executed).await),
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

    async fn told(&mut self, executed: Option<Executed>) -> Bytes {
        let Some(executed) = executed else {
            self.over = true;
            return COMPLETE.into();
        };
        if let Err(end) = self.check().await {
            return end;
        }
        self.over = is_last(&executed);
        event(&executed, self.over)
    }

    /// The last event when the key is no longer good.
    async fn check(&mut self) -> Result<(), Bytes> {
        let Err(error) = self.pass.check(&self.server.app).await else {
            return Ok(());
        };
        self.over = true;
        let error = ApiError::from(error).into_server_error();
        Err(event(&Executed::from_errors(vec![error]), true))
    }
}

const COMPLETE: &str = "event: complete\ndata:\n\n";

fn event(executed: &Executed, last: bool) -> Bytes {
    let end = if last { COMPLETE } else { "" };
    format!("event: next\ndata: {}\n\n{end}", answer::text(executed)).into()
}
