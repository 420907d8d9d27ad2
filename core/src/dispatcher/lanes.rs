//! Station 8, whose turn is it: one lane a webhook, with its own limit of requests in flight and its own share of the
//! window, served round robin, so that a slow or dead webhook delays nobody else. No I/O: times come in, jobs go out.
//!
//! The window is what this process holds in memory. A job in it was *reserved* when its notification was written or
//! claimed, is *offered* after that commit, *taken* to be sent, and *done* when its outcome is recorded. What does not
//! fit stays in the database, and the lane remembers from when there is something there to claim.

use super::Job;
use entity::{NodeId, NotificationId, Timestamp, WebhookId};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
};
use tokio::sync::Notify;

/// How much the window holds.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Jobs over all lanes.
    pub total: usize,
    /// Jobs of one lane, when few lanes have work. With many, each gets its share of half the window; one job a lane
    /// always fits, so that a window full of dead webhooks stops nobody.
    pub lane: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { total: 4096, lane: 256 }
    }
}

impl Window {
    fn share(self, lanes: usize) -> usize {
        (self.total / (2 * lanes.max(1))).clamp(8, self.lane.max(8))
    }
}

/// All lanes. Cheap to lock: nothing under the lock waits.
#[derive(Debug)]
pub struct Lanes {
    node_id: NodeId,
    state: Mutex<State>,
    window: Window,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    lanes: HashMap<WebhookId, Lane>,
    turns: VecDeque<WebhookId>,
    held: usize,
    in_flight: usize,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Job>,
    held: usize,
    in_flight: usize,
    limit: usize,
    waits_for_turn: bool,
    /// From when the database has something for this lane that is not in memory.
    due: Option<Timestamp>,
}

/// What a lane may claim now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// For which webhook.
    pub webhook_id: WebhookId,
    /// How many at most.
    pub count: usize,
}

impl Lanes {
    /// Lanes with a window of this size.
    pub fn new(window: Window) -> Self {
        Self {
            node_id: NodeId::new(),
            state: Mutex::default(),
            window,
            wake: Notify::new(),
        }
    }

    /// Who holds what is in these lanes.
    pub fn node_id(&self) -> NodeId {
        self.node_id
    }

    /// Takes a place in the window for one job; `false` when the lane's share or the whole is full.
    pub fn reserve(&self, webhook_id: WebhookId) -> bool {
        let state = &mut *self.state();
        let share = self.window.share(state.lanes.len());
        let lane = state.lanes.entry(webhook_id).or_default();
        let fits = lane.held == 0 || (state.held < self.window.total && lane.held < share);
        if fits {
            state.held += 1;
            lane.held += 1;
        }
        fits
    }

    /// Gives places back that were reserved and not used.
    pub fn give_back(&self, webhook_id: WebhookId, count: usize) {
        self.state().give_back(webhook_id, count);
    }

    /// Queues jobs whose places are reserved, and wakes the dispatcher.
    pub fn offer(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut state = self.state();
        for job in jobs {
            let webhook_id = job.webhook_id;
            let lane = state.lanes.entry(webhook_id).or_default();
            lane.limit = job.limit;
            lane.queue.push_back(job);
            state.line_up(webhook_id);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Notes that the database has something for this lane from `due` on, and wakes the dispatcher.
    pub fn note_due(&self, webhook_id: WebhookId, due: Timestamp) {
        let mut state = self.state();
        let lane = state.lanes.entry(webhook_id).or_default();
        lane.due = Some(lane.due.map_or(due, |known| known.min(due)));
        drop(state);
        self.wake.notify_one();
    }

    /// The next job in turn, if a lane has one and may send it.
    pub fn take(&self) -> Option<Job> {
        let state = &mut *self.state();
        while let Some(webhook_id) = state.turns.pop_front() {
            let Some(lane) = state.lanes.get_mut(&webhook_id) else {
                continue;
            };
            lane.waits_for_turn = false;
            let Some(job) = lane.queue.pop_front() else { continue };
            lane.in_flight += 1;
            state.in_flight += 1;
            state.line_up(webhook_id);
            return Some(job);
        }
        None
    }

    /// A request has ended: the lane may send the next. The job's place stays taken until [`Lanes::done`].
    pub fn landed(&self, webhook_id: WebhookId) {
        let mut state = self.state();
        state.in_flight -= 1;
        if let Some(lane) = state.lanes.get_mut(&webhook_id) {
            lane.in_flight -= 1;
        }
        state.line_up(webhook_id);
        drop(state);
        self.wake.notify_one();
    }

    /// An outcome is recorded: its place is free, and a retry is in the database from `retry` on.
    pub fn done(&self, webhook_id: WebhookId, retry: Option<Timestamp>) {
        let mut state = self.state();
        if let (Some(at), Some(lane)) = (retry, state.lanes.get_mut(&webhook_id)) {
            lane.due = Some(lane.due.map_or(at, |known| known.min(at)));
        }
        state.give_back(webhook_id, 1);
    }

    /// Takes a canceled job out, if it still waits for its turn.
    pub fn cancel(&self, webhook_id: WebhookId, notification_id: NotificationId) {
        let state = &mut *self.state();
        let Some(lane) = state.lanes.get_mut(&webhook_id) else {
            return;
        };
        let queued = lane.queue.len();
        lane.queue.retain(|job| job.notification_id != notification_id);
        let canceled = queued - lane.queue.len();
        state.give_back(webhook_id, canceled);
    }

    /// Lanes with something due in the database and room for it. Their note is taken: whoever claims writes a new one
    /// when more is left.
    pub fn to_claim(&self, now: Timestamp) -> Vec<Room> {
        let state = &mut *self.state();
        let share = self.window.share(state.lanes.len());
        let mut free = self.window.total.saturating_sub(state.held);
        let mut rooms = Vec::new();
        for (webhook_id, lane) in &mut state.lanes {
            let count = lane.room(share, free);
            if lane.due.is_none_or(|due| due > now) || count == 0 {
                continue;
            }
            lane.due = None;
            lane.held += count;
            state.held += count;
            free = free.saturating_sub(count);
            rooms.push(Room {
                webhook_id: *webhook_id,
                count,
            });
        }
        rooms
    }

    /// When the next lane with room has something to claim.
    pub fn next_due(&self) -> Option<Timestamp> {
        let state = self.state();
        let share = self.window.share(state.lanes.len());
        let free = self.window.total.saturating_sub(state.held);
        let open = |lane: &&Lane| lane.room(share, free) > 0;
        state.lanes.values().filter(open).filter_map(|lane| lane.due).min()
    }

    /// Whether nothing is queued, in flight or reserved.
    pub fn is_idle(&self) -> bool {
        self.state().held == 0
    }

    /// Requests in flight now.
    pub fn in_flight(&self) -> usize {
        self.state().in_flight
    }

    /// Takes every queued job out, for a shutdown that gives claims back.
    pub fn drain(&self) -> Vec<Job> {
        let state = &mut *self.state();
        state.turns.clear();
        let jobs: Vec<Job> = state.lanes.values_mut().flat_map(|lane| lane.queue.drain(..)).collect();
        for job in &jobs {
            state.give_back(job.webhook_id, 1);
        }
        jobs
    }

    /// Waits until something may have changed. Registers before it returns the future, so a signal between a look and
    /// the wait is not lost.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.wake.notified()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lanes")
    }
}

impl Lane {
    fn room(&self, share: usize, free: usize) -> usize {
        share
            .saturating_sub(self.held)
            .min(free)
            .max(usize::from(self.held == 0))
    }
}

impl State {
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

    /// A lane with nothing left is forgotten, so memory follows what is at work and not what ever was.
    fn give_back(&mut self, webhook_id: WebhookId, count: usize) {
        self.held -= count;
        if let Some(lane) = self.lanes.get_mut(&webhook_id) {
            lane.held -= count;
            if lane.held == 0 && lane.due.is_none() {
                self.lanes.remove(&webhook_id);
            }
        }
    }
}
