//! Tests Ango's published sample of a webhook stage's body: given to the API as input, it arrives at the receiver field
//! by field.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Floor, SUBMIT, Scene, hook, stage};
use crate::desk::text;

const SAMPLE: &str = include_str!("../../../core/src/payload/testdata/ango_sample.json");

/// The fields of a body that the service itself sets: ids, e-mail addresses and times.
const OURS: [&str; 12] = [
    "projectId",
    "assetId",
    "taskId",
    "taskHistory",
    "_id",
    "stage",
    "stageId",
    "updatedAt",
    "updatedBy",
    "completedAt",
    "completedBy",
    "submittedBy",
];

#[tokio::test]
async fn the_published_sample_goes_in_and_comes_out_field_for_field() {
    let scene = Scene::set().await;
    let sample: Value = serde_json::from_str(SAMPLE).expect("the sample is JSON");
    let project = json!({"name": "Sample", "ontology": sample["categorySchema"]});
    let floor = Floor::with(&scene.app.client, project).await;
    floor.draw(workflow(&scene)).await;
    let task = load(&floor, &sample).await;
    let label = object(&[
        ("tools", raw_at(&["task", "tools"])),
        ("classifications", "[]".into()),
        ("relations", "[]".into()),
    ]);
    let answer = json!({"label": label, "durationMs": sample["task"]["totalDuration"]});
    scene.app.query(SUBMIT, json!({"id": task, "data": answer})).await;
    let received = scene.deliver().await.remove(0);
    let body = received.json();

    let mut expected = sample;
    // There is no consensus here, so no entry names one.
    let entry = expected["task"]["stageHistory"][2].as_object_mut().expect("an object");
    assert_eq!(entry.shift_remove("consensusId"), Some(Value::Null));
    assert_eq!(body["batches"].as_array().map(Vec::len), Some(2));
    expected["batches"] = body["batches"].clone();
    compare("body", &body, &expected);
    assert_eq!(body["task"]["stage"], floor.stage("Webhook").await);
    assert_eq!(body["task"]["stageHistory"][0]["stageId"], "Start");
    assert_eq!(body["task"]["stageHistory"][1]["stageId"], floor.stage("Label").await);
    let sent = std::str::from_utf8(&received.body).expect("text");
    for path in [&["categorySchema"][..], &["metadata"], &["task", "tools"]] {
        let typed: String = raw_at(path).split_ascii_whitespace().collect();
        assert!(sent.contains(&typed), "{path:?} digit by digit: {sent}");
    }
}

/// Returns the stages of the sample's history, Start, Label and one in which nobody works, and then the webhook stage.
fn workflow(scene: &Scene) -> Value {
    let mut webhook = stage("Webhook", "WEBHOOK", &["SUCCEEDED Complete"]);
    webhook["webhook"] = hook(&scene.receiver, json!({}));
    json!({"stages": [
        stage("Start", "START", &["NEXT Label"]),
        stage("Label", "LABEL", &["NEXT Rule"]),
        stage("Rule", "LOGIC", &["ELSE Webhook"]),
        webhook,
        stage("Complete", "COMPLETE", &[]),
    ]})
}

/// Creates the sample's asset in the sample's batches. Returns the id of its task.
async fn load(floor: &Floor, sample: &Value) -> String {
    let data = json!({"rowData": sample["asset"], "externalId": sample["externalId"], "metadata": sample["metadata"]});
    let task = floor.task_of(data).await;
    for name in sample["batchNames"].as_array().expect("a list") {
        floor.batch(&task, &text(name)).await;
    }
    task
}

fn compare(path: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(mine), Value::Object(others)) => {
            let (names, other_names): (Vec<_>, Vec<_>) = (mine.keys().collect(), others.keys().collect());
            assert_eq!(names, other_names, "members and their order at {path}");
            for (name, value) in mine {
                match OURS.contains(&name.as_str()) {
                    true => assert!(value.is_string() && others[name].is_string(), "{path}.{name}: {value}"),
                    false => compare(&format!("{path}.{name}"), value, &others[name]),
                }
            }
        }
        (Value::Array(mine), Value::Array(others)) => {
            assert_eq!(mine.len(), others.len(), "{path}");
            for (index, (value, other)) in mine.iter().zip(others).enumerate() {
                compare(&format!("{path}[{index}]"), value, other);
            }
        }
        _ => assert_eq!(ours, theirs, "{path}"),
    }
}

/// Returns the text of an object from the texts of its members.
fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, text)| format!("\"{name}\":{text}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Returns the text at `path` of the sample, without whitespace between tokens.
fn raw_at(path: &[&str]) -> String {
    let raw = path.iter().fold(SAMPLE.to_owned(), |text, name| {
        let members: HashMap<String, Box<RawValue>> = serde_json::from_str(&text).expect("an object");
        members[*name].get().to_owned()
    });
    raw.split_ascii_whitespace().collect()
}
