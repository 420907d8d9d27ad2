//! The bodies, field by field, against the lists of the platforms whose receivers will read them.

use super::*;
use crate::event::{sample, unpublished};
use entity::{OrganizationId, Timestamp, WebhookId, WebhookTopic};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_600_923_368_709_000);

fn data(topic: WebhookTopic) -> Data {
    sample(topic, WebhookId::new(), NOW).unwrap()
}

fn rendered(format: PayloadFormat, topic: WebhookTopic, data: &Data) -> Value {
    let event = unpublished(OrganizationId::new(), topic, data, NOW).unwrap();
    serde_json::from_slice(&render(format, &event, data).unwrap()).unwrap()
}

/// The names of an object's members, in their order.
fn names(value: &Value) -> String {
    let names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.join(" ")
}

const LABEL: &str =
    "id createdAt updatedAt deleted benchmarkAgreement agreement secondsToLabel label project dataRow user dataset";

#[test]
fn a_labelbox_label_has_exactly_the_fields_of_labelbox() {
    use WebhookTopic::*;
    for topic in [LabelCreated, LabelUpdated, LabelDeleted] {
        let body = rendered(PayloadFormat::Labelbox, topic, &data(topic));
        assert_eq!(names(&body), LABEL);
        assert_eq!(
            names(&body["project"]),
            "id name description deleted createdAt updatedAt"
        );
        assert_eq!(
            names(&body["dataRow"]),
            "id rowData externalId createdAt updatedAt deletedAt"
        );
        assert_eq!(names(&body["user"]), "id email");
        assert_eq!(
            names(&body["dataset"]),
            "id name description deleted createdAt updatedAt"
        );
        assert_eq!(body["deleted"], topic == LabelDeleted);
        assert_eq!(body["createdAt"], "2020-09-24T04:56:08Z");
        assert_eq!(
            (&body["secondsToLabel"], &body["agreement"]),
            (&json!(9.581), &Value::Null)
        );
        let label: Value = serde_json::from_str(body["label"].as_str().expect("a string")).unwrap();
        assert_eq!(names(&label), "objects classifications");
    }
}

#[test]
fn a_labelbox_review_holds_its_label_without_the_project() {
    let topic = WebhookTopic::ReviewCreated;
    let body = rendered(PayloadFormat::Labelbox, topic, &data(topic));
    assert_eq!(names(&body), "id score createdAt updatedAt deleted user label project");
    assert_eq!(names(&body["label"]), LABEL.replace("project ", ""));
    assert_eq!(body["user"]["email"], "reviewer@example.com");
    assert_ne!(body["label"]["user"], body["user"]);
}

#[test]
fn an_ango_body_has_exactly_the_fields_of_ango() {
    let topic = WebhookTopic::LabelCreated;
    let body = rendered(PayloadFormat::Ango, topic, &data(topic));
    assert_eq!(
        names(&body),
        "projectId categorySchema asset assetId dataset overlay externalId metadata batches batchNames task"
    );
    assert_eq!(
        names(&body["task"]),
        "type taskId stage stageId stageName updatedAt updatedBy duration blurDuration idleDuration totalDuration \
         totalBlurDuration totalIdleDuration tools classifications relations stageHistory brushDataUrl \
         medicalBrushDataUrl"
    );
    assert_eq!(names(&body["categorySchema"]), "tools classifications relations");
    assert_eq!((&body["dataset"], &body["overlay"]), (&json!([]), &json!([])));
    assert_eq!(body["task"]["updatedAt"], "2020-09-24T04:56:08.709Z");
    assert_eq!(body["task"]["stage"], body["task"]["stageId"]);
    assert_eq!(
        (&body["task"]["duration"], &body["task"]["totalDuration"]),
        (&json!(9581), &json!(9581))
    );
    assert_eq!(body["task"]["brushDataUrl"], Value::Null);
}

#[test]
fn an_ango_body_says_what_was_deleted_or_reviewed() {
    use WebhookTopic::*;
    let deleted = rendered(PayloadFormat::Ango, LabelDeleted, &data(LabelDeleted));
    assert_eq!(deleted["deleted"], true);
    let reviewed = rendered(PayloadFormat::Ango, ReviewUpdated, &data(ReviewUpdated));
    assert_eq!(
        names(&reviewed["review"]),
        "id score deleted createdAt updatedAt reviewedBy"
    );
    assert_eq!(reviewed["review"]["reviewedBy"], "reviewer@example.com");
}

#[test]
fn an_ango_answer_is_the_annotation_as_it_was_written() {
    let mut data = data(WebhookTopic::LabelCreated);
    let Data::Label(change) = &mut data else { panic!() };
    change.label.label = r#"{"tools":[{"bounding-box":{"x":1.10,"y":2}}],"classifications":[{"answer":"é"}],
        "brushDataUrl":"https://example.com/b.png","other":1}"#
        .into();
    change.label.seconds_to_label = 1.005;
    let event = unpublished(OrganizationId::new(), WebhookTopic::LabelCreated, &data, NOW).unwrap();
    let bytes = render(PayloadFormat::Ango, &event, &data).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.contains(r#""tools":[{"bounding-box":{"x":1.10,"y":2}}]"#),
        "digit by digit: {text}"
    );
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["task"]["classifications"][0]["answer"], "é");
    assert_eq!(body["task"]["relations"], json!([]));
    assert_eq!(body["task"]["brushDataUrl"], "https://example.com/b.png");
    assert_eq!(body["task"]["duration"], 1005);
    assert!(body["task"].get("other").is_none());
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
}
