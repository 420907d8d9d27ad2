//! `labelhook serve`: loads the configuration, creates the first key, and runs the server until its shutdown.

use crate::config::Settings;
use anyhow::Context;
use clap::Args;
use labelhook_core::{App, api_key};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

#[derive(Args, Debug)]
pub struct Serve {
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<()> {
        let settings = self.settings;
        raise_open_files();
        let shutdown = on_signal()?;
        let app = App::open(settings.core()?)
            .await
            .context("the database cannot be opened")?;
        let given = settings.bootstrap_key.clone().filter(|key| !key.is_empty());
        if let Some(key) = api_key::bootstrap(&app, given).await? {
            println!("made the first OWNER key of this database; it is shown only now:\n{key}");
        }
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}", settings.listen))?;
        println!("labelhook listens on http://{}/graphql", listener.local_addr()?);
        crate::serve(app, listener, settings.server(), shutdown).await?;
        println!("labelhook has shut down");
        Ok(())
    }
}

/// Raises the limit of open files: each request in flight uses one, and the usual limit of 1,024 is soon reached.
pub(super) fn raise_open_files() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => tracing::debug!(files, "may open this many files"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
}

/// Returns a token that SIGTERM and SIGINT cancel.
pub(super) fn on_signal() -> anyhow::Result<CancellationToken> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        tracing::info!("shutting down");
        cancel.cancel();
    });
    Ok(token)
}
