//! The `Event` of payload queries: an event's own row and the members of its data, under the names they have there. The
//! types are for validation and for the reader; [`super::plan`] takes values from the stored text.

use async_graphql::{ID, SimpleObject};
use entity::{StageType, Timestamp, WebhookTopic};

use super::super::json::Json;

/// A fact as a payload query sees it: what happened, with everything around it as it was then. What an event does not
/// carry is null.
#[derive(SimpleObject)]
pub struct Event {
    /// Its id: the `webhook-id` header, the same for every webhook, attempt and redelivery.
    pub id: ID,
    /// What it is about.
    pub topic: WebhookTopic,
    /// When it happened.
    pub created_at: Timestamp,
    /// Grows within the organization, with gaps: a whole number as text.
    pub sequence: String,
    /// All that it carries.
    pub data: Json,
    /// Whose it is.
    pub organization: Option<Organization>,
    /// Its project.
    pub project: Option<Project>,
    /// The data row it happened to.
    pub data_row: Option<DataRow>,
    /// The data row's dataset.
    pub dataset: Option<Dataset>,
    /// The batches of the project that hold the data row.
    pub batches: Option<Vec<Batch>>,
    /// The label: of label and review events, and of moves of tasks that have one.
    pub label: Option<Label>,
    /// Of label and review events who submitted the label; of a move who moved the task.
    pub user: Option<User>,
    /// Of a move: who submitted the label.
    pub annotator: Option<User>,
    /// Of review events: the review.
    pub review: Option<Review>,
    /// Of review events: who judged.
    pub reviewer: Option<User>,
    /// The task: of moves, and of labels that were made in one.
    pub task: Option<Task>,
    /// Of a move: where the task was.
    pub from: Option<Stage>,
    /// Of a move: where the task is.
    pub to: Option<Stage>,
    /// Of a PING: the webhook that is tested.
    pub webhook_id: Option<ID>,
}

impl Event {
    /// An event that carries nothing: what a query is tried on.
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

/// An organization as it was then.
#[derive(SimpleObject)]
pub struct Organization {
    /// Its id.
    id: ID,
    /// What people call it.
    name: String,
}

/// A project as it was then.
#[derive(SimpleObject)]
pub struct Project {
    /// Its id.
    id: ID,
    /// What people call it.
    name: String,
    /// Free text.
    description: Option<String>,
    /// Whether it was deleted.
    deleted: bool,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// What is annotated and how.
    ontology: Option<Json>,
}

/// A data row as it was then.
#[derive(SimpleObject)]
pub struct DataRow {
    /// Its id.
    id: ID,
    /// What is annotated: a URL or text.
    row_data: String,
    /// The id it has elsewhere.
    external_id: Option<String>,
    /// When it was deleted; null while it was not.
    deleted_at: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// What is known of it.
    metadata: Option<Json>,
}

/// A dataset as it was then.
#[derive(SimpleObject)]
pub struct Dataset {
    /// Its id.
    id: ID,
    /// What people call it.
    name: String,
    /// Free text.
    description: String,
    /// Whether it was deleted.
    deleted: bool,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

/// A batch as it was then.
#[derive(SimpleObject)]
pub struct Batch {
    /// Its id.
    id: ID,
    /// What people call it.
    name: String,
}

/// A label as it was then.
#[derive(SimpleObject)]
pub struct Label {
    /// Its id.
    id: ID,
    /// The annotation, as it was given: text.
    label: String,
    /// Labelbox's type of label, as it was given.
    label_type: String,
    /// How long it took, in seconds.
    seconds_to_label: f64,
    /// How far it agrees with other labels of the data row.
    agreement: Option<f64>,
    /// How far it agrees with the benchmark.
    benchmark_agreement: Option<f64>,
    /// Whether it was deleted.
    deleted: bool,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

/// A review as it was then.
#[derive(SimpleObject)]
pub struct Review {
    /// Its id.
    id: ID,
    /// The judgement.
    score: f64,
    /// Whether it was removed.
    deleted: bool,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

/// A person as they were then.
#[derive(SimpleObject)]
pub struct User {
    /// Their id.
    id: ID,
    /// Their e-mail address.
    email: String,
}

/// A task as it was then.
#[derive(SimpleObject)]
pub struct Task {
    /// Its id.
    id: ID,
    /// Where it was.
    stage: Stage,
    /// When it was made.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// E-mail of who worked on it last.
    updated_by: Option<String>,
    /// Work in this stage so far.
    here: Work,
    /// Work in all completed visits and this one.
    total: Work,
    /// Completed visits, oldest first.
    history: Vec<Visit>,
}

/// A stage as it was then.
#[derive(SimpleObject)]
pub struct Stage {
    /// Its id.
    id: ID,
    /// What people call it.
    name: String,
    /// What it does.
    r#type: StageType,
}

/// How long somebody worked, in milliseconds.
#[derive(SimpleObject)]
pub struct Work {
    /// In all.
    duration_ms: i64,
    /// Of it, idle.
    idle_ms: i64,
    /// Of it, with the editor out of sight.
    blur_ms: i64,
}

/// A completed visit of a task to a stage.
#[derive(SimpleObject)]
pub struct Visit {
    /// Its id.
    id: ID,
    /// The event of leaving the stage.
    event_id: Option<ID>,
    /// Which stage.
    stage: Stage,
    /// When the task came in.
    entered_at: Timestamp,
    /// When it left.
    completed_at: Timestamp,
    /// How long was worked on it, in milliseconds.
    duration_ms: i64,
    /// Of it, idle.
    idle_ms: i64,
    /// Of it, with the editor out of sight.
    blur_ms: i64,
    /// E-mail of who passed it on; null for automatic stages.
    completed_by: Option<String>,
    /// E-mail of who submitted the answer.
    submitted_by: Option<String>,
    /// Passed on without an answer.
    skipped: bool,
}
