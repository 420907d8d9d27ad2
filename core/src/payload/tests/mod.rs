//! The bodies, field by field, against the lists of the platforms whose receivers will read them.

mod ango;
mod export;
mod labelbox;
mod seed;
mod snapshots;
mod v7;

use super::*;
use crate::event::{TaskMove, sample, unpublished};
use entity::{OrganizationId, Timestamp, WebhookId, WebhookTopic};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_600_923_368_709_000);

fn data(topic: WebhookTopic) -> Data {
    sample(topic, WebhookId::new(), NOW).unwrap()
}

/// The sample of a move, to be changed and made data again.
fn moved() -> TaskMove {
    match data(WebhookTopic::WorkflowAction) {
        Data::Move(change) => *change,
        other => panic!("not a move: {other:?}"),
    }
}

/// A body as it is sent.
fn text(format: PayloadFormat, content: PayloadContent, topic: WebhookTopic, data: &Data) -> String {
    let event = unpublished(OrganizationId::new(), topic, data, NOW).unwrap();
    String::from_utf8(render(&Shape::plain(format, content), &event, data).unwrap()).unwrap()
}

fn rendered(format: PayloadFormat, topic: WebhookTopic, data: &Data) -> Value {
    serde_json::from_str(&text(format, PayloadContent::Full, topic, data)).unwrap()
}

fn metadata_only(format: PayloadFormat, topic: WebhookTopic, data: &Data) -> Value {
    serde_json::from_str(&text(format, PayloadContent::MetadataOnly, topic, data)).unwrap()
}

/// The names of an object's members, in their order.
fn names(value: &Value) -> String {
    let names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.join(" ")
}

#[test]
fn a_ping_is_told_by_its_body() {
    let data = data(WebhookTopic::Ping);
    let labelbox = rendered(PayloadFormat::Labelbox, WebhookTopic::Ping, &data);
    assert_eq!(names(&labelbox), "id action webhook createdAt");
    assert_eq!(
        (&labelbox["action"], names(&labelbox["webhook"])),
        (&json!("PING"), "id".into())
    );
    let ango = rendered(PayloadFormat::Ango, WebhookTopic::Ping, &data);
    assert_eq!(names(&ango), "ping eventId webhookId createdAt");
    let v7 = rendered(PayloadFormat::V7, WebhookTopic::Ping, &data);
    assert_eq!(names(&v7), "id action webhook created_at");
}
