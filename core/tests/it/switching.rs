//! A webhook that is changed, switched off and on again while it has something queued.

use crate::support::{Receiver, Response, World};
use entity::{NotificationStatus::*, WebhookStatus, webhook as webhooks};
use labelhook_core::webhook::{self, Patch, Settings};
use std::time::Duration;

async fn switch(world: &World, webhook: &webhooks::Model, status: WebhookStatus) {
    let patch = Patch {
        status: Some(status),
        ..Patch::default()
    };
    webhook::update(&world.app, &world.owner, &webhook.id.to_string(), patch)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_inactive_webhook_holds_what_is_queued_and_goes_on_when_it_is_active() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let created = world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    world.publish(&label).await;
    switch(&world, &created, WebhookStatus::Inactive).await;
    world.publish(&label).await;
    world.deliver().await;
    world.after(Duration::from_hours(1)).await;
    let row = world.notification().await;
    assert_eq!((row.status, row.attempt_count, row.node_id), (Pending, 0, None));
    assert_eq!(receiver.count(), 0);
    assert!(world.app.dispatcher.is_idle());
    switch(&world, &created, WebhookStatus::Active).await;
    world.deliver().await;
    assert_eq!(world.notification().await.status, Succeeded);
    world.publish(&label).await;
    world.deliver().await;
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn a_retry_waits_while_its_webhook_is_inactive() {
    let world = World::new().await;
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 500 } else { 200 })).await;
    let created = world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    switch(&world, &created, WebhookStatus::Inactive).await;
    world.after(Duration::from_hours(1)).await;
    let row = world.notification().await;
    assert_eq!((row.status, row.attempt_count), (Retrying, 1));
    switch(&world, &created, WebhookStatus::Active).await;
    world.deliver().await;
    assert_eq!(world.notification().await.status, Succeeded);
}

#[tokio::test]
async fn a_running_dispatcher_goes_on_as_soon_as_a_webhook_is_active_again() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let created = world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    switch(&world, &created, WebhookStatus::Inactive).await;
    world.deliver().await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let dispatcher = tokio::spawn(labelhook_core::dispatcher::run(world.app.clone(), shutdown.clone()));
    switch(&world, &created, WebhookStatus::Active).await;
    receiver.until(1).await;
    shutdown.cancel();
    dispatcher.await.unwrap();
    assert_eq!(world.notification().await.status, Succeeded);
}

#[tokio::test]
async fn a_new_url_is_where_retries_go() {
    let world = World::new().await;
    let (old, new) = (Receiver::new(|_, _| Response::status(500)).await, Receiver::ok().await);
    let created = world.webhook(&old.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let patch = Settings {
        url: Some(new.url()),
        ..Settings::default()
    }
    .into();
    webhook::update(&world.app, &world.owner, &created.id.to_string(), patch)
        .await
        .unwrap();
    world.after(Duration::from_secs(6)).await;
    let row = world.notification().await;
    assert_eq!((row.status, old.count(), new.count()), (Succeeded, 1, 1));
    assert_eq!(old.requests()[0].body, new.requests()[0].body);
    let urls: Vec<String> = world.attempts(&row).await.into_iter().map(|row| row.url).collect();
    assert_eq!(urls, [old.url(), new.url()]);
}
