//! Lanes in line for their turn. Two lines go by turns: of lanes whose next job tells of what has just happened, and of lanes
//! that are behind. So a backlog of however many webhooks keeps no live event waiting for more than one of its own, and
//! live events leave a backlog half of all turns at least.

use crate::queue::job::Job;
use entity::{Timestamp, WebhookId};
use std::{collections::VecDeque, time::Duration};

/// What happened longer ago is behind, and so is what has been tried before.
const JUST: Duration = Duration::from_secs(5);

/// Whether what has waited since that moment is not behind.
pub(crate) fn has_just_come(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) < JUST
}

/// Lanes in line. Each stands in it once at most; whoever adds one sees to that.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    live: VecDeque<WebhookId>,
    behind: VecDeque<WebhookId>,
    /// The last turn went to a lane that is not behind.
    live_had_it: bool,
}

impl Turns {
    /// Lines a lane up by the job that it would send next.
    pub(crate) fn push(&mut self, webhook_id: WebhookId, next: Option<&Job>, now: Timestamp) {
        let is_live = next.is_some_and(|job| job.attempt_count == 0 && has_just_come(job.created_at, now));
        match is_live {
            true => self.live.push_back(webhook_id),
            false => self.behind.push_back(webhook_id),
        }
    }

    pub(crate) fn pop(&mut self) -> Option<WebhookId> {
        let is_live = !self.live.is_empty() && (self.behind.is_empty() || !self.live_had_it);
        self.live_had_it = is_live;
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
