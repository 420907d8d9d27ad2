//! The lanes step by step. Further tests: [`behind`] (backlogs), [`model`] (at random, against a model), [`pace`] (rate
//! limits) and [`shut`] (circuit breakers).

mod behind;
mod model;
mod paused;
mod rate;

use super::*;
use crate::node;
use entity::{EventId, OrganizationId, PayloadId, WebhookTopic};
use std::{iter::repeat_with, time::Duration};

const NOW: Timestamp = Timestamp(1_000);
const LATER: Timestamp = Timestamp(2_000);

fn lanes(total: usize, lane: usize) -> Lanes {
    Lanes::new(Window { total, lane }, Arc::new(Nodes::alone(node::Config::default())))
}

fn at_once(in_flight: usize) -> Limit {
    Limit { in_flight, rate: None }
}

fn job(webhook_id: WebhookId, in_flight: usize) -> Job {
    Job {
        node_id: NodeId::new(),
        notification_id: NotificationId::new(),
        organization_id: OrganizationId::new(),
        webhook_id,
        event_id: EventId::new(),
        payload_id: PayloadId::new(),
        project_id: None,
        task_id: None,
        topic: WebhookTopic::Ping,
        attempt_count: 0,
        throttled_count: 0,
        order_key: None,
        created_at: NOW,
        limit: at_once(in_flight),
        body: None,
    }
}

/// Reserves and offers one job.
fn born(lanes: &Lanes, webhook_id: WebhookId, in_flight: usize) -> Option<NotificationId> {
    born_at(lanes, job(webhook_id, in_flight), NOW)
}

fn born_at(lanes: &Lanes, job: Job, now: Timestamp) -> Option<NotificationId> {
    let id = job.notification_id;
    lanes.reserve(job.webhook_id, job.limit, now).then(|| {
        lanes.offer([job]);
        id
    })
}

/// Returns whether the dispatcher was woken since the last call.
fn told(lanes: &Lanes) -> bool {
    use std::task::{Context, Poll, Waker};
    let changed = std::pin::pin!(lanes.changed());
    changed.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
}

fn births(lanes: &Lanes, webhook_id: WebhookId, limit: usize, count: usize) {
    for _ in 0..count {
        born(lanes, webhook_id, limit);
    }
}

fn order(lanes: &Lanes) -> Vec<WebhookId> {
    std::iter::from_fn(|| lanes.take(NOW))
        .map(|job| job.webhook_id)
        .collect()
}

#[test]
fn turns_go_round() {
    let lanes = lanes(100, 100);
    let [a, b, c] = [(); 3].map(|()| WebhookId::new());
    for (webhook_id, count) in [(a, 4), (b, 2), (c, 1)] {
        (0..count).for_each(|_| assert!(born(&lanes, webhook_id, 9).is_some()));
    }
    assert_eq!(order(&lanes), [a, b, c, a, b, a, a]);
}

#[test]
fn a_lane_sends_as_many_as_its_limit_and_the_next_when_one_lands() {
    let lanes = lanes(100, 100);
    let (slow, other) = (WebhookId::new(), WebhookId::new());
    (0..5).for_each(|_| assert!(born(&lanes, slow, 2).is_some()));
    assert_eq!(order(&lanes), [slow, slow]);
    assert!(born(&lanes, other, 2).is_some());
    assert_eq!(order(&lanes), [other], "the slow one is at its limit and delays nobody");
    lanes.request_ended(slow);
    assert_eq!(order(&lanes), [slow]);
    assert_eq!(lanes.in_flight(), 3);
}

#[test]
fn a_lane_that_is_full_waits_in_the_database_and_one_job_of_another_always_fits() {
    let lanes = lanes(4, 2);
    let (dead, other) = (WebhookId::new(), WebhookId::new());
    let held = (0..10).filter(|_| born(&lanes, dead, 1).is_some()).count();
    assert_eq!(held, 2, "its share");
    assert_eq!(lanes.next_due(), None, "it has no room");
    let full: Vec<WebhookId> = repeat_with(WebhookId::new).take(3).collect();
    full.iter().for_each(|id| assert!(born(&lanes, *id, 1).is_some()));
    assert!(born(&lanes, other, 1).is_some(), "the window is full of others");
    assert!(born(&lanes, other, 1).is_none());
}

#[test]
fn a_lane_may_hold_a_quarter_of_what_is_free() {
    let lanes = lanes(4096, 256);
    let held = [(); 4].map(|()| {
        let webhook_id = WebhookId::new();
        (0..4096).filter(|_| born(&lanes, webhook_id, 1).is_some()).count()
    });
    assert_eq!(held, [614, 491, 393, 315]);
}

#[test]
fn what_is_new_waits_behind_what_is_old() {
    let lanes = lanes(10, 2);
    let webhook_id = WebhookId::new();
    let [first, second, third] = [(); 3].map(|()| born(&lanes, webhook_id, 9));
    assert!(first.is_some() && second.is_some() && third.is_none());
    lanes.take(NOW);
    lanes.request_ended(webhook_id);
    lanes.done(webhook_id, None);
    assert!(
        born(&lanes, webhook_id, 9).is_none(),
        "there is room, but the third is older"
    );
    assert_eq!(lanes.next_due(), Some(NOW));
}

#[test]
fn the_dispatcher_is_told_when_room_appears_and_when_a_retry_is_due() {
    let lanes = lanes(10, 2);
    let webhook_id = WebhookId::new();
    births(&lanes, webhook_id, 9, 3);
    let told = || told(&lanes);
    assert!(told() && !told());
    lanes.take(NOW);
    lanes.request_ended(webhook_id);
    assert!(!told(), "who lands takes the next job");
    lanes.done(webhook_id, None);
    assert!(told(), "there is room to claim");
    assert_eq!(lanes.claim_budgets(NOW), [ClaimBudget { webhook_id, count: 1 }]);
    let other = WebhookId::new();
    born(&lanes, other, 9);
    assert!(told());
    lanes.take(NOW);
    lanes.take(NOW);
    lanes.request_ended(other);
    lanes.done(other, Some(LATER));
    assert!(told(), "a retry is due one day");
    assert_eq!(lanes.next_due(), Some(LATER));
}

#[test]
fn a_claim_is_of_a_bounded_number_of_lanes() {
    let lanes = lanes(4096, 256);
    let count = 3 * MAX_CLAIM_LANES + 5;
    (0..count).for_each(|_| lanes.note_due(WebhookId::new(), at_once(9), NOW));
    let rooms: Vec<usize> =
        std::iter::from_fn(|| Some(lanes.claim_budgets(NOW).len()).filter(|len| *len > 0)).collect();
    assert_eq!(rooms, [MAX_CLAIM_LANES, MAX_CLAIM_LANES, MAX_CLAIM_LANES, 5]);
}

#[test]
fn what_is_canceled_while_it_is_claimed_is_not_sent() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    lanes.note_due(webhook_id, at_once(9), NOW);
    let rooms = lanes.claim_budgets(NOW);
    let (kept, canceled) = (job(webhook_id, 9), job(webhook_id, 9));
    let expected = kept.notification_id;
    lanes.cancel(webhook_id, canceled.notification_id);
    let claim = Claim {
        jobs: vec![canceled, kept],
        more: vec![],
    };
    lanes.claimed(&rooms, claim);
    assert_eq!(lanes.take(NOW).map(|job| job.notification_id), Some(expected));
    assert!(lanes.take(NOW).is_none());
    lanes.request_ended(webhook_id);
    lanes.done(webhook_id, None);
    assert!(lanes.state().is_empty());
}

#[test]
fn a_lane_that_was_forgotten_while_it_waited_keeps_its_limit_in_its_next_life() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    let canceled = born(&lanes, webhook_id, 1).unwrap();
    lanes.cancel(webhook_id, canceled);
    assert!(lanes.state().is_empty());
    births(&lanes, webhook_id, 1, 2);
    assert_eq!(order(&lanes), [webhook_id], "one at a time");
}

#[test]
fn what_is_drained_keeps_its_place_until_it_is_done() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    births(&lanes, webhook_id, 9, 3);
    let jobs = lanes.take_queued();
    assert_eq!((jobs.len(), lanes.is_idle()), (3, false));
    jobs.iter().for_each(|job| lanes.done(job.webhook_id, None));
    assert!(lanes.state().is_empty());
}
