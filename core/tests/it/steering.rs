//! Redeliver, cancel, ping and preview.

use crate::support::{Receiver, Response, SECRET, World, invalid, limited};
use entity::{AuthType, NotificationStatus::*, PayloadFormat, Role, WebhookStatus, WebhookTopic};
use labelhook_core::{Error, dispatcher, notification, queue::lanes::Window, webhook};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_redelivery_sends_the_same_bytes_and_event_as_a_new_notification() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let old = world.notification().await;
    world.clock.advance(Duration::from_hours(1));
    let new = notification::redeliver(&world.app, &world.owner, &old.id.to_string())
        .await
        .unwrap();
    assert_eq!(
        (new.redelivery_of, new.event_id, new.attempt_count),
        (Some(old.id), old.event_id, 0)
    );
    world.deliver().await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].headers["webhook-id"], requests[1].headers["webhook-id"]);
    assert_eq!(requests[1].headers["x-labelbox-id"], new.id.to_string());
    let rows = world.notifications().await;
    assert_eq!(rows[0], old, "the old one stays as it was");
    assert_eq!(rows[1].status, Succeeded);
}

#[tokio::test]
async fn a_webhook_that_is_switched_off_gets_no_redelivery_and_no_ping() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let created = world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let id = created.id.to_string();
    let off = webhook::Patch {
        status: Some(WebhookStatus::Inactive),
        ..webhook::Patch::default()
    };
    webhook::update(&world.app, &world.owner, &id, off).await.unwrap();
    let old = world.notification().await.id.to_string();
    let refused = notification::redeliver(&world.app, &world.owner, &old).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    let refused = notification::ping(&world.app, &world.owner, &id).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    assert_eq!(world.notifications().await.len(), 1);
}

#[tokio::test]
async fn what_waits_can_be_canceled_in_memory_and_in_the_database() {
    let world = World::with(Window { total: 2, lane: 1 }).await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    for _ in 0..3 {
        world.publish(&label).await;
    }
    let rows = world.notifications().await;
    assert_eq!((rows[0].status, rows[2].status), (Sending, Pending));
    for row in [&rows[0], &rows[2]] {
        let canceled = notification::cancel(&world.app, &world.owner, &row.id.to_string())
            .await
            .unwrap();
        assert_eq!(
            (canceled.status, canceled.due_at, canceled.node_id),
            (Canceled, None, None)
        );
        assert!(canceled.sequence > row.sequence);
    }
    world.deliver().await;
    assert_eq!((world.status_count(Canceled).await, receiver.count()), (2, 1));
    assert!(world.app.dispatcher.is_idle());
    for row in &world.notifications().await {
        let again = notification::cancel(&world.app, &world.owner, &row.id.to_string()).await;
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    }
}

#[tokio::test]
async fn a_retry_can_be_canceled() {
    let world = World::new().await;
    let receiver = Receiver::new(|_, _| Response::status(500)).await;
    world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let row = world.notification().await;
    notification::cancel(&world.app, &world.owner, &row.id.to_string())
        .await
        .unwrap();
    world.after(Duration::from_hours(100)).await;
    let row = world.notification().await;
    assert_eq!((row.status, row.attempt_count, receiver.count()), (Canceled, 1, 1));
}

#[tokio::test]
async fn a_request_in_flight_is_recorded_although_it_was_canceled() {
    for status in [200, 500] {
        let world = World::new().await;
        let receiver = Receiver::holding_with(status).await;
        world.webhook(&receiver.url()).await;
        world.publish(&world.annotated().await).await;
        let app = world.app.clone();
        let delivering = tokio::spawn(async move { dispatcher::run_until_idle(&app).await });
        receiver.until(1).await;
        let id = world.notification().await.id.to_string();
        notification::cancel(&world.app, &world.owner, &id).await.unwrap();
        receiver.release(1);
        delivering.await.unwrap().unwrap();
        world.after(Duration::from_hours(1)).await;
        let row = world.notification().await;
        assert_eq!((row.status, row.attempt_count, row.due_at), (Canceled, 1, None));
        assert_eq!(row.response_code, Some(i32::from(status)));
        assert_eq!((world.attempts(&row).await.len(), receiver.count()), (1, 1));
    }
}

#[tokio::test]
async fn a_ping_goes_to_its_webhook_alone_and_waits_for_the_outcome() {
    let world = World::new().await;
    let (receiver, other) = (Receiver::new(|_, _| Response::status(418)).await, Receiver::ok().await);
    let created = world.webhook(&receiver.url()).await;
    world.webhook(&other.url()).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(dispatcher::run(world.app.clone(), shutdown.clone()));
    let row = notification::ping(&world.app, &world.owner, &created.id.to_string())
        .await
        .unwrap();
    assert_eq!(
        (row.topic, row.response_code, row.attempt_count),
        (WebhookTopic::Ping, Some(418), 1)
    );
    shutdown.cancel();
    running.await.unwrap();
    assert_eq!((receiver.count(), other.count()), (1, 0));
    assert_eq!(receiver.requests()[0].headers["x-labelbox-event"], "PING");
}

#[tokio::test]
async fn a_ping_of_a_project_is_seen_by_a_key_of_the_project() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let label = world.annotated().await;
    let created = world
        .webhook_with(&receiver.url(), |new| {
            new.project_id = Some(label.project.id.to_string())
        })
        .await;
    let actor = limited(&world.owner, [label.project.id]);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(dispatcher::run(world.app.clone(), shutdown.clone()));
    let row = notification::ping(&world.app, &actor, &created.id.to_string())
        .await
        .unwrap();
    shutdown.cancel();
    running.await.unwrap();
    let seen = notification::get(&world.app, &actor, &row.id.to_string())
        .await
        .unwrap();
    assert_eq!(seen.status, Succeeded);
}

#[tokio::test]
async fn a_preview_is_signed_and_masked_and_sends_nothing() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let created = world
        .webhook_with(&receiver.url(), |new| {
            new.settings.auth_type = Some(AuthType::Bearer);
            new.settings.bearer_token = Some("token-of-the-receiver".into());
            new.settings.headers = Some(serde_json::json!({"X-Key": "value-of-a-header"}));
        })
        .await;
    let id = created.id.to_string();
    let event = world.publish(&world.annotated().await).await;
    for (event, topic) in [
        (None, None),
        (None, Some(WebhookTopic::ReviewUpdated)),
        (Some(event.id.to_string()), None),
    ] {
        let shown = notification::preview(&world.app, &world.owner, &id, event.as_deref(), topic)
            .await
            .unwrap();
        assert_eq!(shown.url, receiver.url());
        let headers: serde_json::Value = serde_json::from_str(&shown.headers).unwrap();
        assert_eq!(
            (&headers["authorization"], &headers["x-key"]),
            (&"***".into(), &"***".into())
        );
        let timestamp = headers["webhook-timestamp"].as_str().unwrap().parse().unwrap();
        let library = standardwebhooks::Webhook::new(SECRET).unwrap();
        let signature = library.sign(headers["webhook-id"].as_str().unwrap(), timestamp, &shown.body);
        assert_eq!(headers["webhook-signature"], signature.unwrap());
        serde_json::from_slice::<serde_json::Value>(&shown.body).unwrap();
    }
    world.deliver().await;
    assert_eq!(
        (receiver.count(), world.notifications().await.len()),
        (1, 1),
        "the event's own"
    );
    let shown = notification::preview(&world.app, &world.owner, &id, Some(&event.id.to_string()), None).await;
    assert_eq!(
        shown.unwrap().body,
        receiver.requests()[0].body,
        "exactly what was sent"
    );
}

#[tokio::test]
async fn a_preview_says_what_it_cannot_show() {
    let world = World::new().await;
    let created = world.webhook("http://127.0.0.1:9/").await;
    let id = created.id.to_string();
    let event = world.publish(&world.annotated().await).await.id.to_string();
    let preview = |event: Option<String>, topic| {
        let (app, owner, id) = (&world.app, &world.owner, &id);
        async move {
            notification::preview(app, owner, id, event.as_deref(), topic)
                .await
                .unwrap_err()
        }
    };
    assert_eq!(invalid(preview(Some(event), Some(WebhookTopic::Ping)).await).0, "topic");
    assert_eq!(
        invalid(preview(None, Some(WebhookTopic::ReviewDeleted)).await).0,
        "topic"
    );
    assert!(matches!(
        preview(Some("x".into()), None).await,
        Error::NotFound { noun: "event", .. }
    ));
}

#[tokio::test]
async fn a_preview_of_a_webhook_whose_first_topic_has_no_sample_shows_another() {
    let world = World::new().await;
    let created = world
        .webhook_with("http://127.0.0.1:9/", |new| {
            new.settings.topics = Some(vec![WebhookTopic::ReviewDeleted, WebhookTopic::LabelDeleted]);
            new.settings.payload_format = Some(PayloadFormat::Ango);
        })
        .await;
    let shown = notification::preview(&world.app, &world.owner, &created.id.to_string(), None, None)
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&shown.body).unwrap();
    assert_eq!(body["deleted"], true);
}

#[tokio::test]
async fn who_may_not_steer_is_refused_and_who_is_foreign_finds_nothing() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let created = world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let (row, id) = (world.notification().await.id.to_string(), created.id.to_string());
    let reader = world.actor(Role::User).await;
    let mut foreign = world.owner.clone();
    foreign.organization_id = entity::OrganizationId::new();
    let app = &world.app;
    for actor in [&reader, &foreign] {
        let answers = [
            notification::redeliver(app, actor, &row).await.err(),
            notification::cancel(app, actor, &row).await.err(),
            notification::ping(app, actor, &id).await.err(),
            notification::preview(app, actor, &id, None, None).await.err(),
        ];
        for error in answers.into_iter().map(Option::unwrap) {
            match actor.role {
                Role::User => assert!(matches!(error, Error::Forbidden(_)), "{error:?}"),
                _ => assert!(matches!(error, Error::NotFound { .. }), "{error:?}"),
            }
        }
    }
    let worker = world.actor(Role::Worker).await;
    let hidden = notification::get(app, &worker, &row).await;
    assert!(matches!(hidden, Err(Error::Forbidden(_))));
    assert_eq!(world.notifications().await.len(), 1);
}
