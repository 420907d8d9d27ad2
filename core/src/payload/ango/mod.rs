//! Ango Hub's bodies, as Ango Hub's documentation of webhooks describes them. One shape serves all topics: the task
//! with its workflow, and the label as its answer. Times have milliseconds; absent arrays are `[]`, absent URLs `null`.
//! A review event adds `review`; a deleted label adds `deleted: true`.
//!
//! `METADATA_ONLY` has every member, without objects and brush URLs, so that a receiver need not handle absent members.
//! A data row is one file, so `dataset` and `overlay`, the further files of an asset, are always empty. The export
//! format, which differs from the webhook's body, is [`export`].

mod answer;
mod task;

use super::notice;
use crate::{
    Error, Result,
    event::{self, Batch, Data, DataRow, Label, LabelChange, Project, ReviewChange, TaskMove},
};
use answer::Answer;
use entity::{PayloadContent, Timestamp};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use task::Task;

const NO_ONTOLOGY: &str = r#"{"tools":[],"classifications":[],"relations":[]}"#;

pub(super) fn render(
    content: PayloadContent,
    event: &entity::event::Model,
    data: &Data,
) -> serde_json::Result<Vec<u8>> {
    match data {
        Data::Label(change) => serde_json::to_vec(&of_label(content, change, None)),
        Data::Review(change) => serde_json::to_vec(&of_label(content, &change.subject, Some(review(change)))),
        Data::Move(change) => serde_json::to_vec(&of_move(content, change)),
        Data::Notice(change) => serde_json::to_vec(&notice::body(
            json!({"notice": change.topic, "eventId": event.id}),
            notice::members(change, Timestamp::millis),
        )),
        Data::Ping(ping) => serde_json::to_vec(&json!({
            "ping": true,
            "eventId": event.id,
            "webhookId": ping.webhook_id,
            "createdAt": ping.created_at.millis(),
        })),
    }
}

/// Renders a task in the export format, which differs from the webhook's body: batches by name, the stage by name, and
/// the history with the annotation submitted in each stage. `answers` holds these, one for each visit of the history; a
/// visit without one forwarded its input, and gets the answer of the visit before it.
pub fn export(
    task: &event::Task,
    label: Option<&Label>,
    project: &Project,
    data_row: &DataRow,
    batches: &[Batch],
    answers: &[Option<String>],
) -> Result<String> {
    let task = task::exported(task, Answer::of(PayloadContent::Full, label), answers);
    let body = Body {
        batches: batches.iter().map(|batch| batch.name.clone()).collect(),
        batch_names: None,
        ..body(project, data_row, batches, task)
    };
    serde_json::to_string(&body).map_err(Error::internal)
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
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_names: Option<Vec<&'a str>>,
    task: Task<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
}

fn of_move(content: PayloadContent, change: &TaskMove) -> Body<'_> {
    let answer = Answer::of(content, change.label.as_ref());
    let task = task::of(&change.task, answer);
    body(&change.project, &change.data_row, &change.batches, task)
}

fn of_label(content: PayloadContent, change: &LabelChange, review: Option<Value>) -> Body<'_> {
    let answer = Answer::of(content, Some(&change.label));
    let task = match &change.task {
        Some(task) => task::of(task, answer),
        None => task::without_workflow(change, answer),
    };
    Body {
        review,
        deleted: change.label.deleted,
        ..body(&change.project, &change.data_row, &change.batches, task)
    }
}

fn body<'a>(project: &'a Project, data_row: &'a DataRow, batches: &'a [Batch], task: Task<'a>) -> Body<'a> {
    Body {
        project_id: project.id.to_string(),
        category_schema: project.ontology.as_deref().unwrap_or_else(|| constant(NO_ONTOLOGY)),
        asset: &data_row.row_data,
        asset_id: data_row.id.to_string(),
        dataset: [],
        overlay: [],
        external_id: data_row.external_id.as_deref(),
        metadata: data_row.metadata.as_deref().unwrap_or_else(|| constant("{}")),
        batches: batches.iter().map(|batch| batch.id.to_string()).collect(),
        batch_names: Some(batches.iter().map(|batch| batch.name.as_str()).collect()),
        task,
        review: None,
        deleted: false,
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

fn constant(text: &'static str) -> &'static RawValue {
    serde_json::from_str(text).expect("it is JSON")
}
