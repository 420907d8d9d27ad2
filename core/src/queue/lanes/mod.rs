//! Station 8, whose turn is it: one lane a webhook, with its own limit of requests in flight and its own share of the
//! window, served round robin, so that a slow or dead webhook delays nobody else. No I/O: times come in, jobs go out.
//!
//! The window is what this process holds in memory. A job in it was *reserved* when its notification was written or
//! claimed, is *offered* after that commit, *taken* to be sent, and *done* when its outcome is recorded. What does not
//! fit stays in the database, and the lane remembers from when there is something there to claim ([`backlog`]).
//!
//! Lanes whose next job is behind, by five seconds or by an attempt, share their half of the turns among them; what has just
//! happened goes by turns with all of them together ([`turns`]), and has places in the window of its own.
//!
//! A lane whose webhook has a rate takes a token with each job ([`bucket`]). With none left it leaves the line until the
//! next one is there; what would wait for one long is neither reserved nor claimed ([`lane`]).
//!
//! A lane whose webhook's breaker is open ([`Lanes::shut`]) holds nothing, and from the moment of its probe on one job at a
//! time. What it held goes back to the database ([`Lanes::back`]).

mod admission;
mod backlog;
mod lane;
mod round_robin;
mod state;
#[cfg(test)]
mod tests;
mod token_bucket;
mod window;

pub use window::Window;

use super::{claim::Claim, job::Job};
use crate::{delivery::limit::Limit, node::Nodes};
use entity::{NodeId, NotificationId, Timestamp, WebhookId};
use state::State;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Notify;

/// Lanes in one claim at most.
const ROOMS: usize = 128;

/// All lanes. Cheap to lock: nothing under the lock waits, and nothing goes through all lanes.
#[derive(Debug)]
pub struct Lanes {
    nodes: Arc<Nodes>,
    state: Mutex<State>,
    wake: Notify,
    /// Webhooks that have something to claim and that another node sends to.
    elsewhere: Mutex<BTreeSet<WebhookId>>,
    told: Notify,
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
    /// Lanes with a window of this size, of a node.
    pub fn new(window: Window, nodes: Arc<Nodes>) -> Self {
        Self {
            nodes,
            state: Mutex::new(State::new(window)),
            wake: Notify::new(),
            elsewhere: Mutex::default(),
            told: Notify::new(),
        }
    }

    /// Who holds what is claimed now.
    pub fn node_id(&self) -> NodeId {
        self.nodes.id()
    }

    /// Whether this node sends to a webhook.
    pub(crate) fn owns(&self, id: WebhookId) -> bool {
        self.nodes.owns(id)
    }

    /// These have something to claim, and other nodes send to them.
    pub(crate) fn tell(&self, ids: impl IntoIterator<Item = WebhookId>) {
        let mut elsewhere = self.elsewhere.lock().expect("held for a look only");
        elsewhere.extend(ids);
        if !elsewhere.is_empty() {
            self.told.notify_one();
        }
    }

    /// Waits for something that other nodes are to be told of.
    pub(crate) async fn to_tell(&self) -> BTreeSet<WebhookId> {
        loop {
            let mut told = std::pin::pin!(self.told.notified());
            told.as_mut().enable();
            let ids = std::mem::take(&mut *self.elsewhere.lock().expect("held for a take only"));
            if !ids.is_empty() {
                return ids;
            }
            told.await;
        }
    }

    /// Takes a place in the window for one job that is due at `due`, which is now. `false` when the lane's share or the
    /// whole is full, when it would wait long for a token, or when older ones wait in the database: then this one waits
    /// behind them, and the lane notes it.
    pub fn reserve(&self, webhook_id: WebhookId, limit: Limit, due: Timestamp) -> bool {
        self.owns(webhook_id) && self.nodes.is_alive() && self.change(|state| state.reserve(webhook_id, limit, due))
    }

    /// Gives a place back that was reserved and not used.
    pub fn give_back(&self, webhook_id: WebhookId) {
        self.change(|state| state.update(webhook_id, |lane| lane.held -= 1));
    }

    /// Queues jobs whose places are reserved, and wakes the dispatcher.
    pub fn offer(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut state = self.state();
        jobs.into_iter().for_each(|job| state.queue(job));
        drop(state);
        self.wake.notify_one();
    }

    /// Notes that the database has something for this lane from `due` on, and what the lane may do. If it is another node's,
    /// that one is told.
    pub fn note_due(&self, webhook_id: WebhookId, limit: Limit, due: Timestamp) {
        if !self.owns(webhook_id) {
            return self.tell([webhook_id]);
        }
        self.change(|state| {
            state.allow(webhook_id, limit);
            state.update(webhook_id, |lane| lane.note(due));
        });
    }

    /// The next job in turn, if a lane has one and may send it now. It takes a token of its lane's bucket along; a lane
    /// whose bucket is empty pauses, and the dispatcher is woken when that pause is the first to end.
    pub fn take(&self, now: Timestamp) -> Option<Job> {
        let mut state = self.state();
        let before = state.next_turn();
        let job = state.take(now);
        let after = state.next_turn();
        drop(state);
        if earlier(after, before) {
            self.wake.notify_one();
        }
        job
    }

    /// A request has ended: the lane may send the next. The job's place stays taken until [`Lanes::done`]. Whoever landed
    /// takes the next job; the dispatcher is not woken for it.
    pub fn landed(&self, webhook_id: WebhookId) {
        self.state().landed(webhook_id);
    }

    /// A webhook's breaker has opened until that moment, or has closed. What its lane holds and has not sent is given out by
    /// [`Lanes::back`]. Before the moment it claims and sends nothing; from then on, one job at a time.
    pub fn shut(&self, webhook_id: WebhookId, until: Option<Timestamp>) {
        self.change(|state| state.shut(webhook_id, until));
    }

    /// Jobs whose claims are to be given back; each keeps its place until it is done. Whoever takes jobs looks here too.
    pub fn back(&self) -> Vec<Job> {
        self.state().back()
    }

    /// An outcome is recorded: its place is free, and a retry is in the database from `retry` on.
    pub fn done(&self, webhook_id: WebhookId, retry: Option<Timestamp>) {
        let owns = self.owns(webhook_id);
        if retry.is_some() && !owns {
            self.tell([webhook_id]);
        }
        let retry = retry.filter(|_| owns);
        self.change(|state| {
            state.update(webhook_id, |lane| {
                retry.into_iter().for_each(|at| lane.note(at));
                lane.held -= 1;
                lane.taken -= 1;
            });
        });
    }

    /// These are recorded: this node claims them no longer.
    pub(crate) fn forget(&self, ids: impl IntoIterator<Item = NotificationId>) {
        let mut state = self.state();
        for id in ids {
            state.known.remove(&id);
        }
    }

    /// Of these notifications, which this node claims, those that are nowhere in its memory.
    pub(crate) fn strays(&self, claimed: impl IntoIterator<Item = NotificationId>) -> HashSet<NotificationId> {
        let state = self.state();
        claimed.into_iter().filter(|id| !state.known.contains(id)).collect()
    }

    /// Takes a canceled job out, if it still waits for its turn or is being claimed.
    pub fn cancel(&self, webhook_id: WebhookId, notification_id: NotificationId) {
        self.change(|state| state.cancel(webhook_id, notification_id));
    }

    /// Lanes with something due in the database and room for it, a bounded number: by turns the one that is due first and the
    /// one that is due last, if that is hardly behind. Their note is taken: every claim ends in [`Lanes::claimed`] or
    /// [`Lanes::not_claimed`].
    pub fn to_claim(&self, now: Timestamp) -> Vec<Room> {
        let mut state = self.state();
        let rooms: Vec<Room> = std::iter::from_fn(|| state.next_room(now)).take(ROOMS).collect();
        state.claims += usize::from(!rooms.is_empty());
        rooms
    }

    /// A claim is committed: its jobs are queued, places that it did not fill are given back, and what is left in the
    /// database is noted. Wakes the dispatcher.
    pub(crate) fn claimed(&self, rooms: &[Room], claim: Claim) {
        let mut state = self.state();
        let mut unused: HashMap<WebhookId, usize> = rooms.iter().map(|room| (room.webhook_id, room.count)).collect();
        for (webhook_id, due) in claim.more {
            state.update(webhook_id, |lane| lane.note(due));
        }
        for job in claim.jobs {
            let canceled = state.canceled.contains(&job.notification_id);
            if !canceled {
                unused.entry(job.webhook_id).and_modify(|count| *count -= 1);
                state.queue(job);
            }
        }
        for (webhook_id, count) in unused {
            state.update(webhook_id, |lane| lane.held -= count);
        }
        state.end_claim();
        drop(state);
        self.wake.notify_one();
    }

    /// A claim failed: it is tried again at `again`.
    pub(crate) fn not_claimed(&self, rooms: &[Room], again: Timestamp) {
        self.change(|state| {
            for room in rooms {
                state.update(room.webhook_id, |lane| {
                    lane.note(again);
                    lane.held -= room.count;
                });
            }
            state.end_claim();
        });
    }

    /// When the next lane with room has something to claim.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.state().next_due()
    }

    /// When the first lane that pauses goes on.
    pub fn next_turn(&self) -> Option<Timestamp> {
        self.state().next_turn()
    }

    /// What of a webhook is queued, in flight or reserved.
    pub fn held(&self, webhook_id: WebhookId) -> usize {
        self.state().held(webhook_id)
    }

    /// Whether nothing is queued, in flight or reserved.
    pub fn is_idle(&self) -> bool {
        self.state().held == 0
    }

    /// Requests in flight now.
    pub fn in_flight(&self) -> usize {
        self.state().in_flight
    }

    /// Takes every queued job out, for a shutdown that gives claims back. Each keeps its place until it is done.
    pub fn drain(&self) -> Vec<Job> {
        self.state().drain()
    }

    /// Who sends to whom has changed: what waits in lanes of other nodes is given out by [`Lanes::back`].
    pub(crate) fn reown(&self) {
        self.change(|state| state.give_up(|id| !self.nodes.owns(id)));
    }

    /// Others have taken over what waits here: it is dropped. Gives how much.
    pub(crate) fn abandon(&self) -> usize {
        self.change(State::abandon)
    }

    /// Tells the dispatcher to look.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until something may have changed. Registers before it returns the future, so a signal between a look and
    /// the wait is not lost.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.wake.notified()
    }

    /// Changes the state, and wakes the dispatcher when there is something to claim earlier than before, or to send.
    fn change<T>(&self, how: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let (due, turn, in_line) = state.outlook();
        let answer = how(&mut state);
        let (next_due, next_turn, now_in_line) = state.outlook();
        drop(state);
        if (next_due.is_some() && next_due != due) || earlier(next_turn, turn) || now_in_line > in_line {
            self.wake.notify_one();
        }
        answer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lanes")
    }
}

fn earlier(moment: Option<Timestamp>, than: Option<Timestamp>) -> bool {
    moment.is_some_and(|moment| than.is_none_or(|than| moment < than))
}
