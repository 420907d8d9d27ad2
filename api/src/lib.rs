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
use labelhook_core::{
    App, bus, deletion, dispatcher, idempotency, listener as listeners, node, replay, retention, task,
};
use std::sync::Arc;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Serves the API and delivers, until `shutdown`; then finishes what is under way within limits and closes the database.
/// What `main` and the tests both call.
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
    let background = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(node::run(Arc::clone(&app), background.clone()));
    tasks.spawn(dispatcher::run(Arc::clone(&app), background.clone()));
    tasks.spawn(deletion::run(Arc::clone(&app), background.clone()));
    tasks.spawn(task::run(Arc::clone(&app), background.clone()));
    tasks.spawn(replay::run(Arc::clone(&app), background.clone()));
    tasks.spawn(listeners::run(Arc::clone(&app), background.clone()));
    tasks.spawn(idempotency::run(Arc::clone(&app), background.clone()));
    tasks.spawn(retention::run(Arc::clone(&app), background.clone()));
    // The last to stop: the others say that they go.
    let farewell = CancellationToken::new();
    tasks.spawn(bus::run(Arc::clone(&app), farewell.clone()));
    let stop = shutdown.child_token();
    let served = beside(
        &mut tasks,
        accept::serve(listener, router, sockets, config.write_timeout, stop.clone()),
        &stop,
    )
    .await;
    background.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.context("a background task panicked")?;
        if tasks.len() == 1 {
            node::leave(&app).await;
            farewell.cancel();
        }
    }
    app.db.close().await;
    served
}

/// Serves while the background tasks live. A process that answers and delivers nothing is worse than none, so when one of
/// them ends by itself, serving stops and whoever started the process is told.
async fn beside(
    tasks: &mut JoinSet<()>,
    serving: impl Future<Output = ()>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        () = &mut serving => return Ok(()),
        Some(ended) = tasks.join_next() => ended,
    };
    tracing::error!("a background task ended by itself; shutting down");
    stop.cancel();
    serving.await;
    ended.context("a background task panicked")?;
    anyhow::bail!("a background task ended by itself")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn serving_ends_when_a_background_task_does() {
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        tasks.spawn(async { panic!("a test of panics") });
        tasks.spawn(stop.clone().cancelled_owned());
        let error = beside(&mut tasks, stop.cancelled(), &stop).await;
        assert!(error.expect_err("told").to_string().contains("panicked"));
    }

    #[tokio::test]
    async fn serving_ends_by_itself_when_it_is_told_to() {
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        tasks.spawn(std::future::pending());
        stop.cancel();
        assert!(beside(&mut tasks, stop.cancelled(), &stop).await.is_ok());
    }
}
