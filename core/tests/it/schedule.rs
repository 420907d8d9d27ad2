//! Tests of the retry schedule, in virtual time: the whole schedule takes milliseconds.

use crate::support::{Receiver, Response, World};
use entity::{NotificationStatus::*, notification};
use labelhook_core::webhook::Retry;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Returns the time from a notification's newest attempt to its next one.
fn wait(row: &notification::Model) -> Duration {
    row.due_at.unwrap().since(row.updated_at)
}

#[tokio::test]
async fn the_default_schedule_is_walked_over_days_and_given_up_after_ten_attempts() {
    let world = World::new().await;
    let receiver = Receiver::new(|_, _| Response::status(500)).await;
    world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let delays = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    for (attempts, seconds) in (1..).zip(delays) {
        let row = world.notification().await;
        assert_eq!((row.status, row.attempt_count), (Retrying, attempts));
        let planned = Duration::from_secs(seconds).as_secs_f64();
        let wait = wait(&row);
        assert!(
            (planned * 0.8..=planned * 1.2).contains(&wait.as_secs_f64()),
            "{wait:?} for {planned}"
        );
        world.after(wait - Duration::from_millis(1)).await;
        assert_eq!(world.notification().await.attempt_count, attempts, "not too early");
        world.after(Duration::from_millis(1)).await;
    }
    let row = world.notification().await;
    assert_eq!((row.status, row.attempt_count, row.due_at), (Failed, 10, None));
    assert_eq!((row.response_code, row.node_id), (Some(500), None));
    let numbers: Vec<i32> = world
        .attempts(&row)
        .await
        .iter()
        .map(|attempt| attempt.number)
        .collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    world.after(Duration::from_hours(1_000)).await;
    assert_eq!(receiver.count(), 10);
    assert!(world.app.dispatcher.is_idle());
}

#[tokio::test]
async fn one_attempt_at_most_means_no_retry() {
    let world = World::new().await;
    let receiver = Receiver::new(|_, _| Response::status(404)).await;
    world
        .webhook_with(&receiver.url(), |new| {
            new.settings.retry = Retry {
                max_attempts: Some(1),
                ..Retry::default()
            };
        })
        .await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let row = world.notification().await;
    assert_eq!((row.status, row.attempt_count), (Failed, 1));
}

#[tokio::test]
async fn a_receiver_may_ask_for_a_longer_wait() {
    let world = World::new().await;
    let receiver = Receiver::new(|_, _| Response::status(503).header("Retry-After", "3600")).await;
    world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let row = world.notification().await;
    assert_eq!((row.status, row.throttled_count), (Retrying, 0));
    assert_eq!(wait(&row), Duration::from_hours(1));
}

#[tokio::test]
async fn a_throttled_attempt_is_recorded_and_not_spent() {
    let world = World::new().await;
    let receiver = Receiver::new(|number, _| match number {
        0..3 => Response::status(429).header("Retry-After", "60"),
        _ => Response::status(500),
    })
    .await;
    world
        .webhook_with(&receiver.url(), |new| new.settings.retry.max_attempts = Some(2))
        .await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    for throttled in 1..=3 {
        let row = world.notification().await;
        assert_eq!(
            (row.status, row.attempt_count, row.throttled_count),
            (Retrying, throttled, throttled)
        );
        assert!(wait(&row) >= 60 * SECOND);
        world.after(wait(&row)).await;
    }
    let row = world.notification().await;
    assert_eq!((row.status, row.attempt_count, row.throttled_count), (Retrying, 4, 3));
    world.after(wait(&row)).await;
    let row = world.notification().await;
    assert_eq!((row.status, row.attempt_count, row.throttled_count), (Failed, 5, 3));
    assert_eq!(world.attempts(&row).await.len(), 5);
}

#[tokio::test]
async fn the_dispatcher_wakes_for_a_retry_without_being_told() {
    let world = World::new().await;
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 500 } else { 200 })).await;
    world
        .webhook_with(&receiver.url(), |new| {
            new.settings.retry = Retry {
                delays_ms: Some(vec![0]),
                ..Retry::default()
            };
        })
        .await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let dispatcher = tokio::spawn(labelhook_core::dispatcher::run(world.app.clone(), shutdown.clone()));
    world.publish(&world.annotated().await).await;
    receiver.until(2).await;
    shutdown.cancel();
    dispatcher.await.unwrap();
    assert_eq!(world.notification().await.status, Succeeded);
}
