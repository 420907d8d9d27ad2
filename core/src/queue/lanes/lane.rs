//! One lane: the jobs of one webhook in memory, its limits, and the rules for holding more.

use super::{backlog::Filing, token_bucket::Bucket};
use crate::{delivery::limit::Limit, queue::job::Job};
use entity::Timestamp;
use std::{collections::VecDeque, time::Duration};

/// The longest a job in memory may wait for its rate-limiter token. A job that would wait longer stays in the database:
/// there it shows when it is due, and it takes no place that other lanes need.
const TOKEN_HORIZON: Duration = Duration::from_secs(5);
/// A rate-limited lane claims when its next job would wait no longer than this. It then claims for all of
/// [`TOKEN_HORIZON`], so that it claims in batches.
const CLAIM_HORIZON: Duration = Duration::from_millis(2_500);

/// The relation of a lane to the round-robin queue. The transitions are drawn in the documentation of the parent
/// module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// Not in the queue.
    #[default]
    Idle,
    /// In the queue.
    Queued,
    /// Out of the queue until its next token. It has jobs.
    Paused(Timestamp),
    /// Out of the queue and empty. It is remembered until its bucket is full.
    Resting(Timestamp),
}

/// The state of one lane. The states and their transitions are drawn in the documentation of the parent module.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) queue: VecDeque<Job>,
    pub(crate) held: usize,
    /// True when its last places were taken for jobs that had waited in the database: the lane has a backlog.
    pub(crate) is_behind: bool,
    /// Places of `held` whose jobs were taken from the queue and are not yet recorded.
    pub(crate) taken: usize,
    pub(crate) in_flight: usize,
    pub(crate) limit: Limit,
    pub(crate) bucket: Option<Bucket>,
    pub(crate) schedule: Schedule,
    /// The moment from which the database has something for this lane that is not in memory.
    pub(crate) due: Option<Timestamp>,
    pub(crate) filing: Option<Filing>,
    /// The moment until which its webhook's circuit breaker is open. A lane whose breaker is not closed holds one job
    /// at most.
    pub(crate) shut: Option<Timestamp>,
}

impl Lane {
    /// Notes that the database has something for this lane from `due` on.
    pub(crate) fn note(&mut self, due: Timestamp) {
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
    }

    /// Takes places in the window.
    pub(crate) fn take(&mut self, count: usize, is_behind: bool) {
        self.held += count;
        self.is_behind = is_behind;
    }

    /// Returns whether the lane holds something and has no backlog.
    pub(crate) fn is_live(&self) -> bool {
        self.held > 0 && !self.is_behind
    }

    /// Returns whether one more job that is due at `due` may be held: nothing older waits in the database, its token
    /// comes soon, and the lane's share of the window has room.
    pub(crate) fn fits(&self, due: Timestamp, share: usize, has_room: bool) -> bool {
        let waits = self.due.is_some_and(|known| known <= due) || self.is_shut(due);
        let free = self.held == 0 || (has_room && self.held < self.most(share));
        !waits && free && self.tokens(due) > 0
    }

    /// Returns the most jobs that the lane may hold: its share, or one while its breaker is not closed.
    pub(crate) fn most(&self, share: usize) -> usize {
        if self.shut.is_some() { 1 } else { share }
    }

    /// Returns whether the breaker forbids sending now.
    pub(crate) fn is_shut(&self, now: Timestamp) -> bool {
        self.shut.is_some_and(|until| now < until)
    }

    /// Returns the tokens that come within [`TOKEN_HORIZON`] and that no job in memory waits for.
    pub(crate) fn tokens(&self, now: Timestamp) -> usize {
        let coming = self.bucket.map(|bucket| bucket.within(now, TOKEN_HORIZON));
        coming.map_or(usize::MAX, |tokens| tokens.saturating_sub(self.waiting()))
    }

    fn waiting(&self) -> usize {
        self.held - self.taken
    }

    /// Returns the lane's position in the backlog. A lane claims when half its share is free, so that it claims in
    /// batches, and not long before its tokens come.
    pub(crate) fn filing(&self, share: usize) -> Option<Filing> {
        let due = self
            .shut
            .into_iter()
            .chain(self.due)
            .max()
            .filter(|_| self.due.is_some())?;
        let paced = |bucket: &Bucket| bucket.when(self.waiting() + 1).minus(CLAIM_HORIZON);
        let due = self.bucket.as_ref().map_or(due, |bucket| due.max(paced(bucket)));
        match self.held {
            0 => Some(Filing::Idle(due)),
            held if held <= share / 2 && self.shut.is_none() => Some(Filing::Busy(due)),
            _ => None,
        }
    }
}
