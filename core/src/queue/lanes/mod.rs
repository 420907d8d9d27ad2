//! Fair queueing of jobs in memory: one lane a webhook, each with its own limit of requests in flight and its own share
//! of the window, served round robin. A slow or dead webhook delays no other one.
//!
//! Commits and claims put jobs in; the dispatcher takes them out. No I/O happens here: times come in, jobs go out. This
//! module must never import the database.
//!
//! The window is the bounded number of jobs that this process holds in memory ([`window`]): the prefetch of the
//! database's queue, and its backpressure. A job gets a place in it when its notification is written or claimed
//! (*reserved*). It is *offered* after that commit, *taken* to be sent, and *done* when its outcome is recorded. What
//! does not fit stays in the database, and the lane notes from when there is something to claim ([`backlog`]).
//!
//! A lane whose next job has waited for five seconds, or was attempted before, has a backlog. Lanes with a backlog
//! share half of the requests; live lanes get the other half ([`round_robin`]) and have places in the window of their
//! own.
//!
//! A lane whose webhook has a rate limit takes a token with each job ([`token_bucket`]). A job that would wait long for
//! its token is neither reserved nor claimed ([`lane`]).
//!
//! A lane whose webhook's circuit breaker is open ([`Lanes::shut`]) sends and claims nothing; its queued jobs are
//! released to the database ([`Lanes::take_released`]). From the moment of the probe on it holds one job at a time.
//!
//! The states of a lane:
//!
//! | State | Event | Next state |
//! |---|---|---|
//! | Unknown: nothing is remembered | a place is reserved, or something is due in the database | Idle |
//! | Idle: not in the round-robin queue | a job is offered, a request ends or the limits change; a job is queued and the lane is below its limit in flight | Queued |
//! | Idle | its last place is freed and nothing is due | Resting with a rate limit, else Unknown |
//! | Queued: in the round-robin queue | its turn comes: a job is taken | Queued if it has more jobs and is below its limit in flight, else Idle |
//! | Queued | its turn comes: the bucket is empty | Paused until the next token |
//! | Queued | its turn comes: its jobs were canceled | Idle |
//! | Paused | its token has come, or its limits change | Queued |
//! | Resting: remembers its bucket alone | the bucket is full | Unknown |
//! | Resting | a job is offered | Queued |
//! | any but Unknown | the breaker opens | Shut until the probe; its queued jobs are released |
//! | Shut | the moment of the probe comes | Idle, with one job at a time until the breaker closes |
//! | Shut | the breaker closes | Idle |

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

/// The most lanes in one claim.
const MAX_CLAIM_LANES: usize = 128;

/// All lanes of this node. The lock is cheap: nothing waits while it is held, and nothing walks through all lanes but a
/// change of ownership and a shutdown.
#[derive(Debug)]
pub struct Lanes {
    nodes: Arc<Nodes>,
    state: Mutex<State>,
    wake: Notify,
    /// Webhooks that have something to claim and that another node owns.
    elsewhere: Mutex<BTreeSet<WebhookId>>,
    elsewhere_changed: Notify,
}

/// The claim budget of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimBudget {
    /// The webhook of the lane.
    pub webhook_id: WebhookId,
    /// The most notifications to claim.
    pub count: usize,
}

impl Lanes {
    /// Makes the lanes of a node, with a window of this size.
    pub fn new(window: Window, nodes: Arc<Nodes>) -> Self {
        Self {
            nodes,
            state: Mutex::new(State::new(window)),
            wake: Notify::new(),
            elsewhere: Mutex::default(),
            elsewhere_changed: Notify::new(),
        }
    }

    /// Returns the id of this node, which holds the claims.
    pub fn node_id(&self) -> NodeId {
        self.nodes.id()
    }

    /// Returns whether this node sends to a webhook.
    pub(crate) fn owns(&self, id: WebhookId) -> bool {
        self.nodes.owns(id)
    }

    /// Notes webhooks that have something to claim and that other nodes own, so that those are told.
    pub(crate) fn note_elsewhere(&self, ids: impl IntoIterator<Item = WebhookId>) {
        let mut elsewhere = self.elsewhere.lock().expect("held for a look only");
        elsewhere.extend(ids);
        if !elsewhere.is_empty() {
            self.elsewhere_changed.notify_one();
        }
    }

    /// Waits for webhooks that other nodes must be told of, and takes them.
    pub(crate) async fn take_elsewhere(&self) -> BTreeSet<WebhookId> {
        loop {
            let mut told = std::pin::pin!(self.elsewhere_changed.notified());
            told.as_mut().enable();
            let ids = std::mem::take(&mut *self.elsewhere.lock().expect("held for a take only"));
            if !ids.is_empty() {
                return ids;
            }
            told.await;
        }
    }

    /// Reserves a place in the window for a job that is due now, at `due`. Returns `false` when the lane's share or the
    /// window is full, when the job would wait long for a token, or when older ones wait in the database. The lane then
    /// notes that the database has it.
    pub fn reserve(&self, webhook_id: WebhookId, limit: Limit, due: Timestamp) -> bool {
        self.owns(webhook_id) && self.nodes.is_alive() && self.change(|state| state.reserve(webhook_id, limit, due))
    }

    /// Gives back a place that was reserved and not used.
    pub fn unreserve(&self, webhook_id: WebhookId) {
        self.change(|state| state.update(webhook_id, |lane| lane.held -= 1));
    }

    /// Queues jobs whose places are reserved, and wakes the dispatcher.
    pub fn offer(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut state = self.state();
        jobs.into_iter().for_each(|job| state.queue(job));
        drop(state);
        self.wake.notify_one();
    }

    /// Notes that the database has something for this lane from `due` on, and the lane's limits. If another node owns
    /// the lane, that node is told.
    pub fn note_due(&self, webhook_id: WebhookId, limit: Limit, due: Timestamp) {
        if !self.owns(webhook_id) {
            return self.note_elsewhere([webhook_id]);
        }
        self.change(|state| {
            state.allow(webhook_id, limit);
            state.update(webhook_id, |lane| lane.note(due));
        });
    }

    /// Takes the next job in round-robin order, with a token of its lane's bucket. A lane whose bucket is empty pauses.
    /// The dispatcher is woken when that pause is the first to end.
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

    /// Notes that a request has ended: the lane may send its next. The job keeps its place until [`Lanes::done`]. The
    /// caller takes the next job itself, so the dispatcher is not woken.
    pub fn request_ended(&self, webhook_id: WebhookId) {
        self.state().request_ended(webhook_id);
    }

    /// Notes that a webhook's circuit breaker is open until `until`, or has closed. The jobs that the lane has queued
    /// are returned by [`Lanes::take_released`]. Until that moment the lane claims and sends nothing; from then on, one
    /// job at a time.
    pub fn shut(&self, webhook_id: WebhookId, until: Option<Timestamp>) {
        self.change(|state| state.shut(webhook_id, until));
    }

    /// Takes the jobs whose claims must be released. Each keeps its place until it is done. Every caller of
    /// [`Lanes::take`] calls this too.
    pub fn take_released(&self) -> Vec<Job> {
        self.state().take_released()
    }

    /// Frees the place of a job whose outcome is recorded. A retry is in the database from `retry` on.
    pub fn done(&self, webhook_id: WebhookId, retry: Option<Timestamp>) {
        let owns = self.owns(webhook_id);
        if retry.is_some() && !owns {
            self.note_elsewhere([webhook_id]);
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

    /// Forgets notifications that are recorded: this node does not claim them any more.
    pub(crate) fn forget(&self, ids: impl IntoIterator<Item = NotificationId>) {
        let mut state = self.state();
        for id in ids {
            state.known.remove(&id);
        }
    }

    /// Returns those of the notifications claimed by this node that are not in its memory.
    pub(crate) fn orphaned(&self, claimed: impl IntoIterator<Item = NotificationId>) -> HashSet<NotificationId> {
        let state = self.state();
        claimed.into_iter().filter(|id| !state.known.contains(id)).collect()
    }

    /// Removes a canceled job, if it is still queued or is being claimed.
    pub fn cancel(&self, webhook_id: WebhookId, notification_id: NotificationId) {
        self.change(|state| state.cancel(webhook_id, notification_id));
    }

    /// Returns claim budgets, of at most [`MAX_CLAIM_LANES`] lanes that have something due and room for it. They
    /// alternate between the lane that is due first and the one that became due last, if that was just now. The notes
    /// of these lanes are cleared, so every claim must end in [`Lanes::claimed`] or [`Lanes::not_claimed`].
    pub fn claim_budgets(&self, now: Timestamp) -> Vec<ClaimBudget> {
        let mut state = self.state();
        let budgets: Vec<ClaimBudget> = std::iter::from_fn(|| state.next_claim_budget(now))
            .take(MAX_CLAIM_LANES)
            .collect();
        state.claims += usize::from(!budgets.is_empty());
        budgets
    }

    /// Takes in a committed claim: queues its jobs, frees the places it did not fill and notes what is left in the
    /// database. Wakes the dispatcher.
    pub(crate) fn claimed(&self, budgets: &[ClaimBudget], claim: Claim) {
        let mut state = self.state();
        let mut unused: HashMap<WebhookId, usize> = budgets.iter().map(|room| (room.webhook_id, room.count)).collect();
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

    /// Takes back a claim that failed: the lanes claim again at `again`.
    pub(crate) fn not_claimed(&self, budgets: &[ClaimBudget], again: Timestamp) {
        self.change(|state| {
            for room in budgets {
                state.update(room.webhook_id, |lane| {
                    lane.note(again);
                    lane.held -= room.count;
                });
            }
            state.end_claim();
        });
    }

    /// Returns when the next lane with room has something to claim.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.state().next_due()
    }

    /// Returns when the first pause of a lane ends.
    pub fn next_turn(&self) -> Option<Timestamp> {
        self.state().next_turn()
    }

    /// Returns how many jobs of a webhook are queued, in flight or reserved.
    pub fn held(&self, webhook_id: WebhookId) -> usize {
        self.state().held(webhook_id)
    }

    /// Returns whether nothing is queued, in flight or reserved.
    pub fn is_idle(&self) -> bool {
        self.state().held == 0
    }

    /// Returns the number of requests in flight.
    pub fn in_flight(&self) -> usize {
        self.state().in_flight
    }

    /// Takes every queued job out, for a shutdown that releases claims. Each keeps its place until it is done.
    pub fn take_queued(&self) -> Vec<Job> {
        self.state().take_queued()
    }

    /// Releases the queued jobs of lanes that other nodes own now: [`Lanes::take_released`] returns them.
    pub(crate) fn reown(&self) {
        self.change(|state| state.release_lost(|id| !self.nodes.owns(id)));
    }

    /// Drops all queued jobs, because other nodes have taken their claims over. Returns how many.
    pub(crate) fn drop_queued(&self) -> usize {
        self.change(State::drop_queued)
    }

    /// Wakes the dispatcher.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until something may have changed. The caller enables the future before it looks, so that no signal between
    /// the look and the wait is lost.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.wake.notified()
    }

    /// Changes the state. Wakes the dispatcher when something can be claimed earlier than before, or can be sent.
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

/// Returns whether `moment` comes before `than`, or is the only one.
fn earlier(moment: Option<Timestamp>, than: Option<Timestamp>) -> bool {
    moment.is_some_and(|moment| than.is_none_or(|than| moment < than))
}
