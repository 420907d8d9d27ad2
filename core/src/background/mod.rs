//! Work that runs by itself, beside the requests: one file a task, and one [`driver`] for all of them. Entered by
//! [`Background::start`], which the server calls; [`Statuses`] tells how each task fares. A task calls the verbs;
//! nothing below imports this room, and whoever makes work for a task only wakes it ([`crate::wake`]).
//!
//! | task | runs on | work |
//! | --- | --- | --- |
//! | [`heartbeat`] and `membership` | every node | say that this node is alive; follow who else is |
//! | [`hints`] | every node | look where other nodes say |
//! | [`deletions`] | the leader | labels and tasks of what was deleted |
//! | [`workflow_jobs`] | the leader | data rows that become tasks; stages that send again |
//! | [`postponed_matches`] | the leader | events whose filter takes long |
//! | [`replays`] | the owner of a webhook | its part of each replay |
//! | [`listeners`] | every node | webhooks whose listener came, went or stays away |
//! | [`idempotency_keys`] | the leader | answers that are kept no longer |
//! | [`retention`] | the leader | what is too old |

pub mod deletions;
mod driver;
pub mod heartbeat;
pub mod hints;
pub mod idempotency_keys;
pub mod listeners;
mod membership;
mod plan;
pub mod postponed_matches;
pub mod replays;
pub mod retention;
pub(crate) mod status;
mod task;
pub mod workflow_jobs;

pub use plan::RunsOn;
pub use status::{Failure, Status, Statuses};

use crate::{App, Error, Result, dispatcher};
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Everything that runs by itself in this process, the dispatcher included. None of it ends before it is told to.
pub struct Background {
    app: Arc<App>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    /// The last to stop: what the others do while they end is told to other nodes.
    hints: JoinSet<()>,
    stop_hints: CancellationToken,
}

impl Background {
    /// Starts every task.
    pub fn start(app: &Arc<App>) -> Self {
        let (stop, stop_hints) = (CancellationToken::new(), CancellationToken::new());
        let (mut tasks, mut hints) = (JoinSet::new(), JoinSet::new());
        tasks.spawn(heartbeat::run(Arc::clone(app), stop.clone()));
        tasks.spawn(dispatcher::run(Arc::clone(app), stop.clone()));
        tasks.spawn(deletions::run(Arc::clone(app), stop.clone()));
        tasks.spawn(workflow_jobs::run(Arc::clone(app), stop.clone()));
        tasks.spawn(postponed_matches::run(Arc::clone(app), stop.clone()));
        tasks.spawn(replays::run(Arc::clone(app), stop.clone()));
        tasks.spawn(listeners::run(Arc::clone(app), stop.clone()));
        tasks.spawn(idempotency_keys::run(Arc::clone(app), stop.clone()));
        tasks.spawn(retention::run(Arc::clone(app), stop.clone()));
        hints.spawn(hints::run(Arc::clone(app), stop_hints.clone()));
        Self {
            app: Arc::clone(app),
            tasks,
            stop,
            hints,
            stop_hints,
        }
    }

    /// Waits until a task ends although nobody has told it to, as one that panics does. A process that answers and
    /// delivers nothing is worse than none, so the server stops then.
    pub async fn ended(&mut self) -> Error {
        tokio::select! {
            error = first_end(&mut self.tasks) => error,
            error = first_end(&mut self.hints) => error,
        }
    }

    /// Stops the tasks, each after what it must finish, says goodbye to the other nodes, and stops what carries that.
    /// Fails when a task panicked.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        let tasks = all_ended(&mut self.tasks).await;
        heartbeat::leave(&self.app).await;
        self.stop_hints.cancel();
        let hints = all_ended(&mut self.hints).await;
        tasks.and(hints)
    }
}

async fn first_end(tasks: &mut JoinSet<()>) -> Error {
    match tasks.join_next().await {
        Some(Err(panicked)) => Error::internal(panicked),
        Some(Ok(())) | None => Error::internal("a background task ended by itself"),
    }
}

async fn all_ended(tasks: &mut JoinSet<()>) -> Result<()> {
    let mut first = Ok(());
    while let Some(ended) = tasks.join_next().await {
        first = first.and(ended.map_err(Error::internal));
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    fn cause(error: &Error) -> String {
        error.source().expect("an internal error has a source").to_string()
    }

    #[tokio::test]
    async fn the_end_of_a_task_that_nobody_stopped_is_told_with_its_cause() {
        let mut tasks = JoinSet::new();
        tasks.spawn(std::future::pending());
        tasks.spawn(async { panic!("a test of panics") });
        assert!(cause(&first_end(&mut tasks).await).contains("panicked"));
        tasks.spawn(async {});
        assert!(cause(&first_end(&mut tasks).await).contains("ended by itself"));
    }

    #[tokio::test]
    async fn a_task_that_panics_while_it_stops_does_not_keep_the_others_from_stopping() {
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let until = stop.clone();
        tasks.spawn(async move { until.cancelled().await });
        tasks.spawn(async { panic!("a test of panics") });
        stop.cancel();
        assert!(cause(&all_ended(&mut tasks).await.unwrap_err()).contains("panicked"));
        assert!(tasks.is_empty());
    }
}
