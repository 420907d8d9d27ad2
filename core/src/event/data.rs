//! What an event carries: one variant a topic, each with its data as it was then. Formats render from this and from
//! nothing else, so a body can be made again without a look at the database.

use super::{
    annotation::Annotation,
    notice::Notice,
    task::{Task, TaskMove},
};
use entity::{
    BatchId, DataRowId, DatasetId, LabelId, OrganizationId, ProjectId, ReviewId, Timestamp, UserId, WebhookId,
    WebhookTopic, data_row, dataset, label, organization, project, review, user,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The data of an event; its variant names its topic.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Data {
    /// Of a review event: it has the label inside.
    Review(Box<ReviewChange>),
    /// Of a workflow event.
    Move(Box<TaskMove>),
    /// Of a label event.
    Label(Box<LabelChange>),
    /// Of an operational event.
    Notice(Box<Notice>),
    /// Of a test event.
    Ping(Ping),
}

/// What happened to a label or review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
}

/// A label and all around it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelChange {
    /// The label.
    pub label: Label,
    /// Its project.
    pub project: Project,
    /// Its data row.
    pub data_row: DataRow,
    /// The data row's dataset.
    pub dataset: Dataset,
    /// Who submitted the label.
    pub user: Option<User>,
    /// The batches of the project that hold the data row.
    #[serde(default)]
    pub batches: Vec<Batch>,
    /// The task it was submitted or saved in; none for a label that was made outside a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// The organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
}

/// What an event is about, as far as its own row says so.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// In which project it happened.
    pub project_id: ProjectId,
    /// To which data row.
    pub data_row: &'a DataRow,
}

/// A review, its reviewer and its label.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewChange {
    /// The review.
    pub review: Review,
    /// Who judged.
    pub reviewer: Option<User>,
    /// What was judged.
    #[serde(flatten)]
    pub subject: LabelChange,
}

/// A test event.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ping {
    /// The webhook that is tested.
    pub webhook_id: WebhookId,
    /// When.
    pub created_at: Timestamp,
}

macro_rules! snapshots {
    ($($(#[$doc:meta])* $name:ident of $row:path { $($field:ident : $type:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[expect(missing_docs, reason = "the columns of the row it copies say what each is")]
        pub struct $name { $(pub $field: $type),+ }

        impl From<&$row> for $name {
            fn from(row: &$row) -> Self {
                Self { $($field: row.$field.clone()),+ }
            }
        }
    )+};
}

snapshots! {
    /// A review as it was then.
    Review of review::Model {
        id: ReviewId, score: f64, deleted: bool, created_at: Timestamp, updated_at: Timestamp,
    }
    /// A dataset as it was then.
    Dataset of dataset::Model {
        id: DatasetId, name: String, description: String, deleted: bool, created_at: Timestamp, updated_at: Timestamp,
    }
    /// A person as they were then.
    User of user::Model { id: UserId, email: String }
    /// An organization as it was then.
    Team of organization::Model { id: OrganizationId, name: String }
}

/// A label as it was then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the columns of the row it copies say what each is")]
pub struct Label {
    pub id: LabelId,
    pub label: Annotation,
    pub label_type: String,
    pub seconds_to_label: f64,
    pub agreement: Option<f64>,
    pub benchmark_agreement: Option<f64>,
    pub deleted: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A project as it was then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the columns of the row it copies say what each is")]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub description: Option<String>,
    pub deleted: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ontology: Option<Box<RawValue>>,
}

/// A data row as it was then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the columns of the row it copies say what each is")]
pub struct DataRow {
    pub id: DataRowId,
    pub row_data: String,
    pub external_id: Option<String>,
    pub deleted_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
}

/// A batch as it was then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the columns of the row it copies say what each is")]
pub struct Batch {
    pub id: BatchId,
    pub name: String,
}

impl From<&label::Model> for Label {
    fn from(row: &label::Model) -> Self {
        Self {
            id: row.id,
            label: row.label.as_str().into(),
            label_type: row.label_type.clone(),
            seconds_to_label: row.seconds_to_label,
            agreement: row.agreement,
            benchmark_agreement: row.benchmark_agreement,
            deleted: row.deleted,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<&project::Model> for Project {
    fn from(row: &project::Model) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            description: row.description.clone(),
            deleted: row.deleted,
            created_at: row.created_at,
            updated_at: row.updated_at,
            ontology: raw(row.ontology.as_deref()),
        }
    }
}

impl From<&data_row::Model> for DataRow {
    fn from(row: &data_row::Model) -> Self {
        Self {
            id: row.id,
            row_data: row.row_data.clone(),
            external_id: row.external_id.clone(),
            deleted_at: row.deleted_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            metadata: raw(row.metadata.as_deref()),
        }
    }
}

/// JSON text that was checked when it was stored.
fn raw(text: Option<&str>) -> Option<Box<RawValue>> {
    text.and_then(|text| RawValue::from_string(text.to_owned()).ok())
}

/// What a review event has beside its label; the rest is read as a [`LabelChange`].
#[derive(Deserialize)]
struct ReviewHead {
    review: Review,
    reviewer: Option<User>,
}

impl Data {
    /// Reads an event's stored data back.
    pub fn parse(topic: WebhookTopic, text: &str) -> serde_json::Result<Self> {
        Ok(match topic {
            WebhookTopic::Ping => Self::Ping(serde_json::from_str(text)?),
            WebhookTopic::ReviewCreated | WebhookTopic::ReviewUpdated | WebhookTopic::ReviewDeleted => {
                let ReviewHead { review, reviewer } = serde_json::from_str(text)?;
                Self::Review(Box::new(ReviewChange {
                    review,
                    reviewer,
                    subject: serde_json::from_str(text)?,
                }))
            }
            WebhookTopic::WorkflowAction => Self::Move(Box::new(serde_json::from_str(text)?)),
            WebhookTopic::LabelCreated | WebhookTopic::LabelUpdated | WebhookTopic::LabelDeleted => {
                Self::Label(Box::new(serde_json::from_str(text)?))
            }
            WebhookTopic::WebhookDisabled
            | WebhookTopic::WebhookFailing
            | WebhookTopic::WebhookRecovered
            | WebhookTopic::NotificationFailed => Self::Notice(Box::new(serde_json::from_str(text)?)),
        })
    }

    /// The project and data row, when the event is about one.
    pub fn about(&self) -> Option<About<'_>> {
        let (project, data_row) = match self {
            Self::Label(change) => (&change.project, &change.data_row),
            Self::Review(change) => (&change.subject.project, &change.subject.data_row),
            Self::Move(change) => (&change.project, &change.data_row),
            Self::Notice(_) | Self::Ping(_) => return None,
        };
        Some(About {
            project_id: project.id,
            data_row,
        })
    }

    /// The topic of this data after this change. Removing a review is an update of its label's reviews.
    pub fn topic(&self, change: Change) -> WebhookTopic {
        match (self, change) {
            (Self::Ping(_), _) => WebhookTopic::Ping,
            (Self::Notice(notice), _) => notice.topic,
            (Self::Move(_), _) => WebhookTopic::WorkflowAction,
            (Self::Label(_), Change::Created) => WebhookTopic::LabelCreated,
            (Self::Label(_), Change::Updated) => WebhookTopic::LabelUpdated,
            (Self::Label(_), Change::Deleted) => WebhookTopic::LabelDeleted,
            (Self::Review(_), Change::Created) => WebhookTopic::ReviewCreated,
            (Self::Review(_), Change::Updated | Change::Deleted) => WebhookTopic::ReviewUpdated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::sample::sample;

    const NOW: Timestamp = Timestamp(1_600_923_368_123_456);

    #[test]
    fn what_is_stored_is_read_back_as_it_was() {
        use WebhookTopic::*;
        for topic in [
            LabelCreated,
            LabelUpdated,
            LabelDeleted,
            ReviewCreated,
            ReviewUpdated,
            WorkflowAction,
            WebhookDisabled,
            WebhookFailing,
            WebhookRecovered,
            NotificationFailed,
            Ping,
        ] {
            let mut data = sample(topic, WebhookId::new(), NOW).unwrap();
            if let Data::Label(change) = &mut data {
                change.project.ontology = raw(Some(r#"{"b":1, "a":[1.10]}"#));
                change.data_row.metadata = raw(Some(r#"{"width":640}"#));
                change.user = None;
            }
            if let Data::Move(change) = &mut data {
                change.project.ontology = raw(Some(r#"{"b":1, "a":[1.10]}"#));
                change.label = None;
            }
            let text = serde_json::to_string(&data).unwrap();
            let read = Data::parse(topic, &text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text, "{topic:?}");
            assert_eq!(read.about().is_some(), topic != Ping && !topic.is_operational());
        }
    }

    #[test]
    fn data_of_another_topic_is_refused() {
        let label = sample(WebhookTopic::LabelCreated, WebhookId::new(), NOW).unwrap();
        let text = serde_json::to_string(&label).unwrap();
        for topic in [
            WebhookTopic::ReviewCreated,
            WebhookTopic::Ping,
            WebhookTopic::WebhookFailing,
        ] {
            assert!(Data::parse(topic, &text).is_err(), "{topic:?}");
        }
        assert!(Data::parse(WebhookTopic::LabelCreated, "{}").is_err());
    }
}
