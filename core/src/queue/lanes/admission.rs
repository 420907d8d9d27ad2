//! Admission to the window: places for new jobs, and claim budgets for what waits in the database. Claim budgets
//! alternate between the lane that is due first and the lane that became due last, if that was less than five seconds
//! ago.

use super::{ClaimBudget, round_robin, state::State};
use crate::delivery::limit::Limit;
use entity::{Timestamp, WebhookId};

impl State {
    /// Takes a place for a new job if it may be held at once; otherwise notes that the database has it.
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

    /// Reserves a claim budget for the next lane: all the room it has. Its note of what is due is cleared.
    pub(crate) fn next_claim_budget(&mut self, now: Timestamp) -> Option<ClaimBudget> {
        self.now = now;
        self.hardly_behind = !self.hardly_behind;
        loop {
            let free = self.window.to_claim().saturating_sub(self.held);
            let (webhook_id, is_behind) = self.next_to_claim(free > 0, now)?;
            let share = if is_behind { self.share() } else { self.live_share() };
            let mut count = 0;
            self.update(webhook_id, |lane| {
                // Without a fresh look the lane's position could stay too early, and this loop would not end.
                lane.bucket.iter_mut().for_each(|bucket| bucket.look(now));
                let places = lane.most(share).saturating_sub(lane.held).min(free);
                count = places.max(usize::from(lane.held == 0)).min(lane.tokens(now));
                if count > 0 {
                    lane.due = None;
                    lane.take(count, is_behind);
                }
            });
            if count > 0 {
                return Some(ClaimBudget { webhook_id, count });
            }
        }
    }

    /// Returns the lane that claims next, and whether it has a backlog.
    fn next_to_claim(&self, has_room: bool, now: Timestamp) -> Option<(WebhookId, bool)> {
        let waits_since = |id: &WebhookId| self.lanes.get(id).and_then(|lane| lane.due);
        let last = self.backlog.last(has_room, now).map(|(_, webhook_id)| webhook_id);
        let last = last.filter(|id| waits_since(id).is_some_and(|due| round_robin::is_live(due, now)));
        match last.filter(|_| self.hardly_behind) {
            Some(webhook_id) => Some((webhook_id, false)),
            None => {
                let (due, webhook_id) = self.backlog.first(has_room)?;
                (due <= now).then_some((webhook_id, true))
            }
        }
    }

    /// Returns the share of a lane with a backlog: all busy lanes together get half the window.
    pub(crate) fn share(&self) -> usize {
        self.window.share(self.busy)
    }

    /// Returns the share of a live lane: it divides half the window with the other live lanes alone, or gets a part of
    /// what is free if that is more, which leaves some for the next one.
    fn live_share(&self) -> usize {
        self.window.share(self.live).max(self.window.spare(self.held))
    }
}
