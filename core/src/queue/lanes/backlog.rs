//! Which lanes have something to claim from the database, in the order of when. A lane is filed only while it has room,
//! so that the first entry is always one that can be served.

use entity::{Timestamp, WebhookId};
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

/// Where a lane stands in the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It holds nothing in memory: one job of it always fits.
    Idle(Timestamp),
    /// It holds something: it has room while claims have.
    Busy(Timestamp),
}

/// Lanes with something to claim, and room for it.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    idle: BTreeSet<(Timestamp, WebhookId)>,
    busy: BTreeSet<(Timestamp, WebhookId)>,
}

impl Backlog {
    /// Moves a lane from one place to another.
    pub(crate) fn refile(&mut self, webhook_id: WebhookId, from: Option<Place>, to: Option<Place>) {
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

    /// The lane that is due first; busy ones count only while there is room to claim.
    pub(crate) fn first(&self, has_room: bool) -> Option<(Timestamp, WebhookId)> {
        let busy = self.busy.first().filter(|_| has_room);
        self.idle.first().into_iter().chain(busy).min().copied()
    }

    /// Of the lanes that are due by `now`, the one that is due last.
    pub(crate) fn last(&self, has_room: bool, now: Timestamp) -> Option<(Timestamp, WebhookId)> {
        let due = ..(now.plus(Duration::from_micros(1)), WebhookId::from(Uuid::nil()));
        let busy = self.busy.range(due).next_back().filter(|_| has_room);
        self.idle.range(due).next_back().into_iter().chain(busy).max().copied()
    }

    fn at(&mut self, place: Place) -> (&mut BTreeSet<(Timestamp, WebhookId)>, Timestamp) {
        match place {
            Place::Idle(due) => (&mut self.idle, due),
            Place::Busy(due) => (&mut self.busy, due),
        }
    }
}
