//! Ango Hub's bodies: `reference/behaviours.md` C1, with the label as the task's answer. Times have milliseconds; absent
//! arrays are `[]`, absent URLs `null`. A review event adds `review`; a deleted label adds `deleted: true`.

use crate::event::{Data, LabelChange, ReviewChange};
use entity::event;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json, value::RawValue};

/// The stage an answer comes from while its project has no workflow of its own.
const STAGE: &str = "Label";
const NO_ONTOLOGY: &str = r#"{"tools":[],"classifications":[],"relations":[]}"#;

fn constant(text: &'static str) -> &'static RawValue {
    serde_json::from_str(text).expect("it is JSON")
}

pub(super) fn render(event: &event::Model, data: &Data) -> serde_json::Result<Vec<u8>> {
    match data {
        Data::Label(change) => serde_json::to_vec(&body(change, None)),
        Data::Review(change) => serde_json::to_vec(&body(&change.subject, Some(review(change)))),
        Data::Move(change) => serde_json::to_vec(change),
        Data::Ping(ping) => serde_json::to_vec(&json!({
            "ping": true,
            "eventId": event.id,
            "webhookId": ping.webhook_id,
            "createdAt": ping.created_at.millis(),
        })),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    project_id: String,
    category_schema: &'a RawValue,
    asset: &'a str,
    asset_id: String,
    dataset: [(); 0],
    overlay: [(); 0],
    external_id: Option<&'a str>,
    metadata: &'a RawValue,
    batches: Vec<String>,
    batch_names: Vec<&'a str>,
    task: Task<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task<'a> {
    r#type: &'static str,
    task_id: String,
    stage: &'static str,
    stage_id: &'static str,
    stage_name: &'static str,
    updated_at: String,
    updated_by: Option<&'a str>,
    duration: i64,
    blur_duration: i64,
    idle_duration: i64,
    total_duration: i64,
    total_blur_duration: i64,
    total_idle_duration: i64,
    #[serde(flatten)]
    answer: Answer,
    stage_history: [(); 0],
    brush_data_url: Option<Value>,
    medical_brush_data_url: Option<Value>,
}

/// The parts of an annotation that Ango names. What another tool wrote has none of them and is sent as no objects.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answer {
    #[serde(deserialize_with = "or_empty")]
    tools: Vec<Box<RawValue>>,
    #[serde(deserialize_with = "or_empty")]
    classifications: Vec<Box<RawValue>>,
    #[serde(deserialize_with = "or_empty")]
    relations: Vec<Box<RawValue>>,
    #[serde(skip_serializing)]
    brush_data_url: Option<String>,
    #[serde(skip_serializing)]
    medical_brush_data_url: Option<String>,
}

/// `null` is as good as absent.
fn or_empty<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    Option::deserialize(list).map(Option::unwrap_or_default)
}

fn body(change: &LabelChange, review: Option<Value>) -> Body<'_> {
    Body {
        project_id: change.project.id.to_string(),
        category_schema: change
            .project
            .ontology
            .as_deref()
            .unwrap_or_else(|| constant(NO_ONTOLOGY)),
        asset: &change.data_row.row_data,
        asset_id: change.data_row.id.to_string(),
        dataset: [],
        overlay: [],
        external_id: change.data_row.external_id.as_deref(),
        metadata: change.data_row.metadata.as_deref().unwrap_or_else(|| constant("{}")),
        batches: change.batches.iter().map(|batch| batch.id.to_string()).collect(),
        batch_names: change.batches.iter().map(|batch| batch.name.as_str()).collect(),
        task: task(change),
        review,
        deleted: change.label.deleted,
    }
}

fn task(change: &LabelChange) -> Task<'_> {
    let label = &change.label;
    let duration = (label.seconds_to_label * 1000.0).round() as i64;
    let mut answer: Answer = serde_json::from_str(&label.label).unwrap_or_default();
    Task {
        r#type: "default",
        task_id: label.id.to_string(),
        stage: STAGE,
        stage_id: STAGE,
        stage_name: STAGE,
        updated_at: label.updated_at.millis(),
        updated_by: change.user.as_ref().map(|user| user.email.as_str()),
        duration,
        blur_duration: 0,
        idle_duration: 0,
        total_duration: duration,
        total_blur_duration: 0,
        total_idle_duration: 0,
        brush_data_url: answer.brush_data_url.take().map(Value::from),
        medical_brush_data_url: answer.medical_brush_data_url.take().map(Value::from),
        answer,
        stage_history: [],
    }
}

fn review(change: &ReviewChange) -> Value {
    let review = &change.review;
    json!({
        "id": review.id,
        "score": review.score,
        "deleted": review.deleted,
        "createdAt": review.created_at.millis(),
        "updatedAt": review.updated_at.millis(),
        "reviewedBy": change.reviewer.as_ref().map(|user| &user.email),
    })
}
