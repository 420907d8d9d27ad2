//! `GET` and `POST /graphql`, implemented around `Schema::execute`: the library's own handler responds to everything
//! with 200, executes mutations by GET and reads any content type as JSON. The checks run in this order: method, media
//! types, authentication, body; nothing of an unauthenticated request is parsed. A mutation with an `Idempotency-Key`
//! goes through [`idempotency`]. Status codes follow the audits of the GraphQL-over-HTTP specification (graphql-http).
//! The server's router calls [`serve`]. Nothing here may name a type of the schema.

pub(super) mod answer;
mod idempotency;
mod media;
mod operation;
mod params;
mod run;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::time::timeout;

pub use self::answer::Refusal;
pub use self::media::Media;
pub use self::operation::{Endpoint, Operation};
pub(super) use self::params::Params;
use self::run::Run;
use super::error::{ApiError, Code};
use super::ws;
use crate::auth;
use crate::server::{RequestId, Server};

/// The maximum size of a request's body in bytes.
pub const MAX_BODY: usize = 8 << 20;
/// The number of bytes that are still read of a larger body, so that its sender receives the response.
const MAX_DRAINED: usize = 4 * MAX_BODY;
/// The timeout for receiving a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Handles a request to `/graphql`.
pub async fn serve(
    State(server): State<Arc<Server>>,
    Extension(request_id): Extension<RequestId>,
    request: Request<Body>,
) -> Response {
    if ws::is_wanted(&request) {
        return ws::upgrade(server, request_id, request).await;
    }
    let media = Media::accepted(request.headers());
    match Box::pin(answer(&server, request, media, &request_id)).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(media, &request_id),
    }
}

async fn answer(
    server: &Arc<Server>,
    request: Request<Body>,
    media: Media,
    id: &RequestId,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return Ok((StatusCode::NO_CONTENT, [(ALLOW, "GET, POST")]).into_response());
    }
    check_method(&parts)?;
    if let Some(page) = server.graphiql(&parts, media) {
        return Ok(Html(page.to_owned()).into_response());
    }
    let actor = auth::identify(server, &parts.headers).await?;
    let params = params(&parts, body).await?;
    let once = idempotency::request(&parts.headers, &params);
    let operation = server.graphql.prepare(params, actor.clone())?;
    check_operation(&parts, &operation)?;
    let once = match operation.ty() {
        OperationType::Mutation => once?,
        _ => None,
    };
    let run = Run {
        server: Arc::clone(server),
        operation,
        media,
        id: id.clone(),
    };
    match once {
        Some(once) => idempotency::once(&server.app, &actor, once, run).await,
        None => Ok(run.run().await.response),
    }
}

/// Reads the parameters from the query string or the body.
pub(super) async fn params(parts: &Parts, body: Body) -> Result<Params, Refusal> {
    match parts.method {
        Method::GET => Params::from_query(parts.uri.query()),
        _ => Params::from_body(&read(body).await?),
    }
}

pub(super) fn check_method(parts: &Parts) -> Result<(), Refusal> {
    match parts.method {
        Method::GET => Ok(()),
        Method::POST => media::check_content_type(&parts.headers),
        _ => {
            let error = ApiError::new(Code::MalformedRequest, "the method must be GET or POST");
            Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error).with(ALLOW, HeaderValue::from_static("GET, POST")))
        }
    }
}

/// Refuses mutations by GET, which a link, an image or a cache could trigger, and subscriptions.
fn check_operation(parts: &Parts, operation: &Operation) -> Result<(), Refusal> {
    check_mutation(parts, operation)?;
    match operation.ty() {
        OperationType::Subscription => {
            let message = "a subscription is not answered here: it needs a WebSocket or an event stream";
            Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                ApiError::new(Code::NotAllowed, message),
            ))
        }
        _ => Ok(()),
    }
}

/// Refuses mutations by GET, over every transport.
pub(super) fn check_mutation(parts: &Parts, operation: &Operation) -> Result<(), Refusal> {
    if operation.ty() == OperationType::Mutation && parts.method == Method::GET {
        let error = ApiError::new(Code::NotAllowed, "a mutation must be sent by POST");
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error).with(ALLOW, HeaderValue::from_static("POST")));
    }
    Ok(())
}

/// Reads the whole body, within its limits.
async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let message = "the body did not arrive in time";
    let late = |_| {
        Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            ApiError::new(Code::MalformedRequest, message),
        )
    };
    timeout(BODY_TIMEOUT, collect(body)).await.map_err(late)?
}

async fn collect(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut whole, mut seen) = (Vec::new(), 0);
    while seen <= MAX_DRAINED
        && let Some(frame) = body.frame().await
    {
        let broken = |_| ApiError::new(Code::MalformedRequest, "the body broke off");
        let frame = frame
            .map_err(broken)
            .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error))?;
        let data = frame.into_data().unwrap_or_default();
        seen += data.len();
        if seen <= MAX_BODY {
            whole.extend_from_slice(&data);
        }
    }
    if seen > MAX_BODY {
        let message = format!("the body has more than {MAX_BODY} bytes");
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::new(Code::MalformedRequest, message),
        ));
    }
    Ok(whole)
}
