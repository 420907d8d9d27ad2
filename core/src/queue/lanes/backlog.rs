//! An index of the lanes that have something to claim from the database, ordered by when it is due. A lane is filed
//! only while it has room, so that the first entry can always be served.

use entity::{Timestamp, WebhookId};
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

/// The position of a lane in the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filing {
    /// The lane holds nothing in memory: one job of it always fits.
    Idle(Timestamp),
    /// The lane holds something: it has room only while the claimable part of the window has.
    Busy(Timestamp),
}

/// The lanes with something to claim and room for it.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    idle: BTreeSet<(Timestamp, WebhookId)>,
    busy: BTreeSet<(Timestamp, WebhookId)>,
}

impl Backlog {
    /// Moves a lane from one position to another.
    pub(crate) fn refile(&mut self, webhook_id: WebhookId, from: Option<Filing>, to: Option<Filing>) {
        if from == to {
            return;
        }
        if let Some(place) = from {
            let (set, due) = self.at(place);
            set.remove(&(due, webhook_id));
        }
        if let Some(place) = to {
            let (set, due) = self.at(place);
            set.insert((due, webhook_id));
        }
    }

    /// Returns the lane that is due first. Busy lanes count only while the window has room for claims.
    pub(crate) fn first(&self, has_room: bool) -> Option<(Timestamp, WebhookId)> {
        let busy = self.busy.first().filter(|_| has_room);
        self.idle.first().into_iter().chain(busy).min().copied()
    }

    /// Returns, of the lanes that are due by `now`, the one that became due last.
    pub(crate) fn last(&self, has_room: bool, now: Timestamp) -> Option<(Timestamp, WebhookId)> {
        let due = ..(now.plus(Duration::from_micros(1)), WebhookId::from(Uuid::nil()));
        let busy = self.busy.range(due).next_back().filter(|_| has_room);
        self.idle.range(due).next_back().into_iter().chain(busy).max().copied()
    }

    fn at(&mut self, place: Filing) -> (&mut BTreeSet<(Timestamp, WebhookId)>, Timestamp) {
        match place {
            Filing::Idle(due) => (&mut self.idle, due),
            Filing::Busy(due) => (&mut self.busy, due),
        }
    }
}
