//! The state that all requests share, and its settings.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::http::GraphiQLSource;
use axum::http::Method;
use axum::http::request::Parts;
use labelhook_core::App;

use super::connections::Sockets;
use super::http::media::Media;
use super::rate_limit::Limiter;
use crate::graphql::Schemas;
use crate::graphql::endpoint::Endpoint;

/// The settings of the HTTP server. Its defaults are those of [`Settings`](crate::config::Settings).
#[derive(Debug, Clone)]
pub struct Config {
    /// Show GraphiQL to browsers at `/graphql`. Its page loads its scripts from a public CDN, not from us.
    pub graphiql: bool,
    /// Requests a minute and key; 0 is no limit.
    pub rate_limit: u32,
    /// The time limit of an operation.
    pub timeout: Duration,
    /// The time in which a socket must authenticate.
    pub init_timeout: Duration,
    /// Sockets and event streams of one key at the same time.
    pub sockets_per_key: usize,
    /// The time after which a client that reads nothing is cut off.
    pub write_timeout: Duration,
    /// The time without any message from the client of a socket, pongs included, after which the socket is closed.
    pub idle_timeout: Duration,
}

/// The time in which a socket must authenticate.
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time after which a client that reads nothing is cut off.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The time without any message from the client of a socket, pongs included, after which the socket is closed.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The state that all requests share.
pub struct Server {
    /// The application.
    pub app: Arc<App>,
    /// The GraphQL endpoint.
    pub graphql: Arc<Endpoint>,
    /// The rate limiter: requests a minute and user.
    pub limiter: Limiter,
    /// Sockets and event streams.
    pub sockets: Sockets,
    /// The time in which a socket must authenticate.
    pub init_timeout: Duration,
    /// The time without any message from the client of a socket, pongs included, after which the socket is closed.
    pub idle_timeout: Duration,
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
            idle_timeout: config.idle_timeout,
            graphiql,
        }
    }

    /// The page for a browser that opens the endpoint, if there is to be one.
    pub fn graphiql(&self, parts: &Parts, media: Media) -> Option<&str> {
        let is_browser = parts.method == Method::GET && media == Media::Html;
        self.graphiql.as_deref().filter(|_| is_browser)
    }
}
