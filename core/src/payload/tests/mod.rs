//! Tests of the bodies, field by field, against the platforms' published lists of fields.

mod ango;
mod export;
mod labelbox;
mod seed;
mod snapshots;
mod v7;

use super::*;
use crate::{
    event::{TaskMove, sample},
    publish::unpublished,
};
use entity::{OrganizationId, Timestamp, WebhookId, WebhookTopic};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_600_923_368_709_000);

fn data(topic: WebhookTopic) -> Data {
    sample(topic, WebhookId::new(), NOW).unwrap()
}

/// Returns the sample of a move, to be modified and turned into data again.
fn moved() -> TaskMove {
    match data(WebhookTopic::WorkflowAction) {
        Data::Move(change) => *change,
        other => panic!("not a move: {other:?}"),
    }
}

/// Returns a body as it is sent.
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

/// Returns the names of an object's members, in order.
fn names(value: &Value) -> String {
    let names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.join(" ")
}

#[test]
fn a_notice_is_the_same_in_each_formats_spelling() {
    use WebhookTopic::*;
    for topic in [WebhookDisabled, WebhookFailing, WebhookRecovered, NotificationFailed] {
        let data = data(topic);
        let labelbox = rendered(PayloadFormat::Labelbox, topic, &data);
        let all = "webhook notification reason counts createdAt";
        assert_eq!(names(&labelbox), format!("id action {all}"));
        assert_eq!(labelbox["action"], topic.as_str());
        assert_eq!(names(&labelbox["webhook"]), "id url status statusReason project");
        assert_eq!(labelbox["notification"].is_object(), topic == NotificationFailed);
        assert_eq!(labelbox["createdAt"], "2020-09-24T04:56:08Z");
        let ango = rendered(PayloadFormat::Ango, topic, &data);
        assert_eq!(names(&ango), format!("notice eventId {all}"));
        assert_eq!(
            (&ango["notice"], &ango["webhook"]),
            (&labelbox["action"], &labelbox["webhook"])
        );
        assert_eq!(ango["createdAt"], "2020-09-24T04:56:08.709Z");
        let v7 = rendered(PayloadFormat::V7, topic, &data);
        assert_eq!(names(&v7), "id action webhook notification reason counts created_at");
        assert_eq!(
            names(&v7["counts"]),
            "consecutive_failures failing_since last_success_at"
        );
        assert_eq!(
            (&v7["reason"], &v7["action"]),
            (&labelbox["reason"], &labelbox["action"])
        );
    }
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
