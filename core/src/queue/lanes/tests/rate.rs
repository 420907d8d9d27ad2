//! Lanes with a rate limit, in virtual time.

use super::*;
use crate::delivery::limit::Rate;

const SECOND: Duration = Duration::from_secs(1);

fn paced(requests: i32, per_ms: i32) -> Limit {
    let rate = Some(Rate { requests, per_ms });
    Limit { in_flight: 9, rate }
}

/// Offers as many jobs as fit. Returns how many did.
fn births_of(lanes: &Lanes, webhook_id: WebhookId, limit: Limit, count: usize, now: Timestamp) -> usize {
    let job = || Job {
        limit,
        ..job(webhook_id, 9)
    };
    (0..count).filter(|_| born_at(lanes, job(), now).is_some()).count()
}

/// Takes all that may be sent now and records it at once. Returns the webhooks in the order of sending.
fn sent(lanes: &Lanes, now: Timestamp) -> Vec<WebhookId> {
    let mut sent = Vec::new();
    while let Some(job) = lanes.take(now) {
        lanes.request_ended(job.webhook_id);
        lanes.done(job.webhook_id, None);
        sent.push(job.webhook_id);
    }
    sent
}

/// Claims all that there is room for from a database that has enough. Returns how many jobs each lane got.
fn claim(lanes: &Lanes, limit: Limit, now: Timestamp) -> Vec<usize> {
    let rooms = lanes.claim_budgets(now);
    let mut claim = Claim::default();
    for room in &rooms {
        let jobs = repeat_with(|| Job {
            limit,
            ..job(room.webhook_id, 9)
        });
        claim.jobs.extend(jobs.take(room.count));
        claim.more.push((room.webhook_id, NOW));
    }
    lanes.claimed(&rooms, claim);
    rooms.iter().map(|room| room.count).collect()
}

#[test]
fn a_lane_sends_at_its_pace_and_says_when_it_goes_on() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    assert_eq!(births_of(&lanes, webhook_id, paced(2, 1_000), 6, NOW), 6);
    let mut now = NOW;
    assert_eq!(sent(&lanes, NOW).len(), 2, "what a full bucket holds");
    for (count, milliseconds) in [(1, 500), (1, 1_000), (1, 1_500), (1, 2_000)] {
        let at = NOW.plus(Duration::from_millis(milliseconds));
        assert_eq!(sent(&lanes, Timestamp(at.0 - 1)).len(), 0, "not before {milliseconds}");
        assert_eq!(sent(&lanes, at).len(), count, "at {milliseconds}");
        now = at;
    }
    assert!(lanes.is_idle());
    let full = now.plus(SECOND);
    assert_eq!(lanes.next_turn(), Some(full), "until then its bucket is remembered");
    assert_eq!(sent(&lanes, full).len(), 0);
    assert!(lanes.state().is_empty());
}

#[test]
fn a_lane_that_waits_for_a_token_delays_nobody() {
    let lanes = lanes(100, 100);
    let [slow, fast, other] = [(); 3].map(|()| WebhookId::new());
    births_of(&lanes, slow, paced(1, 1_000), 3, NOW);
    births_of(&lanes, fast, paced(3, 1_000), 3, NOW);
    births(&lanes, other, 9, 3);
    assert_eq!(sent(&lanes, NOW), [slow, fast, other, fast, other, fast, other]);
    assert_eq!(sent(&lanes, NOW.plus(SECOND)), [slow]);
}

#[test]
fn a_rest_does_not_fill_a_bucket_early() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    births_of(&lanes, webhook_id, paced(2, 1_000), 2, NOW);
    assert_eq!(sent(&lanes, NOW).len(), 2);
    assert!(lanes.is_idle(), "nothing is left, and yet");
    births_of(&lanes, webhook_id, paced(2, 1_000), 2, NOW);
    assert_eq!(sent(&lanes, NOW).len(), 0);
    assert_eq!(sent(&lanes, NOW.plus(SECOND)).len(), 2);
}

#[test]
fn the_dispatcher_is_told_when_a_pause_begins_and_when_it_is_over_early() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    births_of(&lanes, webhook_id, paced(1, 1_000), 3, NOW);
    assert!(told(&lanes) && !told(&lanes));
    assert!(lanes.take(NOW).is_some());
    assert!(lanes.take(NOW).is_none());
    assert!(told(&lanes), "there is a moment to wake at");
    assert_eq!(lanes.next_turn(), Some(NOW.plus(SECOND)));
    assert!(lanes.take(NOW).is_none() && !told(&lanes), "it knows");
    lanes.note_due(webhook_id, at_once(9), LATER);
    assert!(told(&lanes), "the rate is gone");
    assert_eq!(sent(&lanes, NOW).len(), 2);
}

#[test]
fn a_changed_rate_holds_from_the_next_job_on() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    births_of(&lanes, webhook_id, paced(1, 4_000), 2, NOW);
    assert_eq!(sent(&lanes, NOW).len(), 1);
    births_of(&lanes, webhook_id, paced(1, 1_000), 1, NOW);
    assert_eq!(lanes.next_turn(), None, "it asks again");
    assert_eq!(sent(&lanes, NOW).len(), 0, "and what was spent stays spent");
    assert_eq!(sent(&lanes, NOW.plus(SECOND)).len(), 1);
    assert_eq!(sent(&lanes, NOW.plus(2 * SECOND)).len(), 1);
    births_of(&lanes, webhook_id, paced(1, 60_000), 1, NOW.plus(3 * SECOND));
    assert_eq!(sent(&lanes, NOW.plus(3 * SECOND)).len(), 0);
}

#[test]
fn what_would_wait_long_stays_in_the_database() {
    for (requests, per_ms, held) in [
        (2, 1_000, 12),
        (1, 5_000, 2),
        (1, 5_001, 1),
        (3, 3_600_000, 3),
        (1_000, 1, 40),
    ] {
        let lanes = lanes(100, 40);
        let count = births_of(&lanes, WebhookId::new(), paced(requests, per_ms), 50, NOW);
        assert_eq!(count, held, "{requests} in {per_ms} ms");
    }
}

#[test]
fn a_lane_claims_what_its_tokens_are_near_for_and_not_before() {
    let lanes = lanes(100, 100);
    let (webhook_id, limit) = (WebhookId::new(), paced(2, 1_000));
    lanes.note_due(webhook_id, limit, NOW);
    assert_eq!(claim(&lanes, limit, NOW), [12]);
    assert_eq!(sent(&lanes, NOW).len(), 2);
    let mut claims = Vec::new();
    let mut now = NOW;
    for _ in 0..40 {
        let due = lanes.next_due().expect("the database has more");
        if due <= now {
            claims.push((now.since(NOW).as_millis(), claim(&lanes, limit, now)));
            assert!(lanes.next_due() > Some(now), "no second claim before there is a reason");
        }
        assert!(sent(&lanes, now).len() <= 1);
        now = now.plus(Duration::from_millis(250));
    }
    assert_eq!(
        claims,
        [(3_000, vec![6]), (6_000, vec![6]), (9_000, vec![6])],
        "half of the five seconds at a time"
    );
}

#[test]
fn a_lane_whose_tokens_are_far_away_holds_nothing_and_wakes_nobody_before() {
    let lanes = lanes(100, 100);
    let (webhook_id, limit) = (WebhookId::new(), paced(1, 60_000));
    lanes.note_due(webhook_id, limit, NOW);
    assert_eq!(claim(&lanes, limit, NOW), [1]);
    assert_eq!(sent(&lanes, NOW).len(), 1);
    assert!(lanes.is_idle());
    let due = lanes.next_due().unwrap();
    assert_eq!(due, NOW.plus(Duration::from_millis(57_500)));
    assert_eq!(births_of(&lanes, webhook_id, limit, 3, due), 0, "older ones wait");
    assert_eq!(lanes.claim_budgets(Timestamp(due.0 - 1)), []);
    assert_eq!(claim(&lanes, limit, due), [1]);
    assert_eq!(sent(&lanes, due).len(), 0);
    assert_eq!(lanes.next_turn(), Some(NOW.plus(60 * SECOND)));
    assert_eq!(sent(&lanes, NOW.plus(60 * SECOND)).len(), 1);
}

#[test]
fn a_canceled_job_gives_its_token_to_the_next() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    births_of(&lanes, webhook_id, paced(1, 1_000), 1, NOW);
    let job = Job {
        limit: paced(1, 1_000),
        ..job(webhook_id, 9)
    };
    let canceled = born_at(&lanes, job, NOW).unwrap();
    births_of(&lanes, webhook_id, paced(1, 1_000), 1, NOW);
    assert_eq!(sent(&lanes, NOW).len(), 1);
    lanes.cancel(webhook_id, canceled);
    assert_eq!(sent(&lanes, NOW.plus(SECOND)).len(), 1);
    assert!(lanes.is_idle());
}

#[test]
fn a_turn_that_is_left_behind_in_a_pause_lets_no_lane_exceed_its_limit() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    let limit = Limit {
        in_flight: 1,
        ..paced(5, 1_000)
    };
    let born = || {
        born_at(
            &lanes,
            Job {
                limit,
                ..job(webhook_id, 1)
            },
            NOW,
        )
        .unwrap()
    };
    let canceled = born();
    lanes.cancel(webhook_id, canceled);
    born();
    born();
    assert_eq!(order(&lanes), [webhook_id], "one at a time");
    lanes.request_ended(webhook_id);
    assert_eq!(order(&lanes), [webhook_id]);
}

#[test]
fn what_pauses_is_drained_too() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    births_of(&lanes, webhook_id, paced(1, 1_000), 3, NOW);
    assert_eq!(sent(&lanes, NOW).len(), 1);
    let jobs = lanes.take_queued();
    assert_eq!(jobs.len(), 2);
    jobs.iter().for_each(|job| lanes.done(job.webhook_id, None));
    assert!(lanes.is_idle());
    assert_eq!(sent(&lanes, NOW.plus(2 * SECOND)).len(), 0);
    assert!(lanes.state().is_empty());
}

#[test]
fn a_lane_that_holds_all_that_its_first_tokens_serve_claims_nothing_more() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    assert_eq!(births_of(&lanes, webhook_id, paced(1, 1_000), 7, NOW), 6);
    assert_eq!(lanes.claim_budgets(NOW), []);
    assert_eq!(lanes.next_due(), Some(NOW.plus(Duration::from_millis(3_500))));
}

#[test]
fn the_dispatcher_is_told_when_a_rest_begins_and_when_a_new_job_brings_a_new_rate() {
    let lanes = lanes(100, 100);
    let [resting, pausing] = [(); 2].map(|()| WebhookId::new());
    births_of(&lanes, resting, paced(1, 1_000), 1, NOW);
    births_of(&lanes, pausing, paced(1, 2_000), 2, NOW);
    while lanes.take(NOW).is_some() {}
    assert!(told(&lanes));
    lanes.request_ended(resting);
    lanes.done(resting, None);
    assert!(told(&lanes), "the first moment is another now");
    assert_eq!(lanes.next_turn(), Some(NOW.plus(SECOND)));
    assert!(lanes.reserve(pausing, at_once(9), NOW));
    assert!(told(&lanes), "what waited may go, whatever becomes of the new one");
    assert_eq!(lanes.take(NOW).map(|job| job.webhook_id), Some(pausing));
}
