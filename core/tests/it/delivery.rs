//! The straight line, from a change to a recorded delivery: one transaction, one payload a format, the same signed
//! bytes every time.

use crate::support::{Receiver, Request, Response, SECRET, START, World};
use bytes::Bytes;
use entity::{NotificationStatus::*, PayloadFormat, payload};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use labelhook_core::{Clock, Error, event::Change};
use sea_orm::{ConnectionTrait, EntityTrait};
use sha1::Sha1;
use sha2::Sha256;
use std::time::Duration;

#[tokio::test]
async fn a_label_reaches_its_webhook_and_is_recorded() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let webhook = world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    let event = world.publish(&label).await;
    let born = world.notification().await;
    assert_eq!(
        (born.status, born.node_id.is_some(), born.due_at),
        (Sending, true, None)
    );
    world.deliver().await;
    let row = world.notification().await;
    assert_eq!((row.status, row.response_code, row.error), (Succeeded, Some(200), None));
    assert_eq!((row.webhook_id, row.event_id), (webhook.id, event.id));
    assert_eq!((row.node_id, row.due_at, row.attempt_count), (None, None, 1));
    assert!(row.sequence > born.sequence && born.sequence > event.sequence);
    let attempts = world.attempts(&row).await;
    assert_eq!((attempts.len(), attempts[0].number), (1, 1));
    assert_eq!(attempts[0].url, receiver.url());
    assert_eq!(attempts[0].started_at, START);
    let sent = &receiver.requests()[0];
    assert_eq!(sent.path, "/hook");
    assert_eq!(sent.headers["content-type"], "application/json");
    assert_eq!(sent.headers["webhook-id"], event.id.to_string());
    assert_eq!(sent.headers["x-labelbox-id"], row.id.to_string());
    assert_eq!(sent.headers["x-labelbox-event"], "LABEL_CREATED");
    assert!(world.app.dispatcher.is_idle());
}

#[tokio::test]
async fn an_event_its_payloads_and_its_notifications_are_undone_with_their_change() {
    let world = World::new().await;
    world.webhook("http://127.0.0.1:9/").await;
    let label = world.annotated().await;
    let (organization_id, data) = (world.organization_id, label.data());
    let undone = world
        .write(move |txn| {
            Box::pin(async move {
                labelhook_core::publish::publish(txn, organization_id, &data, Change::Created).await?;
                Err::<(), _>(Error::Conflict("changed my mind".into()))
            })
        })
        .await;
    assert!(matches!(undone, Err(Error::Conflict(_))));
    for table in ["event", "payload", "notification"] {
        assert_eq!(
            world.number(&format!("SELECT count(*) FROM {table}")).await,
            0,
            "{table}"
        );
    }
    assert!(world.app.dispatcher.is_idle());
    world.publish(&label).await;
    for table in ["event", "payload", "notification"] {
        assert_eq!(
            world.number(&format!("SELECT count(*) FROM {table}")).await,
            1,
            "{table}"
        );
    }
}

#[tokio::test]
async fn webhooks_of_one_format_share_one_payload() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    for format in [PayloadFormat::Labelbox, PayloadFormat::Ango, PayloadFormat::Labelbox] {
        world
            .webhook_with(&receiver.url(), |new| new.settings.payload_format = Some(format))
            .await;
    }
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    assert_eq!(world.status_count(Succeeded).await, 3);
    let payloads = payload::Entity::find().all(world.app.db.read()).await.unwrap();
    assert_eq!(payloads.len(), 2);
    let rows = world.notifications().await;
    assert_eq!(rows[0].payload_id, rows[2].payload_id);
    assert_ne!(rows[0].payload_id, rows[1].payload_id);
}

#[tokio::test]
async fn every_attempt_sends_the_stored_bytes_and_a_published_library_verifies_them() {
    let world = World::new().await;
    let receiver = Receiver::new(|number, _| Response::status(if number < 2 { 500 } else { 200 })).await;
    world.webhook(&receiver.url()).await;
    world.clock.advance(Clock::default().now().since(START));
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    world.after(Duration::from_secs(6)).await;
    verified(&receiver.requests()[1]);
    world.after(Duration::from_mins(6)).await;
    let stored = payload::Entity::find().one(world.app.db.read()).await.unwrap().unwrap();
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.body, stored.body);
        assert_eq!(request.headers["webhook-id"], requests[0].headers["webhook-id"]);
        assert_eq!(request.headers["x-labelbox-id"], requests[0].headers["x-labelbox-id"]);
        signed(request, "sha1=");
    }
    assert_ne!(
        requests[0].headers["webhook-timestamp"],
        requests[1].headers["webhook-timestamp"]
    );
}

#[tokio::test]
async fn the_ango_format_signs_with_bare_digits_and_names_no_ids_of_another_platform() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world
        .webhook_with(&receiver.url(), |new| {
            new.settings.payload_format = Some(PayloadFormat::Ango)
        })
        .await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let request = &receiver.requests()[0];
    signed(request, "");
    assert!(!request.headers.keys().any(|name| name.starts_with("x-labelbox")));
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["externalId"], "Croissànt.jpg");
}

#[tokio::test]
async fn a_large_payload_is_sent_whole_and_again() {
    let world = World::new().await;
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 500 } else { 200 })).await;
    world.webhook(&receiver.url()).await;
    let mut label = world.annotated().await;
    label.label.label = format!(r#"{{"objects":["{}"]}}"#, "x".repeat(200_000));
    world.publish(&label).await;
    world.deliver().await;
    world.after(Duration::from_secs(6)).await;
    let old = world.notification().await;
    assert_eq!(old.status, Succeeded);
    labelhook_core::notification::redeliver(&world.app, &world.owner, &old.id.to_string())
        .await
        .unwrap();
    world.deliver().await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[0].body.len() > 200_000);
    assert!(requests.iter().all(|request| request.body == requests[0].body));
}

/// By the published library, its five minutes of tolerance included.
fn verified(request: &Request) {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, request.headers[name].parse().unwrap());
    }
    let library = standardwebhooks::Webhook::new(SECRET).unwrap();
    library.verify(&request.body, &headers).unwrap();
    assert!(library.verify(b"{}", &headers).is_err());
}

fn signed(request: &Request, prefix: &str) {
    let body = Bytes::from(request.body.clone());
    let mut sha1 = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    sha1.update(&body);
    let sha1 = hex::encode(sha1.finalize().into_bytes());
    assert_eq!(request.headers["x-hub-signature"], format!("{prefix}{sha1}"));
    let mut sha256 = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    sha256.update(&body);
    let sha256 = hex::encode(sha256.finalize().into_bytes());
    assert_eq!(request.headers["x-hub-signature-256"], format!("sha256={sha256}"));
    let timestamp = request.headers["webhook-timestamp"].parse().unwrap();
    let standard = standardwebhooks::Webhook::new(SECRET).unwrap();
    let expected = standard.sign(&request.headers["webhook-id"], timestamp, &body).unwrap();
    assert_eq!(request.headers["webhook-signature"], expected);
}

/// On PostgreSQL, see `plans.rs`.
#[tokio::test]
async fn outcomes_that_nobody_came_before_are_written_once() {
    if !servers::files() {
        return;
    }
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    for _ in 0..5 {
        world.publish(&label).await;
    }
    let count = "CREATE TABLE written (id); CREATE TRIGGER count_writes AFTER UPDATE ON notification \
        BEGIN INSERT INTO written VALUES (new.id); END";
    world
        .write(move |txn| Box::pin(async move { Ok(txn.conn().execute_unprepared(count).await.map(drop)?) }))
        .await
        .unwrap();
    world.deliver().await;
    assert_eq!(world.status_count(Succeeded).await, 5);
    assert_eq!(world.number("SELECT count(*) FROM written").await, 5);
}

/// A commit can come through although its answer did not; the batch is then recorded again.
#[tokio::test]
async fn an_attempt_that_is_on_record_already_holds_nobody_up() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    world.publish(&label).await;
    let row = world.notification().await;
    let known = entity::attempt::Model {
        notification_id: row.id,
        number: 1,
        organization_id: row.organization_id,
        started_at: row.created_at,
        duration_ms: 7,
        url: receiver.url(),
        request_headers: "{}".into(),
        response_status: Some(200),
        response_headers: None,
        response_body: None,
        body_truncated: false,
        error: None,
        error_message: None,
    };
    world
        .write(move |txn| {
            Box::pin(async move {
                let known = sea_orm::IntoActiveModel::into_active_model(known);
                let insert = entity::attempt::Entity::insert(known);
                Ok(insert.exec_without_returning(txn.conn()).await.map(drop)?)
            })
        })
        .await
        .unwrap();
    world.deliver().await;
    let row = world.notification().await;
    assert_eq!((row.status, row.attempt_count), (Succeeded, 1));
    let attempts = world.attempts(&row).await;
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].duration_ms, 7, "what was there stays");
}
