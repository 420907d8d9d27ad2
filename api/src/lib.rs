//! Labelhook over the wire: HTTP and GraphQL in, the verbs of core called, their answers sent back. Nothing is decided
//! here.

pub mod auth;
pub mod cli;
pub mod config;
pub mod graphql;
pub mod health;
mod listener;
pub mod server;

use anyhow::Context;
use labelhook_core::{App, deletion, dispatcher};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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
    listener::serve(listener, router, shutdown).await;
    background.cancel();
    deletions.await.context("the deletions panicked")?;
    dispatcher.await.context("the dispatcher panicked")?;
    app.db.close().await;
    Ok(())
}
