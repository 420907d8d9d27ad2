//! Tests of the other answers of a receiver (410, redirects, long bodies, none at all) and of the records they leave.

use crate::support::{Receiver, Response, World};
use entity::{AttemptErrorKind, NotificationStatus::*, WebhookStatus};
use labelhook_core::webhook;
use std::time::Duration;

#[tokio::test]
async fn a_receiver_that_is_gone_is_revoked_with_its_reason_and_its_queue_waits() {
    let world = World::new().await;
    let receiver = Receiver::new(|_, _| Response::status(410)).await;
    let created = world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    let label = world.annotated().await;
    world.publish(&label).await;
    world.deliver().await;
    let row = webhook::get(&world.app, &world.owner, &created.id.to_string())
        .await
        .unwrap();
    assert_eq!(row.status, WebhookStatus::Revoked);
    assert_eq!(row.status_reason.as_deref(), Some("the receiver answered 410 Gone"));
    assert_eq!(world.notification().await.status, Failed);
    world.publish(&label).await;
    world.deliver().await;
    assert_eq!(world.notifications().await.len(), 1, "nothing new is queued");
}

#[tokio::test]
async fn what_a_gone_receiver_had_queued_stays_queued() {
    let world = World::new().await;
    let receiver = Receiver::new(|_, _| Response::status(410)).await;
    world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    let label = world.annotated().await;
    for _ in 0..20 {
        world.publish(&label).await;
    }
    world.deliver().await;
    assert_eq!(world.status_count(Sending).await, 0);
    let waiting = world.status_count(Pending).await;
    assert_eq!(
        (world.status_count(Failed).await + waiting, receiver.count() + waiting),
        (20, 20)
    );
    let shown = world
        .number("SELECT count(*) FROM notification WHERE due_at IS NOT NULL")
        .await;
    assert_eq!(usize::try_from(shown).unwrap(), waiting);
}

#[tokio::test]
async fn a_receiver_that_moved_is_not_revoked_for_its_old_address() {
    let world = World::new().await;
    let old = Receiver::holding_with(410).await;
    let created = world.webhook(&old.url()).await;
    let app = world.app.clone();
    world.publish(&world.annotated().await).await;
    let delivering = tokio::spawn(async move { labelhook_core::dispatcher::run_until_idle(&app).await });
    old.until(1).await;
    let patch = webhook::Settings {
        url: Some("http://127.0.0.1:9/new".into()),
        ..webhook::Settings::default()
    }
    .into();
    let id = created.id.to_string();
    webhook::update(&world.app, &world.owner, &id, patch).await.unwrap();
    old.release(1);
    delivering.await.unwrap().unwrap();
    let row = webhook::get(&world.app, &world.owner, &id).await.unwrap();
    assert_eq!(row.status, WebhookStatus::Active);
}

#[tokio::test]
async fn an_answer_is_kept_up_to_its_limit_and_says_so() {
    let world = World::new().await;
    let receiver = Receiver::new(|number, _| {
        let response = Response::status(200).header("X-Answer", "yes");
        match number {
            0 => response.body(vec![0xff; 64 * 1024]),
            _ => response.body(vec![b'x'; 100_000]),
        }
    })
    .await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    for (length, truncated) in [(65_536, false), (65_536, true)] {
        world.publish(&label).await;
        world.deliver().await;
        let rows = world.notifications().await;
        let attempt = world.attempts(rows.last().unwrap()).await.remove(0);
        assert_eq!(attempt.response_body.unwrap().len(), length);
        assert_eq!(
            (attempt.body_truncated, attempt.response_status),
            (truncated, Some(200))
        );
        let headers: serde_json::Value = serde_json::from_str(&attempt.response_headers.unwrap()).unwrap();
        assert_eq!(headers["x-answer"], "yes");
    }
    assert_eq!(world.status_count(Succeeded).await, 2);
}

#[tokio::test]
async fn an_attempt_without_an_answer_has_a_typed_error() {
    let world = World::new().await;
    let closed = Receiver::ok().await.url();
    world.webhook(&closed).await;
    world.webhook("http://10.0.0.1/").await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let rows = world.notifications().await;
    for (row, error) in rows
        .iter()
        .zip([AttemptErrorKind::Connect, AttemptErrorKind::BlockedAddress])
    {
        assert_eq!(
            (row.status, row.response_code, row.error),
            (Retrying, None, Some(error))
        );
        let attempt = world.attempts(row).await.remove(0);
        assert_eq!((attempt.error, attempt.response_status), (Some(error), None));
        assert!(!attempt.error_message.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let world = World::new().await;
    let elsewhere = Receiver::ok().await;
    let location = elsewhere.url();
    let receiver = Receiver::new(move |_, _| Response::status(302).header("Location", &location)).await;
    world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let row = world.notification().await;
    assert_eq!((row.status, row.error), (Retrying, Some(AttemptErrorKind::Redirect)));
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn a_dead_webhook_delays_no_other() {
    let world = World::new().await;
    let (dead, healthy) = (Receiver::holding().await, Receiver::ok().await);
    world
        .webhook_with(&dead.url(), |new| new.settings.max_in_flight = Some(2))
        .await;
    world.webhook(&healthy.url()).await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let dispatcher = tokio::spawn(labelhook_core::dispatcher::run(world.app.clone(), shutdown.clone()));
    let label = world.annotated().await;
    for _ in 0..50 {
        world.publish(&label).await;
    }
    healthy.until(50).await;
    assert_eq!(dead.count(), 2, "its limit");
    dead.release(1_000);
    dead.until(50).await;
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(180), dispatcher)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(world.status_count(Succeeded).await, 100);
}
