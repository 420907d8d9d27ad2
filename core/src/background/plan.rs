//! The plan of a background task: what is known of it before it runs.

use std::time::Duration;

/// The nodes that a task runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsOn {
    /// The one node that leads.
    Leader,
    /// Each node, for the webhooks that it sends to.
    Owner,
    /// Each node, for itself.
    EveryNode,
}

impl RunsOn {
    /// Returns its name as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Owner => "owner",
            Self::EveryNode => "everyNode",
        }
    }
}

/// The fixed properties of a task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) runs_on: RunsOn,
    /// The time after which the task looks without being woken.
    pub(super) period: Duration,
    /// The limit of the back-off, which begins with one period. Zero: an item that failed is part of the next run.
    pub(super) max_backoff: Duration,
}

impl Plan {
    /// Returns how long an item is left out that has failed so many times in a row before.
    pub(super) fn backoff(&self, failures: u32) -> Duration {
        let doubled = self.period.saturating_mul(1 << failures.min(16));
        doubled.min(self.max_backoff)
    }
}
