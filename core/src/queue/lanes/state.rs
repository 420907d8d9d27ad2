//! The lanes and their sums. Every change of a lane's places or of what it notes as due goes through [`State::update`],
//! which keeps the sums and the backlog consistent.

use super::{
    backlog::Backlog,
    lane::{Lane, Schedule},
    round_robin::RoundRobin,
    token_bucket::Bucket,
    window::Window,
};
use crate::{delivery::limit::Limit, queue::job::Job};
use entity::{NotificationId, Timestamp, WebhookId};
use std::collections::{BTreeSet, HashMap, HashSet};

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) window: Window,
    pub(crate) lanes: HashMap<WebhookId, Lane>,
    pub(crate) round_robin: RoundRobin,
    /// The time of the last look.
    pub(crate) now: Timestamp,
    /// Pauses of rate-limited lanes, ordered by their end: lanes that wait for a token, and empty lanes that are
    /// remembered until their bucket is full.
    pauses: BTreeSet<(Timestamp, WebhookId)>,
    pub(crate) backlog: Backlog,
    /// Webhooks whose circuit breaker is open, and until when. Lanes are forgotten; these entries stay until the
    /// breaker closes.
    shut: HashMap<WebhookId, Timestamp>,
    /// Jobs whose claims must be released, because their breaker opened or their lane has moved to another node.
    released: Vec<Job>,
    /// Lanes that hold something, and how many of these are live.
    pub(crate) busy: usize,
    pub(crate) live: usize,
    /// True when the next claim budget goes to a lane that became due just now, if there is one.
    pub(crate) hardly_behind: bool,
    pub(crate) held: usize,
    pub(crate) in_flight: usize,
    /// Claims under way, and notifications canceled meanwhile.
    pub(crate) claims: usize,
    pub(crate) canceled: HashSet<NotificationId>,
    /// Notifications that were queued and are not yet recorded.
    pub(crate) known: HashSet<NotificationId>,
}

impl State {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            lanes: HashMap::new(),
            round_robin: RoundRobin::default(),
            now: Timestamp(0),
            pauses: BTreeSet::new(),
            backlog: Backlog::default(),
            shut: HashMap::new(),
            released: Vec::new(),
            busy: 0,
            live: 0,
            hardly_behind: false,
            held: 0,
            in_flight: 0,
            claims: 0,
            canceled: HashSet::new(),
            known: HashSet::new(),
        }
    }

    /// Sets the limits of a lane. Returns whether they are new. A lane that waits for a token of the old rate is queued
    /// again.
    pub(crate) fn allow(&mut self, webhook_id: WebhookId, limit: Limit) -> bool {
        let lane = self.lane(webhook_id);
        if lane.limit == limit {
            return false;
        }
        lane.limit = limit;
        lane.bucket = limit.rate.map(|rate| Bucket::new(rate, lane.bucket));
        if let Schedule::Paused(at) | Schedule::Resting(at) = lane.schedule {
            lane.schedule = Schedule::Idle;
            self.pauses.remove(&(at, webhook_id));
        }
        self.enqueue(webhook_id);
        true
    }

    /// Changes a lane and updates the sums. A lane with nothing left is forgotten, so that memory follows the lanes at
    /// work.
    pub(crate) fn update(&mut self, webhook_id: WebhookId, change: impl FnOnce(&mut Lane)) {
        let lane = self.lane(webhook_id);
        let (before, was_live) = (lane.held, lane.is_live());
        change(lane);
        let (held, is_live) = (lane.held, lane.is_live());
        self.held = self.held + held - before;
        self.busy = self.busy + usize::from(held > 0) - usize::from(before > 0);
        self.live = self.live + usize::from(is_live) - usize::from(was_live);
        let share = self.share();
        let Some(lane) = self.lanes.get_mut(&webhook_id) else {
            return;
        };
        let place = lane.filing(share);
        self.backlog.refile(webhook_id, lane.filing, place);
        lane.filing = place;
        if held == 0 && place.is_none() {
            match lane.bucket.map(|bucket| bucket.full_at()) {
                None => self.forget(webhook_id),
                Some(full_at) if lane.schedule == Schedule::Idle => self.leave(webhook_id, Schedule::Resting(full_at)),
                Some(_) => {}
            }
        }
    }

    /// Queues a job whose place is reserved.
    pub(crate) fn queue(&mut self, job: Job) {
        let webhook_id = job.webhook_id;
        self.known.insert(job.notification_id);
        let news = self.allow(webhook_id, job.limit);
        self.lane(webhook_id).queue.push_back(job);
        self.enqueue(webhook_id);
        if news {
            self.update(webhook_id, |_| {});
        }
    }

    /// Takes the next job in round-robin order. A lane whose bucket is empty leaves the queue until its next token.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Job> {
        self.now = now;
        self.resume(now);
        while let Some(webhook_id) = self.round_robin.pop() {
            let Some(lane) = self.lanes.get_mut(&webhook_id) else {
                continue;
            };
            if lane.queue.is_empty() {
                lane.schedule = Schedule::Idle;
                self.update(webhook_id, |_| {});
                continue;
            }
            if lane.shut.is_some_and(|until| now < until || lane.taken > 0) {
                self.release_queued(webhook_id);
                continue;
            }
            if let Some(Err(at)) = lane.bucket.as_mut().map(|bucket| bucket.take(now)) {
                self.leave(webhook_id, Schedule::Paused(at));
                continue;
            }
            lane.schedule = Schedule::Idle;
            let job = lane.queue.pop_front();
            lane.taken += 1;
            lane.in_flight += 1;
            self.in_flight += 1;
            self.enqueue(webhook_id);
            return job;
        }
        None
    }

    /// Queues lanes whose token has come, and forgets empty lanes whose bucket is full.
    fn resume(&mut self, now: Timestamp) {
        while let Some((_, webhook_id)) = self.pauses.first().copied().filter(|(at, _)| *at <= now) {
            self.pauses.pop_first();
            let Some(lane) = self.lanes.get_mut(&webhook_id) else {
                continue;
            };
            if let Schedule::Paused(_) = lane.schedule {
                lane.schedule = Schedule::Queued;
                self.round_robin.push(webhook_id, lane.queue.front(), now);
                continue;
            }
            lane.schedule = Schedule::Idle;
            if lane.held == 0 && lane.filing.is_none() {
                self.forget(webhook_id);
            }
        }
    }

    /// Takes a lane out of the round-robin queue until the end of its pause.
    fn leave(&mut self, webhook_id: WebhookId, schedule: Schedule) {
        if let (Some(lane), Schedule::Paused(until) | Schedule::Resting(until)) =
            (self.lanes.get_mut(&webhook_id), schedule)
        {
            lane.schedule = schedule;
            self.pauses.insert((until, webhook_id));
        }
    }

    /// Returns when the first pause ends.
    pub(crate) fn next_turn(&self) -> Option<Timestamp> {
        self.pauses.first().map(|(at, _)| *at)
    }

    /// Returns what the dispatcher needs to know to sleep: when the first claim is due, when the first pause ends, and
    /// how many lanes are queued.
    pub(crate) fn outlook(&self) -> (Option<Timestamp>, Option<Timestamp>, usize) {
        (self.next_due(), self.next_turn(), self.round_robin.len())
    }

    /// Notes that a request has ended.
    pub(crate) fn request_ended(&mut self, webhook_id: WebhookId) {
        self.in_flight -= 1;
        if let Some(lane) = self.lanes.get_mut(&webhook_id) {
            lane.in_flight -= 1;
        }
        self.enqueue(webhook_id);
    }

    /// Removes a canceled job from its lane. While a claim is under way, the id is kept so that the claim drops it too.
    pub(crate) fn cancel(&mut self, webhook_id: WebhookId, notification_id: NotificationId) {
        if self.claims > 0 {
            self.canceled.insert(notification_id);
        }
        let Some(lane) = self.lanes.get_mut(&webhook_id) else {
            return;
        };
        let queued = lane.queue.len();
        lane.queue.retain(|job| job.notification_id != notification_id);
        let canceled = queued - lane.queue.len();
        if canceled > 0 {
            self.known.remove(&notification_id);
        }
        self.update(webhook_id, |lane| lane.held -= canceled);
    }

    /// Notes the end of a claim.
    pub(crate) fn end_claim(&mut self) {
        self.claims -= 1;
        if self.claims == 0 {
            self.canceled.clear();
        }
    }

    /// Returns how many places a webhook's lane has taken.
    pub(crate) fn held(&self, webhook_id: WebhookId) -> usize {
        self.lanes.get(&webhook_id).map_or(0, |lane| lane.held)
    }

    /// Notes that a webhook's circuit breaker is open until `until`, or has closed (`None`).
    pub(crate) fn shut(&mut self, webhook_id: WebhookId, until: Option<Timestamp>) {
        match until {
            Some(until) => self.shut.insert(webhook_id, until),
            None => self.shut.remove(&webhook_id),
        };
        if let Some(lane) = self.lanes.get_mut(&webhook_id) {
            lane.shut = until;
            if until.is_some() {
                self.release_queued(webhook_id);
            }
            self.update(webhook_id, |_| {});
        }
    }

    /// Moves the queued jobs of a lane to those to release. Their places stay taken until their claims are released.
    fn release_queued(&mut self, webhook_id: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook_id) {
            lane.taken += lane.queue.len();
            self.released.extend(lane.queue.drain(..));
            match lane.schedule {
                Schedule::Idle | Schedule::Resting(_) => return,
                Schedule::Queued => self.round_robin.remove(webhook_id),
                Schedule::Paused(at) => drop(self.pauses.remove(&(at, webhook_id))),
            }
            // The lane's next job queues it again.
            lane.schedule = Schedule::Idle;
        }
    }

    /// Gives up the lanes that another node owns now, and moves their queued jobs to those to release.
    pub(crate) fn release_lost(&mut self, is_lost: impl Fn(WebhookId) -> bool) {
        let lost: Vec<WebhookId> = self.lanes.keys().copied().filter(|id| is_lost(*id)).collect();
        for webhook_id in lost {
            self.shut.remove(&webhook_id);
            self.release_queued(webhook_id);
            self.update(webhook_id, |lane| {
                lane.due = None;
                lane.shut = None;
            });
        }
    }

    /// Drops all queued jobs and what is noted as due. Requests in flight end by themselves.
    pub(crate) fn drop_queued(&mut self) -> usize {
        let ids: Vec<WebhookId> = self.lanes.keys().copied().collect();
        for webhook_id in ids {
            self.release_queued(webhook_id);
            self.update(webhook_id, |lane| lane.due = None);
        }
        let dropped = std::mem::take(&mut self.released);
        for job in &dropped {
            self.known.remove(&job.notification_id);
            self.update(job.webhook_id, |lane| {
                lane.held -= 1;
                lane.taken -= 1;
            });
        }
        dropped.len()
    }

    /// Takes the jobs whose claims must be released.
    pub(crate) fn take_released(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.released)
    }

    /// Returns a lane; a new one starts with the state of its webhook's circuit breaker.
    fn lane(&mut self, webhook_id: WebhookId) -> &mut Lane {
        let shut = &self.shut;
        self.lanes.entry(webhook_id).or_insert_with(|| Lane {
            shut: shut.get(&webhook_id).copied(),
            ..Lane::default()
        })
    }

    /// Takes every queued job out.
    pub(crate) fn take_queued(&mut self) -> Vec<Job> {
        self.round_robin.clear();
        self.pauses.clear();
        let mut jobs = self.take_released();
        for lane in self.lanes.values_mut() {
            lane.schedule = Schedule::Idle;
            lane.taken += lane.queue.len();
            jobs.extend(lane.queue.drain(..));
        }
        jobs
    }

    /// Returns the number of live lanes that hold something.
    #[cfg(test)]
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Returns whether nothing at all is remembered.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let sums = (self.busy + self.live, self.held, self.in_flight, self.claims);
        let lists =
            self.lanes.is_empty() && self.round_robin.len() == 0 && self.canceled.is_empty() && self.pauses.is_empty();
        let lists = lists && self.shut.is_empty() && self.released.is_empty();
        sums == (0, 0, 0, 0) && lists && self.backlog.first(true).is_none()
    }

    /// Queues a lane that has a job, is below its limit in flight and is not queued yet.
    fn enqueue(&mut self, webhook_id: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook_id)
            && matches!(lane.schedule, Schedule::Idle | Schedule::Resting(_))
            && !lane.queue.is_empty()
            && lane.in_flight < lane.limit.in_flight
        {
            if let Schedule::Resting(at) = lane.schedule {
                self.pauses.remove(&(at, webhook_id));
            }
            lane.schedule = Schedule::Queued;
            self.round_robin.push(webhook_id, lane.queue.front(), self.now);
        }
    }

    /// Forgets a lane. Its entry in the round-robin queue goes too: it would let the next lane of this webhook exceed
    /// its limit.
    fn forget(&mut self, webhook_id: WebhookId) {
        let lane = self.lanes.remove(&webhook_id);
        if lane.is_some_and(|lane| lane.schedule == Schedule::Queued) {
            self.round_robin.remove(webhook_id);
        }
    }
}
