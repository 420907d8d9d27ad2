//! Ango Hub's published sample of a webhook stage's body: loaded as input, it is rendered field for field.

use super::*;
use crate::event::{Batch, Stage, Task, Visit, Work};
use chrono::DateTime;
use entity::{BatchId, EventId, StageId, StageType, VisitId};
use serde_json::value::RawValue;
use std::collections::HashMap;

const SAMPLE: &str = include_str!("../testdata/ango_sample.json");

/// The members that are ids of this service; a stage id in the sample is one where it is a UUID.
const OURS: [&str; 5] = ["projectId", "assetId", "taskId", "taskHistory", "_id"];

#[test]
fn the_published_sample_comes_out_field_for_field() {
    let sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let body = rendered(
        PayloadFormat::Ango,
        WebhookTopic::WorkflowAction,
        &Data::Move(Box::new(load(&sample))),
    );
    let mut expected = sample;
    // This service has no consensus, and Label has an id of its own, like every stage except Start.
    let history = expected["task"]["stageHistory"].as_array_mut().unwrap();
    assert_eq!(
        history[2].as_object_mut().unwrap().shift_remove("consensusId"),
        Some(Value::Null)
    );
    history[1]["stageId"] = body["task"]["stageHistory"][1]["stageId"].clone();
    assert_eq!(history[0]["stageId"], "Start");
    expected["batches"] = body["batches"].clone();
    assert_eq!(body["batches"].as_array().unwrap().len(), 2);
    compare("body", &body, &expected);
}

/// Embedded JSON keeps its digits and its order: the numbers of the sample have up to seventeen digits.
#[test]
fn what_the_sample_embeds_is_sent_byte_for_byte() {
    let sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let change = Data::Move(Box::new(load(&sample)));
    let text = text(
        PayloadFormat::Ango,
        PayloadContent::Full,
        WebhookTopic::WorkflowAction,
        &change,
    );
    for path in [&["categorySchema"][..], &["metadata"], &["task", "tools"]] {
        let (ours, theirs) = (raw_at(&text, path), raw_at(SAMPLE, path));
        let compact = |raw: &str| raw.split_whitespace().collect::<String>();
        assert_eq!(compact(&ours), compact(&theirs), "{path:?}");
    }
    assert!(
        text.contains("401.2628984836038") && text.contains("201.91845493562232"),
        "{text}"
    );
}

fn compare(path: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(mine), Value::Object(others)) => {
            assert_eq!(names(ours), names(theirs), "members and their order at {path}");
            for (name, value) in mine {
                if OURS.contains(&name.as_str()) {
                    assert!(value.is_string() && others[name].is_string(), "{path}.{name}");
                } else {
                    compare(&format!("{path}.{name}"), value, &others[name]);
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

/// Returns the move that the sample describes.
fn load(sample: &Value) -> TaskMove {
    let mut change = moved();
    change.project.ontology = Some(raw(raw_at(SAMPLE, &["categorySchema"])));
    change.data_row.metadata = Some(raw(raw_at(SAMPLE, &["metadata"])));
    change.data_row.row_data = string(&sample["asset"]);
    change.data_row.external_id = Some(string(&sample["externalId"]));
    let names = sample["batchNames"].as_array().unwrap();
    change.batches = names
        .iter()
        .map(|name| Batch {
            id: BatchId::new(),
            name: string(name),
        })
        .collect();
    change.label.as_mut().unwrap().label = raw_at(SAMPLE, &["task"]).as_str().into();
    change.task = task(&sample["task"], &change.task);
    change.to = change.task.stage.clone();
    change
}

fn task(sample: &Value, base: &Task) -> Task {
    let history = sample["stageHistory"].as_array().unwrap();
    Task {
        stage: stage(&sample["stageId"], &sample["stageName"]),
        updated_at: moment(&sample["updatedAt"]),
        updated_by: Some(string(&sample["updatedBy"])),
        here: work(sample, ["duration", "idleDuration", "blurDuration"]),
        total: work(sample, ["totalDuration", "totalIdleDuration", "totalBlurDuration"]),
        history: history.iter().map(visit).collect(),
        ..base.clone()
    }
}

fn visit(sample: &Value) -> Visit {
    let person = |name: &str| sample.get(name).map(string);
    let Work {
        duration_ms,
        idle_ms,
        blur_ms,
    } = work(sample, ["duration", "idleDuration", "blurDuration"]);
    Visit {
        id: VisitId::new(),
        event_id: sample.get("taskHistory").map(|_| EventId::new()),
        stage: stage(&sample["stageId"], &sample["stageId"]),
        entered_at: NOW,
        completed_at: moment(&sample["completedAt"]),
        duration_ms,
        idle_ms,
        blur_ms,
        completed_by: person("completedBy"),
        submitted_by: person("submittedBy"),
        skipped: sample["isSkipped"].as_bool().unwrap(),
    }
}

fn stage(id: &Value, name: &Value) -> Stage {
    let id = string(id);
    Stage {
        r#type: match id.as_str() {
            "Start" => StageType::Start,
            "Label" => StageType::Label,
            _ => StageType::Webhook,
        },
        id: id.parse().unwrap_or_else(|_| StageId::new()),
        name: string(name),
    }
}

fn work(sample: &Value, [duration, idle, blur]: [&str; 3]) -> Work {
    let ms = |name: &str| sample[name].as_i64().unwrap();
    Work {
        duration_ms: ms(duration),
        idle_ms: ms(idle),
        blur_ms: ms(blur),
    }
}

fn moment(text: &Value) -> Timestamp {
    Timestamp(
        DateTime::parse_from_rfc3339(text.as_str().unwrap())
            .unwrap()
            .timestamp_micros(),
    )
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap()
}

/// Returns the source text of the value at `path`.
fn raw_at(text: &str, path: &[&str]) -> String {
    path.iter().fold(text.to_owned(), |text, name| {
        let members: HashMap<String, Box<RawValue>> = serde_json::from_str(&text).unwrap();
        members[*name].get().to_owned()
    })
}
