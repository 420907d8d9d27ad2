//! Labelbox's bodies of labels and reviews, as Labelbox's documentation of webhooks describes them. Times have whole
//! seconds; the annotation is a JSON *string*; the event name and the delivery id are in headers only. A task's move
//! contains no annotation, and Labelbox has no body without its label, so a webhook's `payloadContent` has no effect
//! here.

use super::notice;
use crate::event::{self, Annotation, Data, LabelChange, Project, ReviewChange, TaskMove};
use entity::Timestamp;
use serde::Serialize;
use serde_json::json;

pub(super) fn render(event: &entity::event::Model, data: &Data) -> serde_json::Result<Vec<u8>> {
    match data {
        Data::Label(change) => serde_json::to_vec(&label(change, Some(project(&change.project)))),
        Data::Review(change) => serde_json::to_vec(&review(change)),
        Data::Move(change) => serde_json::to_vec(&moved(change)),
        Data::Notice(change) => serde_json::to_vec(&notice::body(
            json!({"id": event.id, "action": change.topic}),
            notice::members(change, Timestamp::secs),
        )),
        Data::Ping(ping) => serde_json::to_vec(&Ping {
            id: event.id.to_string(),
            action: "PING",
            webhook: Id {
                id: ping.webhook_id.to_string(),
            },
            created_at: ping.created_at.secs(),
        }),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Label<'a> {
    id: String,
    created_at: String,
    updated_at: String,
    deleted: bool,
    benchmark_agreement: Option<f64>,
    agreement: Option<f64>,
    seconds_to_label: f64,
    label: &'a Annotation,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<ProjectBody<'a>>,
    data_row: DataRow<'a>,
    user: Option<User<'a>>,
    dataset: Dataset<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    id: String,
    score: f64,
    created_at: String,
    updated_at: String,
    deleted: bool,
    user: Option<User<'a>>,
    label: Label<'a>,
    project: ProjectBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProjectBody<'a> {
    id: String,
    name: &'a str,
    description: &'a str,
    deleted: bool,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataRow<'a> {
    id: String,
    row_data: &'a str,
    external_id: Option<&'a str>,
    created_at: String,
    updated_at: String,
    deleted_at: Option<String>,
}

#[derive(Serialize)]
struct User<'a> {
    id: String,
    email: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dataset<'a> {
    id: String,
    name: &'a str,
    description: &'a str,
    deleted: bool,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Move<'a> {
    action: &'static str,
    task: Id,
    from: &'a event::Stage,
    to: &'a event::Stage,
    data_row: DataRow<'a>,
    project: ProjectBody<'a>,
    user: Option<User<'a>>,
    created_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ping {
    id: String,
    action: &'static str,
    webhook: Id,
    created_at: String,
}

#[derive(Serialize)]
struct Id {
    id: String,
}

fn label<'a>(change: &'a LabelChange, project: Option<ProjectBody<'a>>) -> Label<'a> {
    let LabelChange {
        label,
        data_row: row,
        dataset,
        ..
    } = change;
    Label {
        id: label.id.to_string(),
        created_at: label.created_at.secs(),
        updated_at: label.updated_at.secs(),
        deleted: label.deleted,
        benchmark_agreement: label.benchmark_agreement,
        agreement: label.agreement,
        seconds_to_label: label.seconds_to_label,
        label: &label.label,
        project,
        data_row: data_row(row),
        user: change.user.as_ref().map(user),
        dataset: Dataset {
            id: dataset.id.to_string(),
            name: &dataset.name,
            description: &dataset.description,
            deleted: dataset.deleted,
            created_at: dataset.created_at.secs(),
            updated_at: dataset.updated_at.secs(),
        },
    }
}

fn review(change: &ReviewChange) -> Review<'_> {
    let review = &change.review;
    Review {
        id: review.id.to_string(),
        score: review.score,
        created_at: review.created_at.secs(),
        updated_at: review.updated_at.secs(),
        deleted: review.deleted,
        user: change.reviewer.as_ref().map(user),
        label: label(&change.subject, None),
        project: project(&change.subject.project),
    }
}

fn moved(change: &TaskMove) -> Move<'_> {
    Move {
        action: "MOVE",
        task: Id {
            id: change.task.id.to_string(),
        },
        from: &change.from,
        to: &change.to,
        data_row: data_row(&change.data_row),
        project: project(&change.project),
        user: change.user.as_ref().map(user),
        created_at: change.created_at.secs(),
    }
}

fn data_row(row: &event::DataRow) -> DataRow<'_> {
    DataRow {
        id: row.id.to_string(),
        row_data: &row.row_data,
        external_id: row.external_id.as_deref(),
        created_at: row.created_at.secs(),
        updated_at: row.updated_at.secs(),
        deleted_at: row.deleted_at.map(Timestamp::secs),
    }
}

fn user(user: &event::User) -> User<'_> {
    User {
        id: user.id.to_string(),
        email: &user.email,
    }
}

fn project(project: &Project) -> ProjectBody<'_> {
    ProjectBody {
        id: project.id.to_string(),
        name: &project.name,
        description: project.description.as_deref().unwrap_or_default(),
        deleted: project.deleted,
        created_at: project.created_at.secs(),
        updated_at: project.updated_at.secs(),
    }
}
