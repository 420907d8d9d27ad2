//! The lanes at random, compared with a model of the world around them.

use super::*;
use crate::delivery::limit::Rate;
use std::collections::HashMap;

/// A pseudo-random generator with a fixed seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn pick<T>(&mut self, list: &mut Vec<T>) -> Option<T> {
        (!list.is_empty()).then(|| list.swap_remove(self.roll(list.len())))
    }
}

/// The model: the time; the jobs in memory, in flight, about to be recorded and in the database; and the moments at
/// which requests were sent to each webhook.
#[derive(Default)]
struct Model {
    now: i64,
    limits: HashMap<WebhookId, Limit>,
    sent: HashMap<WebhookId, Vec<i64>>,
    queued: Vec<(WebhookId, NotificationId)>,
    flying: Vec<WebhookId>,
    landed: Vec<WebhookId>,
    stored: Vec<WebhookId>,
    claiming: Vec<Vec<ClaimBudget>>,
    shut: HashMap<WebhookId, i64>,
    /// Jobs taken from the lanes whose claims are to be released.
    back: Vec<WebhookId>,
}

impl Model {
    fn places(&self) -> usize {
        let claiming: usize = self.claiming.iter().flatten().map(|room| room.count).sum();
        self.queued.len() + self.flying.len() + self.landed.len() + self.back.len() + claiming
    }

    fn new(webhooks: &[WebhookId]) -> Self {
        let limits = webhooks.iter().zip(RATES.iter().cycle()).map(|(id, rate)| {
            let rate = rate.map(|(requests, per_ms)| Rate { requests, per_ms });
            (*id, Limit { in_flight: LIMIT, rate })
        });
        Self {
            now: 1_000_000,
            limits: limits.collect(),
            ..Self::default()
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now)
    }

    fn job(&self, webhook_id: WebhookId) -> Job {
        Job {
            limit: self.limits[&webhook_id],
            ..job(webhook_id, LIMIT)
        }
    }

    fn step(&mut self, lanes: &Lanes, dice: &mut Dice, webhooks: &[WebhookId]) {
        self.now += i64::try_from(dice.roll(500)).unwrap();
        match dice.roll(10) {
            0 | 1 => {
                let webhook_id = webhooks[dice.roll(webhooks.len())];
                match born_at(lanes, self.job(webhook_id), self.now()) {
                    Some(id) => self.queued.push((webhook_id, id)),
                    None => self.stored.push(webhook_id),
                }
            }
            2 | 3 => self.take(lanes),
            4 => {
                if let Some(webhook_id) = dice.pick(&mut self.flying) {
                    lanes.request_ended(webhook_id);
                    self.landed.push(webhook_id);
                }
            }
            5 => {
                if let Some(webhook_id) = dice.pick(&mut self.landed) {
                    let retry = dice.roll(3) == 0;
                    lanes.done(webhook_id, retry.then_some(self.now()));
                    self.stored.extend(retry.then_some(webhook_id));
                }
            }
            6 => {
                if let Some((webhook_id, id)) = dice.pick(&mut self.queued) {
                    lanes.cancel(webhook_id, id);
                }
            }
            7 => {
                let webhook_id = webhooks[dice.roll(webhooks.len())];
                self.shut(lanes, dice, webhook_id);
            }
            8 => {
                if let Some(webhook_id) = dice.pick(&mut self.back) {
                    self.given_back(lanes, webhook_id);
                }
            }
            _ => match dice.pick(&mut self.claiming) {
                Some(rooms) if dice.roll(4) == 0 => lanes.not_claimed(&rooms, self.now()),
                Some(rooms) => self.claimed(lanes, &rooms),
                None => self
                    .claiming
                    .extend(Some(lanes.claim_budgets(Timestamp(self.now))).filter(|rooms| !rooms.is_empty())),
            },
        }
    }

    /// Opens or closes a circuit breaker.
    fn shut(&mut self, lanes: &Lanes, dice: &mut Dice, webhook_id: WebhookId) {
        let until = self.now + i64::try_from(dice.roll(5_000)).unwrap();
        match self.shut.remove(&webhook_id) {
            Some(_) if dice.roll(2) == 0 => lanes.shut(webhook_id, None),
            _ => {
                self.shut.insert(webhook_id, until);
                lanes.shut(webhook_id, Some(Timestamp(until)));
            }
        }
        self.look_back(lanes);
    }

    fn look_back(&mut self, lanes: &Lanes) {
        for job in lanes.take_released() {
            self.queued.retain(|(_, id)| *id != job.notification_id);
            self.back.push(job.webhook_id);
        }
    }

    fn given_back(&mut self, lanes: &Lanes, webhook_id: WebhookId) {
        lanes.done(webhook_id, Some(self.now()));
        self.stored.push(webhook_id);
    }

    fn take(&mut self, lanes: &Lanes) {
        let job = lanes.take(self.now());
        self.look_back(lanes);
        let Some(job) = job else { return };
        if let Some(until) = self.shut.get(&job.webhook_id) {
            assert!(self.now >= *until, "nothing is sent while a breaker is open");
            let held = |id: &&WebhookId| **id == job.webhook_id;
            let others = self.flying.iter().chain(&self.landed).filter(held).count();
            assert_eq!(others, 0, "one at a time, and after everything else is recorded");
        }
        let index = self.queued.iter().position(|(_, id)| *id == job.notification_id);
        self.queued.remove(index.expect("it was queued and is sent once"));
        self.flying.push(job.webhook_id);
        let of_lane = self.flying.iter().filter(|id| **id == job.webhook_id).count();
        assert!(of_lane <= LIMIT);
        self.sent.entry(job.webhook_id).or_default().push(self.now);
    }

    fn claimed(&mut self, lanes: &Lanes, rooms: &[ClaimBudget]) {
        let mut claim = Claim::default();
        for room in rooms {
            for _ in 0..room.count {
                let Some(index) = self.stored.iter().position(|id| *id == room.webhook_id) else {
                    break;
                };
                self.stored.remove(index);
                let job = self.job(room.webhook_id);
                self.queued.push((room.webhook_id, job.notification_id));
                claim.jobs.push(job);
            }
            if self.stored.contains(&room.webhook_id) {
                claim.more.push((room.webhook_id, self.now()));
            }
        }
        lanes.claimed(rooms, claim);
    }

    /// Asserts that no lane exceeded its rate limit: within any period it sent at most what its bucket holds and what
    /// came back meanwhile.
    fn assert_paced(&self) {
        for (webhook_id, sent) in &self.sent {
            let Some(rate) = self.limits[webhook_id].rate else {
                continue;
            };
            let (most, per) = (usize::try_from(rate.requests).unwrap(), i64::from(rate.per_ms) * 1_000);
            for (index, from) in sent.iter().enumerate() {
                let refilled = |at: &i64| (at - from) * i64::from(rate.requests) / per;
                let over = |(count, at): (usize, &i64)| count + 1 > most + usize::try_from(refilled(at)).unwrap();
                assert!(!sent[index..].iter().enumerate().any(over), "{rate:?}: {sent:?}");
            }
        }
    }
}

const LIMIT: usize = 3;
/// The rate limits of the lanes, as requests and milliseconds; `None` is no limit. The last lane is hours behind.
const RATES: [Option<(i32, i32)>; 5] = [None, Some((3, 1)), Some((1, 10)), None, Some((1, 60_000))];

#[test]
fn no_place_leaks_over_a_long_life() {
    for seed in 1..=20 {
        let mut dice = Dice(seed);
        let lanes = lanes(40, 12);
        let webhooks: Vec<WebhookId> = repeat_with(WebhookId::new).take(9).collect();
        let mut model = Model::new(&webhooks);
        for _ in 0..3_000 {
            model.step(&lanes, &mut dice, &webhooks);
            assert_eq!(lanes.state().held, model.places(), "seed {seed}");
            assert_eq!(lanes.in_flight(), model.flying.len(), "seed {seed}");
            assert!(model.places() <= 40 + webhooks.len(), "the window is bounded");
        }
        settle(&lanes, &mut model);
        for webhook_id in model.shut.keys() {
            lanes.shut(*webhook_id, None);
        }
        assert!(model.stored.is_empty(), "seed {seed}: everything was sent in the end");
        model.now += 60_000_000;
        assert!(lanes.take(model.now()).is_none());
        assert!(lanes.state().is_empty(), "seed {seed}: rested and forgotten");
        model.assert_paced();
    }
}

/// Ends everything, without a retry. Time advances from one moment at which the dispatcher would wake to the next.
fn settle(lanes: &Lanes, model: &mut Model) {
    while model.places() > 0 || !model.stored.is_empty() {
        while let Some(rooms) = model.claiming.pop() {
            model.claimed(lanes, &rooms);
        }
        while let Some(webhook_id) = model.back.pop() {
            model.given_back(lanes, webhook_id);
        }
        model.take(lanes);
        if !model.back.is_empty() {
            continue;
        }
        let mut moved = !model.flying.is_empty();
        for webhook_id in std::mem::take(&mut model.flying) {
            lanes.request_ended(webhook_id);
            model.landed.push(webhook_id);
        }
        for webhook_id in model.landed.drain(..) {
            lanes.done(webhook_id, None);
        }
        let rooms = lanes.claim_budgets(model.now());
        moved |= !rooms.is_empty();
        model.claiming.extend(Some(rooms).filter(|rooms| !rooms.is_empty()));
        if !moved && model.places() + model.stored.len() > 0 {
            assert!(lanes.take(model.now()).is_none());
            let next = lanes.next_due().into_iter().chain(lanes.next_turn()).min();
            let next = next.expect("something wakes the dispatcher while something is left");
            assert!(next > model.now(), "it would spin");
            model.now = next.0;
        }
    }
}
