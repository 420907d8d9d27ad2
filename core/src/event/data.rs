//! The data of events: one variant for each topic, with a snapshot of all related objects. Payload formats render from
//! this alone, so that a body can be rendered again without a database query.

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

/// The data of an event; the variant determines the topic.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Data {
    /// A review event, which contains the label.
    Review(Box<ReviewChange>),
    /// A workflow event.
    Move(Box<TaskMove>),
    /// A label event.
    Label(Box<LabelChange>),
    /// An operational event.
    Notice(Box<Notice>),
    /// A test event.
    Ping(Ping),
}

/// The kind of change of a label or review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Created.
    Created,
    /// Updated.
    Updated,
    /// Deleted.
    Deleted,
}

/// A label and all related objects.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelChange {
    /// The label.
    pub label: Label,
    /// The project of the label.
    pub project: Project,
    /// The data row of the label.
    pub data_row: DataRow,
    /// The data row's dataset.
    pub dataset: Dataset,
    /// The user who submitted the label.
    pub user: Option<User>,
    /// The batches of the project that contain the data row.
    #[serde(default)]
    pub batches: Vec<Batch>,
    /// The task that the label was submitted or saved in; none for a label outside a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// The organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
}

/// The objects that an event concerns, as far as the columns of its row go.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The project in which it happened.
    pub project_id: ProjectId,
    /// The data row that it concerns.
    pub data_row: &'a DataRow,
}

/// A review, its reviewer and its label.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewChange {
    /// The review.
    pub review: Review,
    /// The user who submitted the review.
    pub reviewer: Option<User>,
    /// The reviewed label.
    #[serde(flatten)]
    pub subject: LabelChange,
}

/// A test event.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ping {
    /// The webhook that is tested.
    pub webhook_id: WebhookId,
    /// The time at which it happened.
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
    /// A review at the time of the event.
    Review of review::Model {
        id: ReviewId, score: f64, deleted: bool, created_at: Timestamp, updated_at: Timestamp,
    }
    /// A dataset at the time of the event.
    Dataset of dataset::Model {
        id: DatasetId, name: String, description: String, deleted: bool, created_at: Timestamp, updated_at: Timestamp,
    }
    /// A user at the time of the event.
    User of user::Model { id: UserId, email: String }
    /// An organization at the time of the event.
    Team of organization::Model { id: OrganizationId, name: String }
}

/// A label at the time of the event.
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

/// A project at the time of the event.
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

/// A data row at the time of the event.
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

/// A batch at the time of the event.
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

/// Wraps JSON text that was checked when it was stored.
fn raw(text: Option<&str>) -> Option<Box<RawValue>> {
    text.and_then(|text| RawValue::from_string(text.to_owned()).ok())
}

/// The members of a review event beside its label; the rest is parsed as a [`LabelChange`].
#[derive(Deserialize)]
struct ReviewHead {
    review: Review,
    reviewer: Option<User>,
}

impl Data {
    /// Parses an event's stored data.
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

    /// Returns the project and data row that the event concerns, if any.
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

    /// Returns the topic of this data after this change. Removing a review is an update of its label's reviews.
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
