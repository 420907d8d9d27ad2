//! The window: what is held in memory is bounded, and what does not fit waits in the database and is lost nowhere.

use crate::support::{Receiver, Response, World};
use entity::NotificationStatus::*;
use labelhook_core::queue::lanes::Window;
use std::time::Duration;

const SMALL: Window = Window { total: 8, lane: 4 };

#[tokio::test]
async fn what_does_not_fit_waits_in_the_database_and_is_claimed_in_order() {
    let world = World::with(SMALL).await;
    let receiver = Receiver::ok().await;
    world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    let label = world.annotated().await;
    let mut events = Vec::new();
    for _ in 0..30 {
        events.push(world.publish(&label).await.id.to_string());
    }
    assert_eq!(
        (world.status_count(Sending).await, world.status_count(Pending).await),
        (4, 26)
    );
    world.deliver().await;
    let sent: Vec<String> = receiver
        .requests()
        .iter()
        .map(|request| request.headers["webhook-id"].clone())
        .collect();
    assert_eq!(sent, events, "each once, in its order");
    assert_eq!(world.status_count(Succeeded).await, 30);
    assert!(world.app.dispatcher.is_idle());
}

#[tokio::test]
async fn a_backlog_is_worked_off_as_fast_as_it_is_recorded() {
    let world = World::with(SMALL).await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    for _ in 0..100 {
        world.publish(&label).await;
    }
    let shutdown = tokio_util::sync::CancellationToken::new();
    let dispatcher = tokio::spawn(labelhook_core::dispatcher::run(world.app.clone(), shutdown.clone()));
    // The survey alone, which finds a window full every fifteen seconds, would take three minutes.
    let all = tokio::time::timeout(Duration::from_secs(120), receiver.until(100));
    all.await.expect("it does not wait for the survey");
    shutdown.cancel();
    dispatcher.await.unwrap();
    assert_eq!(world.status_count(Succeeded).await, 100);
    assert_eq!(receiver.count(), 100);
}

#[tokio::test]
async fn a_window_full_of_dead_webhooks_stops_nobody() {
    let world = World::with(Window { total: 4, lane: 4 }).await;
    let (dead, healthy) = (Receiver::holding().await, Receiver::ok().await);
    for _ in 0..6 {
        world.webhook(&dead.url()).await;
    }
    let label = world.annotated().await;
    for _ in 0..4 {
        world.publish(&label).await;
    }
    world.webhook(&healthy.url()).await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let dispatcher = tokio::spawn(labelhook_core::dispatcher::run(world.app.clone(), shutdown.clone()));
    for _ in 0..5 {
        world.publish(&label).await;
    }
    healthy.until(5).await;
    dead.release(1_000);
    dead.until(6 * 9).await;
    shutdown.cancel();
    dispatcher.await.unwrap();
    assert_eq!(world.status_count(Succeeded).await, 6 * 9 + 5);
}

#[tokio::test]
async fn hundreds_of_webhooks_that_are_due_at_once_are_claimed_in_steps() {
    let world = World::with(SMALL).await;
    let receiver = Receiver::new(|_, _| Response::status(503)).await;
    for _ in 0..300 {
        world
            .webhook_with(&receiver.url(), |new| {
                new.settings.retry.max_attempts = Some(2);
                new.settings.retry.jitter = Some(0.0);
            })
            .await;
    }
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    assert_eq!(world.status_count(Retrying).await, 300);
    world.after(Duration::from_secs(5)).await;
    assert_eq!(world.status_count(Failed).await, 300);
    assert_eq!(receiver.count(), 600);
    assert!(world.app.dispatcher.is_idle());
}
