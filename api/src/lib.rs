//! Labelhook over the wire: HTTP and GraphQL in, the verbs of core called, their answers sent back. Nothing is decided
//! here.

pub mod auth;
pub mod cli;
pub mod config;
pub mod graphql;
pub mod health;
pub mod server;

use anyhow::Context;
use labelhook_core::{App, deletion, dispatcher};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a shutdown waits for requests that are being answered.
const GRACE: Duration = Duration::from_secs(15);

/// Serves the API and delivers, until `shutdown`; then finishes what is under way within limits and closes the database.
/// What `main` and the tests both call.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    config: server::Config,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let schema = graphql::build(Arc::clone(&app));
    let router = server::router(server::Server::new(Arc::clone(&app), schema, &config));
    let background = CancellationToken::new();
    let dispatcher = tokio::spawn(dispatcher::run(Arc::clone(&app), background.clone()));
    let deletions = tokio::spawn(deletion::run(Arc::clone(&app), background.clone()));
    let stop = shutdown.clone();
    let http = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    let http = tokio::spawn(http.into_future());
    shutdown.cancelled().await;
    if timeout(GRACE, http).await.is_err() {
        tracing::warn!("connections still open after {GRACE:?} are closed");
    }
    background.cancel();
    deletions.await.context("the deletions panicked")?;
    dispatcher.await.context("the dispatcher panicked")?;
    app.db.close().await;
    Ok(())
}
