//! [`Task`]: what the driver has to know of a kind of work.

use super::plan::Plan;
use crate::Result;
use std::{fmt::Debug, future::pending, hash::Hash, time::Duration};

/// One kind of work that runs by itself. Everything that is to be done is in the database, so a task may be dropped at
/// any moment and a new one goes on.
pub(super) trait Task: Send {
    /// The thing that one step works on: a deletion, one webhook's part of a replay.
    type Item: Send;
    /// The identity of an item from run to run.
    type Key: Copy + Eq + Hash + Debug + Send + Sync;

    fn plan(&self) -> Plan;

    fn key(item: &Self::Item) -> Self::Key;

    /// Lists the first items, or those behind `after`, some at a time. An empty list ends the round.
    fn items(&mut self, after: Option<Self::Key>) -> impl Future<Output = Result<Vec<Self::Item>>> + Send;

    /// Does a bounded part of the work.
    fn step(&mut self, item: Self::Item) -> impl Future<Output = Result<Progress>> + Send;

    /// Ends when there may be something to do before the period is over. A signal that arrives during a run must not be
    /// lost. `is_waiting`: a step of the last run was [`Progress::Waiting`].
    fn woken(&mut self, is_waiting: bool) -> impl Future<Output = ()> + Send {
        let _ = is_waiting;
        pending()
    }
}

/// Lists the one item of a task that has no others.
pub(super) fn once(after: Option<()>) -> Vec<()> {
    match after {
        None => vec![()],
        Some(()) => Vec::new(),
    }
}

/// The longest back-off of an item, for tasks that have no reason to choose another.
pub(super) const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// The result of a step that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It got something done, and there may be more to do.
    More,
    /// There is more to do, which must wait for something else.
    Waiting,
    /// There is nothing left to do for now.
    Idle,
}
