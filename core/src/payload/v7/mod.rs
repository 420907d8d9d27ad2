//! V7's bodies: Darwin JSON 2.0 and metadata, as V7's documentation of Darwin JSON and of webhook stages describes
//! them. The body describes an item (a data row) and has the same shape for a task's move, a label and a review: the
//! format has no member for what happened, so a webhook that must distinguish them subscribes to one topic or uses
//! another format. A deleted label leaves the item without annotations.
//!
//! `METADATA_ONLY` omits the `annotations` key. Members without a counterpart here, above all pages of V7's own
//! application, are `null`.

mod annotation;
mod item;
mod shape;

use super::notice;
use crate::event::{Data, DataRow, Dataset, Label, LabelChange, Ping, TaskMove, Team, User};
use annotation::Annotation;
use entity::{PayloadContent, Timestamp};
use item::Item;
use serde::Serialize;
use serde_json::json;

const SCHEMA: &str = "https://darwin-public.s3.eu-west-1.amazonaws.com/darwin_json/2.0/schema.json";

pub(super) fn render(
    content: PayloadContent,
    event: &entity::event::Model,
    data: &Data,
) -> serde_json::Result<Vec<u8>> {
    let subject = match data {
        Data::Label(change) => Subject::from(&**change),
        Data::Review(change) => Subject::from(&change.subject),
        Data::Move(change) => Subject::from(&**change),
        Data::Notice(change) => {
            let members = notice::members(change, Timestamp::secs);
            let body = notice::body(json!({"id": event.id, "action": change.topic}), members);
            return serde_json::to_vec(&notice::snake(body));
        }
        Data::Ping(ping) => return test(event, ping),
    };
    serde_json::to_vec(&body(content, &subject))
}

/// Builds the body of a test event, which has no item and therefore another shape.
fn test(event: &entity::event::Model, ping: &Ping) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&json!({
        "id": event.id,
        "action": "PING",
        "webhook": {"id": ping.webhook_id},
        "created_at": ping.created_at.secs(),
    }))
}

/// The members that all events have in common.
struct Subject<'a> {
    data_row: &'a DataRow,
    dataset: &'a Dataset,
    team: Option<&'a Team>,
    label: Option<&'a Label>,
    annotator: Option<&'a User>,
}

impl<'a> From<&'a LabelChange> for Subject<'a> {
    fn from(change: &'a LabelChange) -> Self {
        Self {
            data_row: &change.data_row,
            dataset: &change.dataset,
            team: change.team.as_ref(),
            label: Some(&change.label),
            annotator: change.user.as_ref(),
        }
    }
}

impl<'a> From<&'a TaskMove> for Subject<'a> {
    fn from(change: &'a TaskMove) -> Self {
        Self {
            data_row: &change.data_row,
            dataset: &change.dataset,
            team: change.team.as_ref(),
            label: change.label.as_ref(),
            annotator: change.annotator.as_ref(),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    version: &'static str,
    schema_ref: &'static str,
    item: Item<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Vec<Annotation>>,
    /// Properties of the item as a whole; always empty.
    properties: [(); 0],
}

fn body<'a>(content: PayloadContent, subject: &Subject<'a>) -> Body<'a> {
    Body {
        version: "2.0",
        schema_ref: SCHEMA,
        item: item::of(subject.data_row, subject.dataset, subject.team),
        annotations: match content {
            PayloadContent::Full => Some(annotations(subject)),
            PayloadContent::MetadataOnly => None,
        },
        properties: [],
    }
}

fn annotations(subject: &Subject) -> Vec<Annotation> {
    match subject.label {
        Some(label) if !label.deleted => {
            annotation::all(&label.label.text(), subject.annotator.map(|user| user.email.as_str()))
        }
        Some(_) | None => Vec::new(),
    }
}
