//! The lanes themselves and their sums. Every change of a lane's places or of its note goes through [`State::update`],
//! which keeps the sums and the backlog true.

use super::{
    Job, Room, Window,
    backlog::{Backlog, Place},
};
use entity::{NotificationId, Timestamp, WebhookId};
use std::collections::{HashMap, HashSet, VecDeque};

/// Places of one lane at least, when the window is shared by many.
const LEAST: usize = 8;

impl Window {
    /// Places of one lane while this many are at work.
    pub(super) fn share(self, lanes: usize) -> usize {
        let most = self.lane.max(1);
        (self.total / (2 * lanes.max(1))).clamp(LEAST.min(most), most)
    }
}

#[derive(Debug)]
pub(super) struct State {
    window: Window,
    lanes: HashMap<WebhookId, Lane>,
    turns: VecDeque<WebhookId>,
    backlog: Backlog,
    /// Lanes that hold something.
    busy: usize,
    pub(super) held: usize,
    pub(super) in_flight: usize,
    /// Claims under way, and what was canceled meanwhile.
    pub(super) claims: usize,
    pub(super) canceled: HashSet<NotificationId>,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    queue: VecDeque<Job>,
    pub(super) held: usize,
    in_flight: usize,
    limit: usize,
    waits_for_turn: bool,
    /// From when the database has something for this lane that is not in memory.
    due: Option<Timestamp>,
    filed: Option<Place>,
}

impl Lane {
    pub(super) fn note(&mut self, due: Timestamp) {
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
    }

    /// A lane claims when half its share is free: by the batch, not one by one.
    fn place(&self, share: usize) -> Option<Place> {
        let due = self.due?;
        match self.held {
            0 => Some(Place::Idle(due)),
            held if held <= share / 2 => Some(Place::Busy(due)),
            _ => None,
        }
    }
}

impl State {
    pub(super) fn new(window: Window) -> Self {
        Self {
            window,
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            backlog: Backlog::default(),
            busy: 0,
            held: 0,
            in_flight: 0,
            claims: 0,
            canceled: HashSet::new(),
        }
    }

    /// Whether a new job may be held at once.
    pub(super) fn fits(&self, webhook_id: WebhookId, due: Timestamp) -> bool {
        let Some(lane) = self.lanes.get(&webhook_id) else {
            return true;
        };
        let waits = lane.due.is_some_and(|known| known <= due);
        !waits && (lane.held == 0 || (self.held < self.window.total && lane.held < self.share()))
    }

    /// Changes a lane. One with nothing left is forgotten, so memory follows what is at work and not what ever was.
    pub(super) fn update(&mut self, webhook_id: WebhookId, change: impl FnOnce(&mut Lane)) {
        let lane = self.lanes.entry(webhook_id).or_default();
        let before = lane.held;
        change(lane);
        let held = lane.held;
        self.held = self.held + held - before;
        self.busy = self.busy + usize::from(held > 0) - usize::from(before > 0);
        let share = self.share();
        let Some(lane) = self.lanes.get_mut(&webhook_id) else {
            return;
        };
        let place = lane.place(share);
        self.backlog.refile(webhook_id, lane.filed, place);
        lane.filed = place;
        if held == 0 && place.is_none() {
            self.forget(webhook_id);
        }
    }

    pub(super) fn queue(&mut self, job: Job) {
        let webhook_id = job.webhook_id;
        let lane = self.lanes.entry(webhook_id).or_default();
        lane.limit = job.limit;
        lane.queue.push_back(job);
        self.line_up(webhook_id);
    }

    pub(super) fn take(&mut self) -> Option<Job> {
        while let Some(webhook_id) = self.turns.pop_front() {
            let Some(lane) = self.lanes.get_mut(&webhook_id) else {
                continue;
            };
            lane.waits_for_turn = false;
            let Some(job) = lane.queue.pop_front() else { continue };
            lane.in_flight += 1;
            self.in_flight += 1;
            self.line_up(webhook_id);
            return Some(job);
        }
        None
    }

    pub(super) fn landed(&mut self, webhook_id: WebhookId) {
        self.in_flight -= 1;
        if let Some(lane) = self.lanes.get_mut(&webhook_id) {
            lane.in_flight -= 1;
        }
        self.line_up(webhook_id);
    }

    pub(super) fn cancel(&mut self, webhook_id: WebhookId, notification_id: NotificationId) {
        if self.claims > 0 {
            self.canceled.insert(notification_id);
        }
        let Some(lane) = self.lanes.get_mut(&webhook_id) else {
            return;
        };
        let queued = lane.queue.len();
        lane.queue.retain(|job| job.notification_id != notification_id);
        let canceled = queued - lane.queue.len();
        self.update(webhook_id, |lane| lane.held -= canceled);
    }

    pub(super) fn end_claim(&mut self) {
        self.claims -= 1;
        if self.claims == 0 {
            self.canceled.clear();
        }
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.backlog.first(self.held < self.window.total).map(|(due, _)| due)
    }

    /// Reserves all the room of the lane that is due first, and takes its note.
    pub(super) fn next_room(&mut self, now: Timestamp) -> Option<Room> {
        loop {
            let free = self.window.total.saturating_sub(self.held);
            let (due, webhook_id) = self.backlog.first(free > 0)?;
            if due > now {
                return None;
            }
            let share = self.share();
            let held = self.lanes.get(&webhook_id).map_or(0, |lane| lane.held);
            let count = share.saturating_sub(held).min(free).max(usize::from(held == 0));
            self.update(webhook_id, |lane| {
                if count > 0 {
                    lane.due = None;
                    lane.held += count;
                }
            });
            if count > 0 {
                return Some(Room { webhook_id, count });
            }
        }
    }

    pub(super) fn drain(&mut self) -> Vec<Job> {
        self.turns.clear();
        let mut jobs = Vec::new();
        for lane in self.lanes.values_mut() {
            lane.waits_for_turn = false;
            jobs.extend(lane.queue.drain(..));
        }
        jobs
    }

    /// Whether nothing at all is remembered.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let sums = (self.busy, self.held, self.in_flight, self.claims);
        let lists = self.lanes.is_empty() && self.turns.is_empty() && self.canceled.is_empty();
        sums == (0, 0, 0, 0) && lists && self.backlog.first(true).is_none()
    }

    fn share(&self) -> usize {
        self.window.share(self.busy)
    }

    fn line_up(&mut self, webhook_id: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook_id)
            && !lane.waits_for_turn
            && !lane.queue.is_empty()
            && lane.in_flight < lane.limit
        {
            lane.waits_for_turn = true;
            self.turns.push_back(webhook_id);
        }
    }

    /// A turn that was left behind would let the lane's next life exceed its limit.
    fn forget(&mut self, webhook_id: WebhookId) {
        if self.lanes.remove(&webhook_id).is_some_and(|lane| lane.waits_for_turn) {
            self.turns.retain(|other| *other != webhook_id);
        }
    }
}
