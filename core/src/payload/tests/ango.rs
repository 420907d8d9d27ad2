//! Tests of Ango Hub's bodies of labels and reviews, and of a move's optional members. The complete body of a move is
//! in [`seed`](super::seed).

use super::*;
use crate::event::{LabelChange, Visit};
use entity::EventId;

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
    let text = text(
        PayloadFormat::Ango,
        PayloadContent::Full,
        WebhookTopic::LabelCreated,
        &data,
    );
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
fn an_ango_label_of_a_workflow_shows_its_task() {
    let TaskMove { task, .. } = moved();
    let task_id = task.id.to_string();
    let mut data = data(WebhookTopic::LabelUpdated);
    let Data::Label(change) = &mut data else { panic!() };
    let stage = task.stage.id.to_string();
    **change = LabelChange {
        task: Some(task),
        ..copy(change)
    };
    change.label.label = r#"{"tools":[{"objectId":"o"}]}"#.into();
    change.label.seconds_to_label = 1.0;
    let body = rendered(PayloadFormat::Ango, WebhookTopic::LabelUpdated, &data);
    let task = &body["task"];
    assert_eq!(
        (&task["taskId"], &task["stage"], &task["stageName"]),
        (&json!(task_id), &json!(stage), &json!("Webhook"))
    );
    assert_eq!(
        (&task["duration"], &task["totalDuration"]),
        (&json!(0), &json!(9581)),
        "the task's, not the label's"
    );
    assert_eq!(task["stageHistory"].as_array().unwrap().len(), 2);
    assert_eq!(task["tools"], json!([{"objectId": "o"}]));
}

fn copy(change: &LabelChange) -> LabelChange {
    serde_json::from_str(&serde_json::to_string(change).unwrap()).unwrap()
}

#[test]
fn an_ango_start_goes_by_its_word_and_has_no_event() {
    let mut change = moved();
    let start = change.task.history[0].stage.clone();
    change.task.history[0].event_id = Some(EventId::new());
    change.task.stage = start;
    let body = rendered(
        PayloadFormat::Ango,
        WebhookTopic::WorkflowAction,
        &Data::Move(Box::new(change)),
    );
    let task = &body["task"];
    assert_eq!(
        (&task["stage"], &task["stageId"], &task["stageHistory"][0]["stageId"]),
        (&json!("Start"), &json!("Start"), &json!("Start"))
    );
    assert_eq!(
        names(&task["stageHistory"][0]),
        "stageId duration idleDuration blurDuration completedAt isSkipped _id"
    );
}

#[test]
fn an_ango_history_says_who_skipped_and_nothing_of_a_consensus() {
    let mut change = moved();
    let last = change.task.history.pop().unwrap();
    let event_id = last.event_id.unwrap().to_string();
    change.task.history.push(Visit {
        skipped: true,
        submitted_by: None,
        ..last
    });
    let body = rendered(
        PayloadFormat::Ango,
        WebhookTopic::WorkflowAction,
        &Data::Move(Box::new(change)),
    );
    let entry = &body["task"]["stageHistory"][1];
    assert_eq!(
        names(entry),
        "stageId duration idleDuration blurDuration completedAt taskHistory completedBy isSkipped _id"
    );
    assert_eq!(
        (&entry["isSkipped"], &entry["taskHistory"]),
        (&json!(true), &json!(event_id))
    );
}

#[test]
fn an_ango_batch_keeps_its_accents() {
    let mut change = moved();
    change.batches[0].name = "Le Croissànt".into();
    let data = Data::Move(Box::new(change));
    let text = text(
        PayloadFormat::Ango,
        PayloadContent::Full,
        WebhookTopic::WorkflowAction,
        &data,
    );
    assert!(
        text.contains(r#""batchNames":["Le Croissànt"]"#),
        "as UTF-8, not escaped: {text}"
    );
}

#[test]
fn an_ango_move_before_any_label_has_no_objects_and_no_urls() {
    let mut change = moved();
    (change.label, change.annotator, change.task.updated_by) = (None, None, None);
    change.batches.clear();
    change.data_row.external_id = None;
    let body = rendered(
        PayloadFormat::Ango,
        WebhookTopic::WorkflowAction,
        &Data::Move(Box::new(change)),
    );
    let task = &body["task"];
    for list in ["tools", "classifications", "relations"] {
        assert_eq!(task[list], json!([]), "{list}");
    }
    for nothing in ["brushDataUrl", "medicalBrushDataUrl", "updatedBy"] {
        assert_eq!(task.get(nothing), Some(&Value::Null), "{nothing}");
    }
    assert_eq!((&body["batches"], &body["batchNames"]), (&json!([]), &json!([])));
    assert_eq!(
        (body.get("externalId"), &body["metadata"]),
        (Some(&Value::Null), &json!({}))
    );
    assert_eq!(names(&body["categorySchema"]), "tools classifications relations");
}

#[test]
fn metadata_only_holds_back_the_annotations_and_nothing_else() {
    use WebhookTopic::*;
    let annotation = r#"{"tools":[{"objectId":"o"}],"classifications":[{"answer":"a"}],"relations":[{"from":"o"}],
        "brushDataUrl":"https://example.com/b.png","medicalBrushDataUrl":"https://example.com/b.nrrd"}"#;
    for topic in [LabelCreated, ReviewCreated, WorkflowAction] {
        let mut data = data(topic);
        match &mut data {
            Data::Label(change) => change.label.label = annotation.into(),
            Data::Review(change) => change.subject.label.label = annotation.into(),
            Data::Move(change) => change.label.as_mut().unwrap().label = annotation.into(),
            Data::Notice(_) | Data::Ping(_) => unreachable!(),
        }
        let mut full = rendered(PayloadFormat::Ango, topic, &data);
        assert_eq!(full["task"]["medicalBrushDataUrl"], "https://example.com/b.nrrd");
        for list in ["tools", "classifications", "relations"] {
            assert_eq!(full["task"][list].as_array().unwrap().len(), 1);
            full["task"][list] = json!([]);
        }
        for url in ["brushDataUrl", "medicalBrushDataUrl"] {
            full["task"][url] = Value::Null;
        }
        assert_eq!(metadata_only(PayloadFormat::Ango, topic, &data), full, "{topic:?}");
    }
}
