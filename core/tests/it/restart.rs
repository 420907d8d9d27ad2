//! Tests that a process delivers what its killed or stopped predecessor left behind.

use crate::support::{Receiver, Response, SECRET, World, invalid};
use entity::{AuthType, NotificationStatus::*};
use labelhook_core::{dispatcher, queue::lanes::Window, secret::Keyring, webhook::New};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn what_a_dead_process_held_is_delivered_by_the_next() {
    let world = World::with(Window { total: 4, lane: 4 }).await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    for _ in 0..6 {
        world.publish(&label).await;
    }
    let held = world
        .number("SELECT count(*) FROM notification WHERE node_id IS NOT NULL")
        .await;
    assert_eq!(held, 4);
    let world = world.restart().await;
    let held = world
        .number("SELECT count(*) FROM notification WHERE node_id IS NOT NULL")
        .await;
    assert_eq!((held, world.status_count(Pending).await), (0, 6));
    world.deliver().await;
    assert_eq!((world.status_count(Succeeded).await, receiver.count()), (6, 6));
}

#[tokio::test]
async fn a_retry_keeps_its_moment_and_its_count_over_a_restart() {
    let world = World::new().await;
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 500 } else { 200 })).await;
    world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let before = world.notification().await;
    let world = world.restart().await;
    world.deliver().await;
    assert_eq!(world.notification().await, before);
    world.after(Duration::from_secs(6)).await;
    let row = world.notification().await;
    assert_eq!((row.status, row.attempt_count), (Succeeded, 2));
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight_and_gives_the_rest_back() {
    let world = World::new().await;
    let receiver = Receiver::holding().await;
    world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(2))
        .await;
    let label = world.annotated().await;
    for _ in 0..5 {
        world.publish(&label).await;
    }
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(dispatcher::run(world.app.clone(), shutdown.clone()));
    receiver.until(2).await;
    shutdown.cancel();
    receiver.release(100);
    running.await.unwrap();
    assert_eq!(
        (world.status_count(Succeeded).await, world.status_count(Pending).await),
        (2, 3)
    );
    assert_eq!(
        world
            .number("SELECT count(*) FROM notification WHERE node_id IS NOT NULL")
            .await,
        0
    );
    assert!(world.app.dispatcher.is_idle());
    let world = world.restart().await;
    world.deliver().await;
    assert_eq!((world.status_count(Succeeded).await, receiver.count()), (5, 5));
}

#[tokio::test]
async fn numbers_of_the_feed_go_on_after_a_restart() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    world.publish(&label).await;
    world.deliver().await;
    let newest = world.notification().await.sequence;
    world.clock.advance(Duration::from_millis(1));
    let world = world.restart().await;
    let event = world.publish(&label).await;
    assert!(event.sequence > newest, "{} > {newest}", event.sequence);
}

#[tokio::test]
async fn a_start_with_another_master_key_is_refused_and_with_the_right_one_goes_on() {
    let secret = |new: &mut New| new.secret = Some(SECRET.into());
    let token = |new: &mut New| {
        (new.settings.auth_type, new.secret) = (Some(AuthType::Bearer), None);
        new.settings.bearer_token = Some("a-token".into());
    };
    let header = |new: &mut New| {
        (new.settings.auth_type, new.secret) = (Some(AuthType::None), None);
        new.settings.headers = Some(serde_json::json!({"X-Custom": "a-value"}));
    };
    for sealed in [&secret as &dyn Fn(&mut New), &token, &header] {
        let world = World::new().await;
        world.webhook_with("http://127.0.0.1:9/", sealed).await;
        let (_, refused) = world.restart_with(Keyring::generate()).await;
        let expected = "does not open this database's secrets: it is not the key they were sealed with";
        assert_eq!(invalid(refused.unwrap_err()), ("masterKey".into(), expected.into()));
    }
}

#[tokio::test]
async fn a_database_without_secrets_opens_with_any_master_key() {
    let (_, refused) = World::new().await.restart_with(Keyring::generate()).await;
    refused.unwrap();
}
