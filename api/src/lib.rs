//! Labelhook over the wire: HTTP and GraphQL in, the verbs of core called, their answers sent back. Nothing is decided
//! here.

pub mod cli;
pub mod config;
pub mod gateway;
pub mod graphql;
pub mod request_id;

use crate::gateway::{
    accept, routes,
    state::{Config, Server},
};
use anyhow::Context;
use labelhook_core::{App, Error, background::Background};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves the API and delivers, until `shutdown`; then finishes what is under way within limits and closes the
/// database. Serves until shutdown. `main` and the tests both call it.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    config: Config,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let schemas = graphql::build(&app);
    let server = Server::new(Arc::clone(&app), schemas, &config);
    let sockets = server.sockets.clone();
    let router = routes::router(server);
    let mut background = Background::start(&app);
    let stop = shutdown.child_token();
    let served = beside(
        background.ended(),
        accept::serve(listener, router, sockets, config.write_timeout, stop.clone()),
        &stop,
    )
    .await;
    let stopped = background.stop().await;
    app.db.close().await;
    served?;
    stopped.context("a background task did not stop in order")
}

/// Serves while the background tasks live. When one of them ends by itself, serving stops and whoever started the
/// process is told.
async fn beside(
    ended: impl Future<Output = Error>,
    serving: impl Future<Output = ()>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut serving = std::pin::pin!(serving);
    let error = tokio::select! {
        () = &mut serving => return Ok(()),
        error = ended => error,
    };
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "a background task ended by itself; shutting down"
    );
    stop.cancel();
    serving.await;
    Err(error).context("a background task ended by itself")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn serving_ends_when_a_background_task_does() {
        let stop = CancellationToken::new();
        let ended = async { Error::internal("it panicked") };
        let error = beside(ended, stop.cancelled(), &stop).await;
        assert!(error.expect_err("told").to_string().contains("ended by itself"));
    }

    #[tokio::test]
    async fn serving_ends_by_itself_when_it_is_told_to() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(beside(std::future::pending(), stop.cancelled(), &stop).await.is_ok());
    }
}
