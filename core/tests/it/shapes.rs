//! Payload queries: a webhook's own body, rendered once for all that want the same.

use crate::support::{Receiver, World, invalid};
use entity::{PayloadFormat, WebhookTopic};
use labelhook_core::{
    notification,
    webhook::{New, Settings},
};
use serde_json::{Value, json};

const PAYLOADS: &str = "SELECT count(*) FROM payload";

fn query(text: &str) -> impl FnOnce(&mut New) {
    let text = text.to_owned();
    move |new| new.settings.payload_query = Some(Some(text))
}

fn body(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[tokio::test]
async fn webhooks_of_one_query_share_one_rendering_whatever_their_dialect() {
    let world = World::new().await;
    let (receiver, label) = (Receiver::ok().await, world.annotated().await);
    for format in [PayloadFormat::Labelbox, PayloadFormat::Ango, PayloadFormat::V7] {
        world
            .webhook_with(&receiver.url(), |new| {
                new.settings.payload_format = Some(format);
                new.settings.payload_query = Some(Some("id project".into()));
            })
            .await;
    }
    world.webhook_with(&receiver.url(), query("id")).await;
    world.webhook(&receiver.url()).await;
    let event = world.publish(&label).await;
    world.deliver().await;
    assert_eq!(world.number(PAYLOADS).await, 3, "two queries and a dialect");
    let bodies: Vec<Value> = receiver.requests().iter().map(|request| body(&request.body)).collect();
    let shaped = bodies
        .iter()
        .filter(|body| body["project"]["id"] == label.project.id.to_string() && body["id"] == event.id.to_string());
    assert_eq!(shaped.count(), 3);
    assert!(bodies.contains(&json!({"id": event.id.to_string()})));
    let mut headers: Vec<String> = receiver
        .requests()
        .iter()
        .map(|request| request.headers["x-hub-signature"].clone())
        .collect();
    headers.retain(|header| !header.starts_with("sha1="));
    assert_eq!(headers.len(), 1, "the dialect still says how the header looks");
}

#[tokio::test]
async fn what_cannot_be_rendered_is_told_to_the_receiver() {
    let world = World::new().await;
    let (receiver, label) = (Receiver::ok().await, world.annotated().await);
    world.webhook_with(&receiver.url(), query("project !")).await;
    let event = world.publish(&label).await;
    world.deliver().await;
    assert_eq!(
        body(&receiver.requests()[0].body),
        json!({"id": event.id.to_string(), "topic": "LABEL_CREATED", "createdAt": event.created_at,
            "errors": [{"message": "payloadQuery: it is too large"}]})
    );
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let row = world.webhook("http://127.0.0.1:9/").await;
    let patch = Settings {
        url: Some("http://127.0.0.1:10/".into()),
        payload_query: Some(Some("id ?".into())),
        ..Settings::default()
    }
    .into();
    let id = row.id.to_string();
    let refused = labelhook_core::webhook::update(&world.app, &world.owner, &id, patch).await;
    let (field, reason) = invalid(refused.unwrap_err());
    assert_eq!(
        (field.as_str(), reason.as_str()),
        ("payloadQuery", "line 1, column 4: no word")
    );
    let now = labelhook_core::webhook::get(&world.app, &world.owner, &id)
        .await
        .unwrap();
    assert_eq!(now, row);
}

#[tokio::test]
async fn a_query_is_taken_away_by_none_and_holds_after_a_restart() {
    let world = World::new().await;
    let (receiver, label) = (Receiver::ok().await, world.annotated().await);
    let row = world.webhook_with(&receiver.url(), query("id dataset")).await;
    let world = world.restart().await;
    world.publish(&label).await;
    world.deliver().await;
    let patch = Settings {
        payload_query: Some(None),
        ..Settings::default()
    }
    .into();
    labelhook_core::webhook::update(&world.app, &world.owner, &row.id.to_string(), patch)
        .await
        .unwrap();
    world.publish(&label).await;
    world.deliver().await;
    let bodies: Vec<Value> = receiver.requests().iter().map(|request| body(&request.body)).collect();
    assert_eq!(bodies[0]["dataset"]["id"], label.dataset.id.to_string());
    assert_eq!(bodies[0].as_object().unwrap().len(), 2);
    assert!(bodies[1]["secondsToLabel"].is_number(), "the dialect again");
}

#[tokio::test]
async fn a_preview_shows_the_body_of_the_query_and_a_redelivery_sends_the_old_bytes() {
    let world = World::new().await;
    let (receiver, label) = (Receiver::ok().await, world.annotated().await);
    let row = world.webhook_with(&receiver.url(), query("id user")).await;
    let id = row.id.to_string();
    let event = world.publish(&label).await;
    world.deliver().await;
    let shown = notification::preview(&world.app, &world.owner, &id, Some(&event.id.to_string()), None).await;
    assert_eq!(shown.unwrap().body, receiver.requests()[0].body);
    let sample = notification::preview(&world.app, &world.owner, &id, None, Some(WebhookTopic::ReviewCreated)).await;
    assert!(body(&sample.unwrap().body)["user"]["email"].is_string());
    let patch = Settings {
        payload_query: Some(Some("id".into())),
        ..Settings::default()
    }
    .into();
    labelhook_core::webhook::update(&world.app, &world.owner, &id, patch)
        .await
        .unwrap();
    let sent = world.notification().await;
    notification::redeliver(&world.app, &world.owner, &sent.id.to_string())
        .await
        .unwrap();
    world.deliver().await;
    assert_eq!(receiver.requests()[1].body, receiver.requests()[0].body);
    assert_eq!(world.number(PAYLOADS).await, 1);
}
