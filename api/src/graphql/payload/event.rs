//! The `Event` type of payload queries: an event's row and the members of its data, under their stored names. The types
//! serve validation and documentation; [`super::plan`] takes the values from the stored text.

use async_graphql::{ID, SimpleObject};
use entity::{StageType, Timestamp, WebhookTopic};

use super::super::json::Json;

/// An event as a payload query sees it: a fact with a snapshot of all related objects. A member that the event does not
/// have is null.
#[derive(SimpleObject)]
pub struct Event {
    /// The id of the event: the `webhook-id` header, the same for every webhook, attempt and redelivery.
    pub id: ID,
    /// The topic of the event.
    pub topic: WebhookTopic,
    /// The time at which it happened.
    pub created_at: Timestamp,
    /// The sequence number of the event, a whole number as text. It grows within the organization, with gaps.
    pub sequence: String,
    /// All data of the event.
    pub data: Json,
    /// The organization that owns the event.
    pub organization: Option<Organization>,
    /// The project in which it happened.
    pub project: Option<Project>,
    /// The data row that it concerns.
    pub data_row: Option<DataRow>,
    /// The dataset of the data row.
    pub dataset: Option<Dataset>,
    /// The batches of the project that contain the data row.
    pub batches: Option<Vec<Batch>>,
    /// The label: for label and review events, and for moves of tasks that have one.
    pub label: Option<Label>,
    /// The user who submitted the label, for label and review events; the user who moved the task, for moves.
    pub user: Option<User>,
    /// The user who submitted the label, for moves.
    pub annotator: Option<User>,
    /// The review, for review events.
    pub review: Option<Review>,
    /// The user who submitted the review, for review events.
    pub reviewer: Option<User>,
    /// The task: for moves, and for labels that were submitted in one.
    pub task: Option<Task>,
    /// The stage that the task left, for moves.
    pub from: Option<Stage>,
    /// The stage that the task entered, for moves.
    pub to: Option<Stage>,
    /// The id of the webhook that is tested, for PING.
    pub webhook_id: Option<ID>,
}

impl Event {
    /// Returns an event without data, against which a query is validated.
    pub fn empty() -> Self {
        Self {
            id: ID::default(),
            topic: WebhookTopic::Ping,
            created_at: Timestamp(0),
            sequence: String::new(),
            data: Json(async_graphql::Value::Null),
            organization: None,
            project: None,
            data_row: None,
            dataset: None,
            batches: None,
            label: None,
            user: None,
            annotator: None,
            review: None,
            reviewer: None,
            task: None,
            from: None,
            to: None,
            webhook_id: None,
        }
    }
}

/// An organization at the time of the event.
#[derive(SimpleObject)]
pub struct Organization {
    /// The id of the organization.
    id: ID,
    /// The display name of the organization.
    name: String,
}

/// A project at the time of the event.
#[derive(SimpleObject)]
pub struct Project {
    /// The id of the project.
    id: ID,
    /// The display name of the project.
    name: String,
    /// A free-form description.
    description: Option<String>,
    /// True if the project was deleted.
    deleted: bool,
    /// The time at which the project was created.
    created_at: Timestamp,
    /// The time at which the project was last changed.
    updated_at: Timestamp,
    /// The ontology from which annotators choose.
    ontology: Option<Json>,
}

/// A data row at the time of the event.
#[derive(SimpleObject)]
pub struct DataRow {
    /// The id of the data row.
    id: ID,
    /// The asset: a URL or text.
    row_data: String,
    /// The customer's own id of the data row.
    external_id: Option<String>,
    /// The time at which the data row was deleted; null when it was not.
    deleted_at: Option<Timestamp>,
    /// The time at which the data row was created.
    created_at: Timestamp,
    /// The time at which the data row was last changed.
    updated_at: Timestamp,
    /// Any JSON about the asset, as given.
    metadata: Option<Json>,
}

/// A dataset at the time of the event.
#[derive(SimpleObject)]
pub struct Dataset {
    /// The id of the dataset.
    id: ID,
    /// The display name of the dataset.
    name: String,
    /// A free-form description.
    description: String,
    /// True if the dataset was deleted.
    deleted: bool,
    /// The time at which the dataset was created.
    created_at: Timestamp,
    /// The time at which the dataset was last changed.
    updated_at: Timestamp,
}

/// A batch at the time of the event.
#[derive(SimpleObject)]
pub struct Batch {
    /// The id of the batch.
    id: ID,
    /// The display name of the batch.
    name: String,
}

/// A label at the time of the event.
#[derive(SimpleObject)]
pub struct Label {
    /// The id of the label.
    id: ID,
    /// The annotation as given, as text.
    label: String,
    /// Labelbox's label type, as given.
    label_type: String,
    /// The labeling time in seconds.
    seconds_to_label: f64,
    /// The agreement with other labels of the data row, Labelbox's consensus score.
    agreement: Option<f64>,
    /// The agreement with the benchmark, Labelbox's benchmark score.
    benchmark_agreement: Option<f64>,
    /// True if the label was deleted.
    deleted: bool,
    /// The time at which the label was created.
    created_at: Timestamp,
    /// The time at which the label was last changed.
    updated_at: Timestamp,
}

/// A review at the time of the event.
#[derive(SimpleObject)]
pub struct Review {
    /// The id of the review.
    id: ID,
    /// The judgment: above 0 approves, below 0 rejects.
    score: f64,
    /// True if the review was removed from its label.
    deleted: bool,
    /// The time at which the review was created.
    created_at: Timestamp,
    /// The time at which the review was last changed.
    updated_at: Timestamp,
}

/// A user at the time of the event.
#[derive(SimpleObject)]
pub struct User {
    /// The id of the user.
    id: ID,
    /// The user's e-mail address.
    email: String,
}

/// A task at the time of the event.
#[derive(SimpleObject)]
pub struct Task {
    /// The id of the task.
    id: ID,
    /// The stage that the task was in.
    stage: Stage,
    /// The time at which the task was created.
    created_at: Timestamp,
    /// The time at which the task was last changed.
    updated_at: Timestamp,
    /// The e-mail address of the user who last worked on the task.
    updated_by: Option<String>,
    /// The working time in this stage so far.
    here: Work,
    /// The working time in all completed visits and this one.
    total: Work,
    /// The completed visits, oldest first.
    history: Vec<Visit>,
}

/// A stage at the time of the event.
#[derive(SimpleObject)]
pub struct Stage {
    /// The id of the stage.
    id: ID,
    /// The display name of the stage.
    name: String,
    /// The type of the stage.
    r#type: StageType,
}

/// Working time in milliseconds.
#[derive(SimpleObject)]
pub struct Work {
    /// The total working time.
    duration_ms: i64,
    /// The part of the working time that was idle.
    idle_ms: i64,
    /// The part of the working time in which the editor was out of focus.
    blur_ms: i64,
}

/// A completed visit of a task to a stage.
#[derive(SimpleObject)]
pub struct Visit {
    /// The id of the visit.
    id: ID,
    /// The event that reports the move out of the stage.
    event_id: Option<ID>,
    /// The stage.
    stage: Stage,
    /// The time at which the task entered the stage.
    entered_at: Timestamp,
    /// The time at which the task left the stage.
    completed_at: Timestamp,
    /// The working time in the stage, in milliseconds.
    duration_ms: i64,
    /// The part of the working time that was idle, in milliseconds.
    idle_ms: i64,
    /// The part of the working time in which the editor was out of focus, in milliseconds.
    blur_ms: i64,
    /// The e-mail address of the user who moved the task on; null for automatic stages.
    completed_by: Option<String>,
    /// The e-mail address of the user who submitted the answer.
    submitted_by: Option<String>,
    /// True if the task was moved on without an answer.
    skipped: bool,
}
