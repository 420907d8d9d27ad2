//! Who may hold how much: places for what has just happened, and rooms for what waits in the database, by turns of the lane
//! that is due first and of one that is hardly behind.

use super::{Room, round_robin, state::State};
use crate::delivery::limit::Limit;
use entity::{Timestamp, WebhookId};

impl State {
    /// Takes a place for a new job if it may be held at once, or notes that the database has it.
    pub(crate) fn reserve(&mut self, webhook_id: WebhookId, limit: Limit, due: Timestamp) -> bool {
        self.allow(webhook_id, limit);
        let (share, has_room) = (self.live_share(), self.held < self.window.total);
        let mut fits = false;
        self.update(webhook_id, |lane| {
            fits = lane.fits(due, share, has_room);
            match fits {
                true => lane.take(1, false),
                false => lane.note(due),
            }
        });
        fits
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.backlog
            .first(self.held < self.window.to_claim())
            .map(|(due, _)| due)
    }

    /// Reserves all the room of the lane that is due first, or by turns of one that is hardly behind, and takes its note.
    pub(crate) fn next_room(&mut self, now: Timestamp) -> Option<Room> {
        self.now = now;
        self.hardly_behind = !self.hardly_behind;
        loop {
            let free = self.window.to_claim().saturating_sub(self.held);
            let (webhook_id, is_behind) = self.next_to_claim(free > 0, now)?;
            let share = if is_behind { self.share() } else { self.live_share() };
            let mut count = 0;
            self.update(webhook_id, |lane| {
                // Without a fresh look its place could stay too early, and this loop would not end.
                lane.bucket.iter_mut().for_each(|bucket| bucket.look(now));
                let places = lane.most(share).saturating_sub(lane.held).min(free);
                count = places.max(usize::from(lane.held == 0)).min(lane.tokens(now));
                if count > 0 {
                    lane.due = None;
                    lane.take(count, is_behind);
                }
            });
            if count > 0 {
                return Some(Room { webhook_id, count });
            }
        }
    }

    /// Whose turn it is to claim, and whether it is behind.
    fn next_to_claim(&self, has_room: bool, now: Timestamp) -> Option<(WebhookId, bool)> {
        let waits_since = |id: &WebhookId| self.lanes.get(id).and_then(|lane| lane.due);
        let last = self.backlog.last(has_room, now).map(|(_, webhook_id)| webhook_id);
        let last = last.filter(|id| waits_since(id).is_some_and(|due| round_robin::has_just_come(due, now)));
        match last.filter(|_| self.hardly_behind) {
            Some(webhook_id) => Some((webhook_id, false)),
            None => {
                let (due, webhook_id) = self.backlog.first(has_room)?;
                (due <= now).then_some((webhook_id, true))
            }
        }
    }

    /// Of a lane that is behind: all that are busy leave half the window.
    pub(crate) fn share(&self) -> usize {
        self.window.share(self.busy)
    }

    /// Of a lane whose events come in as they happen: it shares half the window with its like alone, or has a part of what
    /// is free, which leaves the next one some.
    fn live_share(&self) -> usize {
        self.window.share(self.live).max(self.window.spare(self.held))
    }
}
