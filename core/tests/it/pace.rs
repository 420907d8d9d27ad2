//! Tests of rate limits, in virtual time: a webhook is sent to at its rate, and a notification that waits for its token
//! uses up no attempt.

use crate::support::{Receiver, Response, START, World};
use entity::{NotificationStatus::*, Timestamp, notification, webhook as webhooks};
use labelhook_core::{
    delivery::limit::Rate,
    webhook::{self, Retry, Settings},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_micros(1);

async fn paced(world: &World, receiver: &Receiver, requests: i32, per_ms: i32) -> webhooks::Model {
    let rate = Some(Rate { requests, per_ms });
    world
        .webhook_with(&receiver.url(), |new| new.settings.rate = Some(rate))
        .await
}

async fn repace(world: &World, webhook: &webhooks::Model, rate: Option<Rate>) {
    let patch = Settings {
        rate: Some(rate),
        ..Settings::default()
    }
    .into();
    webhook::update(&world.app, &world.owner, &webhook.id.to_string(), patch)
        .await
        .unwrap();
}

async fn publish(world: &World, count: usize) {
    let label = world.annotated().await;
    for _ in 0..count {
        world.publish(&label).await;
    }
}

/// Returns the starts of all attempts of the webhook, sorted, in milliseconds since [`START`].
async fn sent(world: &World, of: &webhooks::Model) -> Vec<u128> {
    let mut sent = Vec::new();
    for row in world.notifications().await {
        let attempts = world.attempts(&row).await.into_iter();
        sent.extend(attempts.filter(|_| row.webhook_id == of.id).map(|one| one.started_at));
    }
    sent.sort_unstable();
    sent.into_iter()
        .map(|at: Timestamp| at.since(START).as_millis())
        .collect()
}

fn states(rows: &[notification::Model]) -> Vec<(entity::NotificationStatus, i32, i32)> {
    let state = |row: &notification::Model| (row.status, row.attempt_count, row.throttled_count);
    rows.iter().map(state).collect()
}

#[tokio::test]
async fn a_webhook_of_two_requests_a_second_gets_ten_notifications_at_that_pace_and_delays_nobody() {
    let world = World::new().await;
    let (slow, fast) = (Receiver::ok().await, Receiver::ok().await);
    let webhook = paced(&world, &slow, 2, 1_000).await;
    world.webhook(&fast.url()).await;
    publish(&world, 10).await;
    world.deliver().await;
    assert_eq!((slow.count(), fast.count()), (2, 10));
    for count in 3..=10 {
        world.after(SECOND / 2 - MOMENT).await;
        assert_eq!(slow.count(), count - 1, "not too early");
        world.after(MOMENT).await;
        assert_eq!(slow.count(), count);
    }
    let pace = [0, 0, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000];
    assert_eq!(sent(&world, &webhook).await, pace);
    assert_eq!(states(&world.notifications().await), [(Succeeded, 1, 0); 20]);
    assert!(world.app.dispatcher.is_idle());
}

#[tokio::test]
async fn what_waits_long_for_a_token_stays_in_the_database_and_keeps_its_pace_over_a_restart() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let webhook = paced(&world, &receiver, 1, 60_000).await;
    publish(&world, 3).await;
    world.deliver().await;
    assert!(world.app.dispatcher.is_idle(), "the window is free for others");
    let rows = world.notifications().await;
    assert_eq!(
        states(&rows),
        [(Succeeded, 1, 0), (Pending, 0, 0), (Pending, 0, 0)],
        "as they were accepted"
    );
    assert_eq!(rows[1].due_at, Some(START));
    world.after(59 * SECOND).await;
    assert_eq!(world.status_count(Sending).await, 1, "its token is near");
    world.after(SECOND).await;
    assert_eq!(sent(&world, &webhook).await, [0, 60_000]);
    let world = world.restart().await;
    world.after(SECOND).await;
    assert_eq!(
        sent(&world, &webhook).await,
        [0, 60_000, 61_000],
        "a new process finds a full bucket"
    );
    publish(&world, 1).await;
    world.deliver().await;
    assert_eq!(receiver.count(), 3);
}

#[tokio::test]
async fn a_backlog_is_claimed_at_the_pace_of_its_webhook() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let webhook = paced(&world, &receiver, 2, 1_000).await;
    publish(&world, 40).await;
    let world = world.restart().await;
    world.deliver().await;
    let held = world.status_count(Sending).await;
    assert_eq!((receiver.count(), held), (2, 10), "what comes within five seconds");
    for _ in 0..38 {
        world.after(SECOND / 2).await;
        assert!(world.status_count(Sending).await <= 10);
    }
    let pace: Vec<u128> = [0].into_iter().chain((0..39).map(|number| number * 500)).collect();
    assert_eq!(sent(&world, &webhook).await, pace);
    assert_eq!(world.status_count(Succeeded).await, 40);
}

#[tokio::test]
async fn a_changed_rate_holds_at_once() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let webhook = paced(&world, &receiver, 1, 3_600_000).await;
    publish(&world, 10).await;
    world.deliver().await;
    world.after(60 * SECOND).await;
    assert_eq!(receiver.count(), 1);
    let rate = |requests, per_ms| Some(Rate { requests, per_ms });
    repace(&world, &webhook, rate(1, 120_000)).await;
    world.deliver().await;
    assert_eq!(receiver.count(), 1, "half of the time has passed");
    world.after(60 * SECOND).await;
    assert_eq!(receiver.count(), 2);
    repace(&world, &webhook, rate(1, 1_000)).await;
    world.deliver().await;
    assert_eq!(receiver.count(), 2);
    world.after(SECOND).await;
    assert_eq!(receiver.count(), 3);
    repace(&world, &webhook, None).await;
    world.deliver().await;
    assert_eq!(
        receiver.count(),
        10,
        "what waits in memory and in the database goes at once"
    );
    repace(&world, &webhook, rate(1, 1_000)).await;
    publish(&world, 2).await;
    world.deliver().await;
    assert_eq!(receiver.count(), 11);
}

#[tokio::test]
async fn a_retry_takes_one_token_like_any_request_and_waiting_for_it_spends_no_attempt() {
    let world = World::new().await;
    let receiver = Receiver::new(|number, _| Response::status(if number < 2 { 500 } else { 200 })).await;
    let rate = Some(Rate {
        requests: 1,
        per_ms: 10_000,
    });
    let webhook = world
        .webhook_with(&receiver.url(), |new| {
            new.settings.rate = Some(rate);
            new.settings.retry = Retry {
                delays_ms: Some(vec![1_000]),
                jitter: Some(0.0),
                max_attempts: Some(2),
            };
        })
        .await;
    publish(&world, 2).await;
    world.deliver().await;
    world.after(4 * SECOND).await;
    let waiting = [(Retrying, 1, 0), (Pending, 0, 0)];
    assert_eq!(states(&world.notifications().await), waiting, "due, and waiting");
    for seconds in [6, 10, 10, 60] {
        world.after(seconds * SECOND).await;
    }
    assert_eq!(sent(&world, &webhook).await, [0, 10_000, 20_000, 30_000]);
    assert_eq!(states(&world.notifications().await), [(Succeeded, 2, 0); 2]);
}
