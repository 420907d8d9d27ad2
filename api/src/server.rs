//! The route table and what lies around it: the request's id, its span in the log, and the net under a panic. A span
//! has the method and the path and nothing of headers or query strings, where secrets may be.

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::http::GraphiQLSource;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{any, get};
use labelhook_core::App;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::auth::Limiter;
use crate::graphql::Schemas;
use crate::graphql::error::{ApiError, Code, INTERNAL};
use crate::graphql::http::{self, Endpoint, Media, Refusal};
use crate::graphql::sse;
use crate::health;
use crate::sockets::Sockets;

/// What the server can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Show GraphiQL to browsers at `/graphql`. Its page loads its scripts from a public CDN, not from us.
    pub graphiql: bool,
    /// Requests a minute and key; 0 is no limit.
    pub rate_limit: u32,
    /// How long an operation may take.
    pub timeout: Duration,
    /// How long a socket may take to say who it is.
    pub init_timeout: Duration,
    /// Sockets and event streams of one key at the same time.
    pub sockets_per_key: usize,
    /// How long a client may read nothing of what is sent to it.
    pub write_timeout: Duration,
    /// How long a client of a socket may say nothing, not even to a ping.
    pub silence: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            graphiql: false,
            rate_limit: 1_500,
            timeout: Duration::from_secs(30),
            init_timeout: Duration::from_secs(10),
            sockets_per_key: 2_000,
            write_timeout: Duration::from_secs(30),
            silence: Duration::from_secs(60),
        }
    }
}

/// What every request shares.
pub struct Server {
    /// The application.
    pub app: Arc<App>,
    /// The GraphQL endpoint.
    pub graphql: Arc<Endpoint>,
    /// How often each key may ask.
    pub limiter: Limiter,
    /// Sockets and event streams.
    pub sockets: Sockets,
    /// How long a socket may take to say who it is.
    pub init_timeout: Duration,
    /// How long a client of a socket may say nothing, not even to a ping.
    pub silence: Duration,
    graphiql: Option<String>,
}

impl Server {
    /// With schemas over the application.
    pub fn new(app: Arc<App>, schemas: Schemas, config: &Config) -> Self {
        let graphql = Arc::new(Endpoint::new(schemas, config.timeout));
        let graphiql = config.graphiql.then(|| {
            GraphiQLSource::build()
                .endpoint("/graphql")
                .subscription_endpoint("/graphql")
                .title("Labelhook")
                .finish()
        });
        Self {
            app,
            graphql,
            limiter: Limiter::new(config.rate_limit),
            sockets: Sockets::new(config.sockets_per_key),
            init_timeout: config.init_timeout,
            silence: config.silence,
            graphiql,
        }
    }

    /// The page for a browser that opens the endpoint, if there is to be one.
    pub fn graphiql(&self, parts: &Parts, media: Media) -> Option<&str> {
        let is_browser = parts.method == Method::GET && media == Media::Html;
        self.graphiql.as_deref().filter(|_| is_browser)
    }
}

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

/// What lies around every route.
fn surrounded(routes: Router) -> Router {
    routes
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(identified))
}

/// The id of a request: the client's own, if it sent a sane one, or a new one.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl Deref for RequestId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

impl RequestId {
    fn of(request: &Request) -> Self {
        let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
        match given {
            Some(id) if is_sane(id) => Self(id.into()),
            _ => Self(uuid::Uuid::now_v7().to_string().into()),
        }
    }
}

fn is_sane(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

async fn identified(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
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
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
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

    #[test]
    fn a_sane_request_id_is_kept() {
        let check = |given: &'static str, kept: bool| {
            let request = Request::builder()
                .header(REQUEST_ID, given)
                .body(Body::empty())
                .expect("request");
            assert_eq!(&*RequestId::of(&request) == given, kept, "{given}");
        };
        check("a-1_b.2", true);
        check("", false);
        check("a b", false);
        check("a\"b", false);
        check(
            "a234567890123456789012345678901234567890123456789012345678901234x",
            false,
        );
    }
}
