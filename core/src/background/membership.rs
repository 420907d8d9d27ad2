//! Acts on changes of membership: lanes change hands, and claims of dead nodes are released. Runs after each renewal of
//! the heartbeat, beside it.

use super::{
    plan::{Plan, RunsOn},
    task::{Progress, Task, once},
};
use crate::{App, Result, wake::Signal};
use std::time::Duration;

pub(super) struct Membership<'a> {
    app: &'a App,
    renewed: Signal,
}

impl<'a> Membership<'a> {
    pub(super) fn new(app: &'a App, renewed: Signal) -> Self {
        Self { app, renewed }
    }
}

impl Task for Membership<'_> {
    type Item = ();
    type Key = ();

    /// The next renewal repeats what failed.
    fn plan(&self) -> Plan {
        Plan {
            name: "membership",
            runs_on: RunsOn::EveryNode,
            period: self.app.nodes.config.lease,
            max_backoff: Duration::ZERO,
        }
    }

    fn key((): &()) {}

    async fn items(&mut self, after: Option<()>) -> Result<Vec<()>> {
        Ok(once(after))
    }

    async fn step(&mut self, (): ()) -> Result<Progress> {
        follow(self.app).await.map(|()| Progress::Idle)
    }

    async fn woken(&mut self, _is_waiting: bool) {
        self.renewed.woken().await;
    }
}

/// Takes over what belongs to this node now, and frees what dead nodes held.
pub(super) async fn follow(app: &App) -> Result<()> {
    let (senders, followed, buried) = app.nodes.news();
    if senders != followed {
        tracing::info!(senders = senders.len(), "the nodes that send have changed");
        app.dispatcher.reown(app).await?;
        app.nodes.change().followed = senders;
    }
    if buried > 0 || app.nodes.leads() {
        app.dispatcher.free_claims(app).await?;
        let mut state = app.nodes.change();
        state.dead = state.dead.saturating_sub(buried);
    }
    Ok(())
}
