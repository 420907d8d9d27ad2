//! The lanes themselves and their sums. Every change of a lane's places or of its note goes through [`State::update`],
//! which keeps the sums and the backlog true.

use super::{backlog::Backlog, lane::Lane, round_robin::Turns, token_bucket::Bucket, window::Window};
use crate::{delivery::limit::Limit, queue::job::Job};
use entity::{NotificationId, Timestamp, WebhookId};
use std::collections::{BTreeSet, HashMap, HashSet};

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) window: Window,
    pub(crate) lanes: HashMap<WebhookId, Lane>,
    pub(crate) turns: Turns,
    /// The moment of the last look.
    pub(crate) now: Timestamp,
    /// Lanes with a rate: one whose turn waits for its next token, and one with nothing left, until its bucket is full and
    /// there is nothing to remember.
    pauses: BTreeSet<(Timestamp, WebhookId)>,
    pub(crate) backlog: Backlog,
    /// Webhooks whose breaker is open, and until when. Lanes come and go; this stays until the breaker closes.
    shut: HashMap<WebhookId, Timestamp>,
    /// Jobs that were in memory when their breaker opened: they go back to the database.
    back: Vec<Job>,
    /// Lanes that hold something, and of these the ones that are not behind.
    pub(crate) busy: usize,
    pub(crate) live: usize,
    /// The next room is for a lane that is hardly behind, if there is one.
    pub(crate) hardly_behind: bool,
    pub(crate) held: usize,
    pub(crate) in_flight: usize,
    /// Claims under way, and what was canceled meanwhile.
    pub(crate) claims: usize,
    pub(crate) canceled: HashSet<NotificationId>,
    /// Everything that was queued and is not done.
    pub(crate) known: HashSet<NotificationId>,
}

impl State {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            lanes: HashMap::new(),
            turns: Turns::default(),
            now: Timestamp(0),
            pauses: BTreeSet::new(),
            backlog: Backlog::default(),
            shut: HashMap::new(),
            back: Vec::new(),
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

    /// Tells a lane what it may do, and whether that is new. What waits for a token of the old rate asks again.
    pub(crate) fn allow(&mut self, webhook_id: WebhookId, limit: Limit) -> bool {
        let lane = self.lane(webhook_id);
        if lane.limit == limit {
            return false;
        }
        lane.limit = limit;
        lane.bucket = limit.rate.map(|rate| Bucket::new(rate, lane.bucket));
        if let Some(at) = lane.pause.take() {
            lane.waits_for_turn = false;
            self.pauses.remove(&(at, webhook_id));
        }
        self.line_up(webhook_id);
        true
    }

    /// Changes a lane. One with nothing left is forgotten, so memory follows what is at work and not what ever was.
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
        let place = lane.place(share);
        self.backlog.refile(webhook_id, lane.filed, place);
        lane.filed = place;
        if held == 0 && place.is_none() {
            match lane.bucket.map(|bucket| bucket.full_at()) {
                None => self.forget(webhook_id),
                Some(_) if lane.pause.is_some() || lane.waits_for_turn => {}
                Some(full_at) => self.pause(webhook_id, full_at),
            }
        }
    }

    pub(crate) fn queue(&mut self, job: Job) {
        let webhook_id = job.webhook_id;
        self.known.insert(job.notification_id);
        let news = self.allow(webhook_id, job.limit);
        self.lane(webhook_id).queue.push_back(job);
        self.line_up(webhook_id);
        if news {
            self.update(webhook_id, |_| {});
        }
    }

    /// A lane whose bucket is empty leaves the line until its next token is there.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Job> {
        self.now = now;
        self.resume(now);
        while let Some(webhook_id) = self.turns.pop() {
            let Some(lane) = self.lanes.get_mut(&webhook_id) else {
                continue;
            };
            if lane.queue.is_empty() {
                lane.waits_for_turn = false;
                self.update(webhook_id, |_| {});
                continue;
            }
            if lane.shut.is_some_and(|until| now < until || lane.taken > 0) {
                self.put_back(webhook_id);
                continue;
            }
            if let Some(Err(at)) = lane.bucket.as_mut().map(|bucket| bucket.take(now)) {
                self.pause(webhook_id, at);
                continue;
            }
            lane.waits_for_turn = false;
            let job = lane.queue.pop_front();
            lane.taken += 1;
            lane.in_flight += 1;
            self.in_flight += 1;
            self.line_up(webhook_id);
            return job;
        }
        None
    }

    /// Lines up lanes whose token has come, and forgets those that have rested.
    fn resume(&mut self, now: Timestamp) {
        while let Some((_, webhook_id)) = self.pauses.first().copied().filter(|(at, _)| *at <= now) {
            self.pauses.pop_first();
            let Some(lane) = self.lanes.get_mut(&webhook_id) else {
                continue;
            };
            lane.pause = None;
            if lane.waits_for_turn {
                self.turns.push(webhook_id, lane.queue.front(), now);
            } else if lane.held == 0 && lane.filed.is_none() {
                self.forget(webhook_id);
            }
        }
    }

    fn pause(&mut self, webhook_id: WebhookId, until: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(&webhook_id) {
            lane.pause = Some(until);
            self.pauses.insert((until, webhook_id));
        }
    }

    /// When the first pause ends.
    pub(crate) fn next_turn(&self) -> Option<Timestamp> {
        self.pauses.first().map(|(at, _)| *at)
    }

    /// What the dispatcher must know to sleep: the first claim, the first turn, and how many lanes are in line.
    pub(crate) fn outlook(&self) -> (Option<Timestamp>, Option<Timestamp>, usize) {
        (self.next_due(), self.next_turn(), self.turns.len())
    }

    pub(crate) fn landed(&mut self, webhook_id: WebhookId) {
        self.in_flight -= 1;
        if let Some(lane) = self.lanes.get_mut(&webhook_id) {
            lane.in_flight -= 1;
        }
        self.line_up(webhook_id);
    }

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

    pub(crate) fn end_claim(&mut self) {
        self.claims -= 1;
        if self.claims == 0 {
            self.canceled.clear();
        }
    }

    pub(crate) fn held(&self, webhook_id: WebhookId) -> usize {
        self.lanes.get(&webhook_id).map_or(0, |lane| lane.held)
    }

    /// A webhook's breaker has opened, or closed (`None`).
    pub(crate) fn shut(&mut self, webhook_id: WebhookId, until: Option<Timestamp>) {
        match until {
            Some(until) => self.shut.insert(webhook_id, until),
            None => self.shut.remove(&webhook_id),
        };
        if let Some(lane) = self.lanes.get_mut(&webhook_id) {
            lane.shut = until;
            if until.is_some() {
                self.put_back(webhook_id);
            }
            self.update(webhook_id, |_| {});
        }
    }

    /// Takes out what a lane must not send. Its places stay taken until the claims are given back.
    fn put_back(&mut self, webhook_id: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook_id) {
            lane.taken += lane.queue.len();
            self.back.extend(lane.queue.drain(..));
            // In line, or paused for a token: its next job lines up anew.
            if std::mem::take(&mut lane.waits_for_turn) {
                match lane.pause.take() {
                    Some(at) => drop(self.pauses.remove(&(at, webhook_id))),
                    None => self.turns.remove(webhook_id),
                }
            }
        }
    }

    /// Gives up lanes that are another node's: what waits in them goes back to the database.
    pub(crate) fn give_up(&mut self, is_lost: impl Fn(WebhookId) -> bool) {
        let lost: Vec<WebhookId> = self.lanes.keys().copied().filter(|id| is_lost(*id)).collect();
        for webhook_id in lost {
            self.shut.remove(&webhook_id);
            self.put_back(webhook_id);
            self.update(webhook_id, |lane| {
                lane.due = None;
                lane.shut = None;
            });
        }
    }

    /// Drops everything that waits, and what is known of the database. What is in flight ends by itself.
    pub(crate) fn abandon(&mut self) -> usize {
        let ids: Vec<WebhookId> = self.lanes.keys().copied().collect();
        for webhook_id in ids {
            self.put_back(webhook_id);
            self.update(webhook_id, |lane| lane.due = None);
        }
        let dropped = std::mem::take(&mut self.back);
        for job in &dropped {
            self.known.remove(&job.notification_id);
            self.update(job.webhook_id, |lane| {
                lane.held -= 1;
                lane.taken -= 1;
            });
        }
        dropped.len()
    }

    /// What must go back to the database.
    pub(crate) fn back(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.back)
    }

    fn lane(&mut self, webhook_id: WebhookId) -> &mut Lane {
        let shut = &self.shut;
        self.lanes.entry(webhook_id).or_insert_with(|| Lane {
            shut: shut.get(&webhook_id).copied(),
            ..Lane::default()
        })
    }

    pub(crate) fn drain(&mut self) -> Vec<Job> {
        self.turns.clear();
        self.pauses.clear();
        let mut jobs = self.back();
        for lane in self.lanes.values_mut() {
            lane.waits_for_turn = false;
            lane.pause = None;
            lane.taken += lane.queue.len();
            jobs.extend(lane.queue.drain(..));
        }
        jobs
    }

    /// Lanes that hold something and are not behind.
    #[cfg(test)]
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Whether nothing at all is remembered.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let sums = (self.busy + self.live, self.held, self.in_flight, self.claims);
        let lists =
            self.lanes.is_empty() && self.turns.len() == 0 && self.canceled.is_empty() && self.pauses.is_empty();
        let lists = lists && self.shut.is_empty() && self.back.is_empty();
        sums == (0, 0, 0, 0) && lists && self.backlog.first(true).is_none()
    }

    fn line_up(&mut self, webhook_id: WebhookId) {
        if let Some(lane) = self.lanes.get_mut(&webhook_id)
            && !lane.waits_for_turn
            && !lane.queue.is_empty()
            && lane.in_flight < lane.limit.in_flight
        {
            lane.waits_for_turn = true;
            if let Some(at) = lane.pause.take() {
                self.pauses.remove(&(at, webhook_id));
            }
            self.turns.push(webhook_id, lane.queue.front(), self.now);
        }
    }

    /// A turn that was left behind would let the lane's next life exceed its limit.
    fn forget(&mut self, webhook_id: WebhookId) {
        if self.lanes.remove(&webhook_id).is_some_and(|lane| lane.waits_for_turn) {
            self.turns.remove(webhook_id);
        }
    }
}
