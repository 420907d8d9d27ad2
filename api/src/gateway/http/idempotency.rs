//! `Idempotency-Key`: a mutation that carries one is executed once, and its repeats get the first response, byte for
//! byte. [`labelhook_core::idempotency`] describes the guarantees when the process dies in between.
//!
//! A response is stored once execution has started. Refusals by parsing, variables or validation are not stored, since
//! nothing was executed, and neither are internal errors, unless something had been committed before.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use labelhook_core::App;
use labelhook_core::auth::Actor;
use labelhook_core::idempotency::{self, Begun, Claim, Request, StoredResponse};
use tracing::Instrument;

use super::super::refusal::{Refusal, refused};
use super::run::{Ended, Run};
use crate::graphql::error::{ApiError, Code};
use crate::graphql::params::Params;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that marks a stored response.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Reads the idempotency key of a request; none when the request has none.
pub fn request(headers: &HeaderMap, params: &Params) -> Result<Option<Request>, Refusal> {
    let mut given = headers.get_all(KEY).iter();
    let Some(key) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(ApiError::invalid("Idempotency-Key", "must be given once").into());
    }
    // A key that is not UTF-8 text is not printable either, and core refuses it.
    let key = String::from_utf8_lossy(key.as_bytes()).into_owned();
    let content = (&params.query, &params.operation_name, &params.variables);
    let content = serde_json::to_vec(&content).expect("names are strings and numbers are finite");
    Ok(Some(Request { key, content }))
}

/// Executes a request, or returns the stored response of its first execution.
pub async fn once(app: &Arc<App>, actor: &Actor, request: Request, run: Run) -> Result<Response, Refusal> {
    match idempotency::begin(app, actor, request).await.map_err(refused)? {
        Begun::New(claim) => to_its_end(Arc::clone(app), claim, run).await,
        Begun::Known(answer) => Ok(again(answer)),
        Begun::Running => {
            let message = "the first request with this Idempotency-Key is still being carried out";
            Err(conflict(StatusCode::CONFLICT, message).with(RETRY_AFTER, HeaderValue::from_static("1")))
        }
        Begun::Other => {
            let message = "this Idempotency-Key was sent with another request before";
            Err(conflict(StatusCode::UNPROCESSABLE_ENTITY, message))
        }
        Begun::Lost => {
            let message = "the first request with this Idempotency-Key was carried out, at least in part, and its \
                           answer was not kept; look at what is there before you send it again with another key";
            Err(conflict(StatusCode::CONFLICT, message))
        }
    }
}

/// Executes in a task of its own, so that a client that disconnects can fetch the response with a repeat.
async fn to_its_end(app: Arc<App>, claim: Claim, run: Run) -> Result<Response, Refusal> {
    let work = async move {
        let ended = idempotency::within(&claim, run.run()).await;
        kept(&app, claim, ended).await
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(response) => Ok(response),
        Err(broken) => match broken.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(refused(labelhook_core::Error::Unavailable(
                "the server is shutting down".into(),
            ))),
        },
    }
}

/// Stores the response for repeats. When that fails the response is returned nevertheless, since its content is true.
async fn kept(app: &App, claim: Claim, ended: Ended) -> Response {
    let (parts, body) = ended.response.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let answer = StoredResponse {
        status: parts.status.as_u16(),
        content_type: content_type.unwrap_or_default().to_owned(),
        body: body.to_vec(),
    };
    if let Err(error) = idempotency::finish(app, claim, answer, ended.remember).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a response was not stored for its idempotency key"
        );
    }
    Response::from_parts(parts, Body::from(body))
}

fn again(answer: StoredResponse) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = [
        (CONTENT_TYPE, HeaderValue::try_from(answer.content_type).ok()),
        (REPLAYED, Some(HeaderValue::from_static("true"))),
    ];
    let mut response = (status, answer.body).into_response();
    for (name, value) in headers {
        value.map(|value| response.headers_mut().insert(name, value));
    }
    response
}

fn conflict(status: StatusCode, message: &str) -> Refusal {
    Refusal::new(status, ApiError::new(Code::Conflict, message))
}
