//! Fair queueing of the lanes: two round-robin queues that alternate, one of live lanes and one of lanes with a
//! backlog. A lane is live if its next job is a first attempt and younger than five seconds.
//!
//! So at most one request of a backlog goes between two live requests, however many webhooks have a backlog. And live
//! events leave at least half of all requests to the backlog.

use crate::queue::job::Job;
use entity::{Timestamp, WebhookId};
use std::{collections::VecDeque, time::Duration};

/// The age from which a first attempt counts as backlog.
const BACKLOG_AGE: Duration = Duration::from_secs(5);

/// Returns whether a job that has waited since `since` is still live.
pub(crate) fn is_live(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) < BACKLOG_AGE
}

/// The round-robin queues. A lane is in one of them at most; the caller ensures it.
#[derive(Debug, Default)]
pub(crate) struct RoundRobin {
    live: VecDeque<WebhookId>,
    behind: VecDeque<WebhookId>,
    /// True when the last lane taken was live.
    live_was_last: bool,
}

impl RoundRobin {
    /// Appends a lane to the queue that its next job belongs to.
    pub(crate) fn push(&mut self, webhook_id: WebhookId, next: Option<&Job>, now: Timestamp) {
        let is_live = next.is_some_and(|job| job.attempt_count == 0 && is_live(job.created_at, now));
        match is_live {
            true => self.live.push_back(webhook_id),
            false => self.behind.push_back(webhook_id),
        }
    }

    pub(crate) fn pop(&mut self) -> Option<WebhookId> {
        let is_live = !self.live.is_empty() && (self.behind.is_empty() || !self.live_was_last);
        self.live_was_last = is_live;
        match is_live {
            true => self.live.pop_front(),
            false => self.behind.pop_front(),
        }
    }

    pub(crate) fn remove(&mut self, webhook_id: WebhookId) {
        self.live.retain(|other| *other != webhook_id);
        self.behind.retain(|other| *other != webhook_id);
    }

    pub(crate) fn clear(&mut self) {
        self.live.clear();
        self.behind.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len() + self.behind.len()
    }
}
