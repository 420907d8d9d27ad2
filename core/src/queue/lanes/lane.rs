//! One lane: what it holds, what its webhook allows, and whether it may hold more.

use super::{backlog::Place, token_bucket::Bucket};
use crate::{delivery::limit::Limit, queue::job::Job};
use entity::Timestamp;
use std::{collections::VecDeque, time::Duration};

/// What would wait longer than this for its token stays in the database: there it shows when it is due, and it holds no
/// place that others need.
const AHEAD: Duration = Duration::from_secs(5);
/// A lane claims when a claimed job would wait no longer than this, and then for all of [`AHEAD`]: by the batch.
const SOON: Duration = Duration::from_millis(2_500);

#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) queue: VecDeque<Job>,
    pub(crate) held: usize,
    /// What it took last came from the database, where it had waited for long.
    pub(crate) is_behind: bool,
    /// Of these, the ones that were taken and are not recorded.
    pub(crate) taken: usize,
    pub(crate) in_flight: usize,
    pub(crate) limit: Limit,
    pub(crate) bucket: Option<Bucket>,
    /// It is in line, or its turn has come and waits for a token.
    pub(crate) waits_for_turn: bool,
    /// Until when: for its next token, or, with nothing left, until its bucket is full.
    pub(crate) pause: Option<Timestamp>,
    /// From when the database has something for this lane that is not in memory.
    pub(crate) due: Option<Timestamp>,
    pub(crate) filed: Option<Place>,
    /// Until when its webhook's breaker is open; then it holds one job at most.
    pub(crate) shut: Option<Timestamp>,
}

impl Lane {
    pub(crate) fn note(&mut self, due: Timestamp) {
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
    }

    /// Takes places.
    pub(crate) fn take(&mut self, count: usize, is_behind: bool) {
        self.held += count;
        self.is_behind = is_behind;
    }

    /// Whether it holds something, and is not behind.
    pub(crate) fn is_live(&self) -> bool {
        self.held > 0 && !self.is_behind
    }

    /// Whether one more that is due at `due` may be held: behind nothing older, not long before its token comes, and
    /// within the lane's share.
    pub(crate) fn fits(&self, due: Timestamp, share: usize, has_room: bool) -> bool {
        let waits = self.due.is_some_and(|known| known <= due) || self.is_shut(due);
        let free = self.held == 0 || (has_room && self.held < self.most(share));
        !waits && free && self.tokens(due) > 0
    }

    /// How many it may hold: of its share, or one alone.
    pub(crate) fn most(&self, share: usize) -> usize {
        if self.shut.is_some() { 1 } else { share }
    }

    /// Whether nothing may be sent now.
    pub(crate) fn is_shut(&self, now: Timestamp) -> bool {
        self.shut.is_some_and(|until| now < until)
    }

    /// Tokens that come soon and that nothing in memory waits for.
    pub(crate) fn tokens(&self, now: Timestamp) -> usize {
        let coming = self.bucket.map(|bucket| bucket.within(now, AHEAD));
        coming.map_or(usize::MAX, |tokens| tokens.saturating_sub(self.waiting()))
    }

    fn waiting(&self) -> usize {
        self.held - self.taken
    }

    /// A lane claims when half its share is free: by the batch, not one by one; and not long before its tokens come.
    pub(crate) fn place(&self, share: usize) -> Option<Place> {
        let due = self
            .shut
            .into_iter()
            .chain(self.due)
            .max()
            .filter(|_| self.due.is_some())?;
        let paced = |bucket: &Bucket| bucket.when(self.waiting() + 1).minus(SOON);
        let due = self.bucket.as_ref().map_or(due, |bucket| due.max(paced(bucket)));
        match self.held {
            0 => Some(Place::Idle(due)),
            held if held <= share / 2 && self.shut.is_none() => Some(Place::Busy(due)),
            _ => None,
        }
    }
}
