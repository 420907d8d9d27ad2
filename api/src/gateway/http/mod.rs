//! `GET` and `POST /graphql`, by hand around `Schema::execute`: the library's own handler answers everything with 200,
//! runs mutations by GET and reads any content type as JSON. The order: method, media types, who asks, then the body;
//! nothing is parsed for a stranger. A mutation with an `Idempotency-Key` goes through [`idempotency`]. Status codes
//! follow the audits of graphql-http.

pub mod answer;
mod idempotency;
pub mod media;
pub mod request;
mod run;

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{Method, Request, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use self::media::Media;
use self::request::{check_method, check_mutation, params};
use self::run::Run;
use super::refusal::Refusal;
use super::state::Server;
use super::{auth, ws};
use crate::graphql::error::{ApiError, Code};
use crate::graphql::operation::Operation;
use crate::request_id::RequestId;

/// Answer a request to `/graphql`.
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

/// A mutation by GET could be run by a link, an image or a cache.
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
