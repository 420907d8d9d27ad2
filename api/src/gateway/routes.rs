//! The route table and what lies around it: the request's id, its span in the log, and the net under a panic. A span
//! has the method and the path and nothing of headers or query strings, where secrets may be.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use super::http::media::Media;
use super::refusal::Refusal;
use super::state::Server;
use super::{health, http, sse};
use crate::graphql::error::{ApiError, Code, INTERNAL};
use crate::request_id::RequestId;

/// The route table. A node that only sends answers nothing but how it is.
pub fn router(server: Server) -> Router {
    let mut routes = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready));
    if server.app.nodes.role().serves() {
        routes = routes
            .route("/graphql", any(http::serve))
            .route("/graphql/stream", any(sse::serve));
    }
    surrounded(routes.with_state(Arc::new(server)))
}

/// Adds the layers that surround every route.
fn surrounded(routes: Router) -> Router {
    routes
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(identified))
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

async fn identified(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let id = RequestId::of(given);
    request.extensions_mut().insert(id.clone());
    let (method, path) = (request.method(), request.uri().path());
    let span = tracing::info_span!("request", request.id = &*id, http.method = %method, http.path = path);
    let mut response = async {
        let response = next.run(request).await;
        match response.extensions().get() {
            Some(Panicked(message)) => answer_panic(message, &id),
            None => response,
        }
    }
    .instrument(span)
    .await;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    // Answers hold customers' data and secrets that are shown once: no cache may keep them, and no browser may take them
    // for something else.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A handler's panic, on its way to where the request's id is known.
#[derive(Clone)]
struct Panicked(String);

fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let message = match (cause.downcast_ref::<&str>(), cause.downcast_ref::<String>()) {
        (Some(message), _) => (*message).to_owned(),
        (_, Some(message)) => message.clone(),
        _ => "no message".to_owned(),
    };
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Panicked(message));
    response
}

fn answer_panic(message: &str, id: &RequestId) -> Response {
    tracing::error!(panic = message, "a handler panicked");
    let error = ApiError::new(Code::Internal, INTERNAL);
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error).into_response(Media::Json, id)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_with_the_requests_id_and_not_its_cause() {
        let routes = surrounded(Router::new().route("/", get(async || -> &'static str { panic!("hunter2") })));
        let request = Request::builder()
            .uri("/")
            .header(REQUEST_ID, "r1")
            .body(Body::empty())
            .expect("request");
        let response = routes.oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[REQUEST_ID], "r1");
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let expected = r#"{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL_SERVER_ERROR","requestId":"r1"}}]}"#;
        assert_eq!(body, expected);
    }
}
