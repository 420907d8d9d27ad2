//! Live events beside webhooks that have a backlog.

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// Completes a claim with these jobs; every lane then has more in the database.
fn claim(lanes: &Lanes, rooms: &[ClaimBudget], since: Timestamp, attempts: i32) {
    let jobs = rooms
        .iter()
        .flat_map(|room| repeat_with(|| job(room.webhook_id, 9)).take(room.count));
    let jobs = jobs.map(|job| Job {
        created_at: since,
        attempt_count: attempts,
        ..job
    });
    let claim = Claim {
        jobs: jobs.collect(),
        more: rooms.iter().map(|room| (room.webhook_id, since)).collect(),
    };
    lanes.claimed(rooms, claim);
}

/// Makes `count` webhooks whose whole share is taken by a backlog of this age and number of attempts.
fn with_backlog(lanes: &Lanes, count: usize, since: Timestamp, attempts: i32, now: Timestamp) {
    (0..count).for_each(|_| lanes.note_due(WebhookId::new(), at_once(9), since));
    loop {
        let rooms = lanes.claim_budgets(now);
        if rooms.is_empty() {
            return;
        }
        claim(lanes, &rooms, since, attempts);
    }
}

fn live(lanes: &Lanes, webhook_id: WebhookId, now: Timestamp) -> bool {
    let job = Job {
        created_at: now,
        ..job(webhook_id, 9)
    };
    born_at(lanes, job, now).is_some()
}

/// Takes one job and ends it.
fn send(lanes: &Lanes, now: Timestamp) -> WebhookId {
    let job = lanes.take(now).expect("there is enough to send");
    lanes.request_ended(job.webhook_id);
    lanes.done(job.webhook_id, None);
    job.webhook_id
}

#[test]
fn a_live_event_waits_for_one_of_a_backlog_and_not_for_one_of_each() {
    for (since, attempts) in [(NOW, 0), (NOW.plus(HOUR), 1)] {
        let (lanes, now) = (lanes(4096, 256), NOW.plus(HOUR));
        with_backlog(&lanes, 200, since, attempts, now);
        let webhook_id = WebhookId::new();
        for _ in 0..50 {
            assert!(live(&lanes, webhook_id, now));
            let sent = [send(&lanes, now), send(&lanes, now)];
            assert!(sent.contains(&webhook_id));
        }
    }
}

#[test]
fn a_backlog_has_half_the_turns_whatever_happens_meanwhile() {
    let (lanes, now) = (lanes(4096, 256), NOW.plus(HOUR));
    with_backlog(&lanes, 1, NOW, 0, now);
    let webhooks: Vec<WebhookId> = repeat_with(WebhookId::new).take(50).collect();
    webhooks.iter().for_each(|id| assert!(live(&lanes, *id, now)));
    let sent: Vec<WebhookId> = repeat_with(|| send(&lanes, now)).take(100).collect();
    let live = sent.iter().filter(|id| webhooks.contains(id)).count();
    assert_eq!(live, 50);
    let first = sent[..50].iter().filter(|id| webhooks.contains(id)).count();
    assert_eq!(first, 25);
}

#[test]
fn though_many_are_behind_there_is_room_for_what_happens() {
    let (lanes, now) = (lanes(400, 100), NOW.plus(HOUR));
    with_backlog(&lanes, 80, NOW, 0, now);
    let held = lanes.state().held;
    assert!(
        (300..380).contains(&held),
        "three quarters, and one of each lane: {held}"
    );
    let webhook_id = WebhookId::new();
    let held = (0..20).filter(|_| live(&lanes, webhook_id, now)).count();
    assert_eq!(held, 20, "it has no share of theirs");
}

#[test]
fn however_many_are_slow_others_have_room() {
    for count in [1, 10, 100, 250] {
        let lanes = lanes(4096, 256);
        let slow: Vec<WebhookId> = repeat_with(WebhookId::new).take(count).collect();
        for _ in 0..300 {
            for webhook_id in &slow {
                live(&lanes, *webhook_id, NOW);
            }
        }
        let webhook_id = WebhookId::new();
        let held = (0..50).filter(|_| live(&lanes, webhook_id, NOW)).count();
        assert!(held >= 8, "{held} beside {count}");
    }
}

/// The backlog of many webhooks after an outage of seconds.
#[test]
fn a_live_lane_has_places_beside_many_that_are_hardly_behind() {
    let (lanes, now) = (lanes(4096, 256), NOW.plus(Duration::from_secs(3)));
    with_backlog(&lanes, 200, NOW, 0, now);
    let webhook_id = WebhookId::new();
    let held = (0..100).filter(|_| live(&lanes, webhook_id, now)).count();
    assert!(held > 30, "{held}");
}

#[test]
fn a_lane_that_has_caught_up_is_no_longer_behind() {
    let (lanes, now) = (lanes(4096, 256), NOW.plus(HOUR));
    let webhook_id = WebhookId::new();
    lanes.note_due(webhook_id, at_once(999), NOW);
    let rooms = lanes.claim_budgets(now);
    let claim = Claim {
        jobs: vec![Job {
            created_at: NOW,
            ..job(webhook_id, 999)
        }],
        more: vec![],
    };
    lanes.claimed(&rooms, claim);
    assert_eq!(lanes.state().live(), 0);
    assert!(live(&lanes, webhook_id, now));
    assert_eq!(lanes.state().live(), 1);
    assert_eq!([send(&lanes, now), send(&lanes, now)], [webhook_id; 2]);
    assert!(lanes.state().is_empty());
}

#[test]
fn a_lane_that_overflowed_claims_before_most_of_those_that_are_behind() {
    let (lanes, now) = (lanes(8_000, 20), NOW.plus(HOUR));
    let webhook_id = WebhookId::new();
    (0..1_000).for_each(|_| lanes.note_due(WebhookId::new(), at_once(9), NOW));
    lanes.note_due(webhook_id, at_once(9), now);
    let rooms = lanes.claim_budgets(now);
    assert_eq!(rooms.len(), MAX_CLAIM_LANES);
    assert_eq!(rooms[0].webhook_id, webhook_id);
}
