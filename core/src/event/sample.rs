//! A sample event of each topic that is sent, for previews: plausible data that belongs to nobody.

use super::{Batch, Data, DataRow, Dataset, Label, LabelChange, Ping, Project, Review, ReviewChange, Team, User};
use entity::{
    BatchId, DataRowId, DatasetId, LabelId, OrganizationId, ProjectId, ReviewId, Timestamp, UserId, WebhookId,
    WebhookTopic,
};
use uuid::Uuid;

const LABEL: &str = r##"{"objects":[{"featureId":"f1","schemaId":"s1","title":"Tree","value":"tree","color":"#e0ff00","bbox":{"top":40,"left":12,"height":80,"width":64}}],"classifications":[]}"##;

/// The data of a sample event; none for topics that no label or review causes.
pub(crate) fn sample(topic: WebhookTopic, webhook_id: WebhookId, now: Timestamp) -> Option<Data> {
    Some(match topic {
        WebhookTopic::Ping => Data::Ping(Ping {
            webhook_id,
            created_at: now,
        }),
        WebhookTopic::LabelCreated | WebhookTopic::LabelUpdated => Data::Label(Box::new(label(now, false))),
        WebhookTopic::LabelDeleted => Data::Label(Box::new(label(now, true))),
        WebhookTopic::ReviewCreated | WebhookTopic::ReviewUpdated => Data::Review(Box::new(review(now))),
        WebhookTopic::ReviewDeleted | WebhookTopic::WorkflowAction => return None,
    })
}

fn review(now: Timestamp) -> ReviewChange {
    ReviewChange {
        review: Review {
            id: ReviewId(id(7)),
            score: 1.0,
            deleted: false,
            created_at: now,
            updated_at: now,
        },
        reviewer: Some(User {
            id: UserId(id(6)),
            email: "reviewer@example.com".into(),
        }),
        subject: label(now, false),
    }
}

fn label(now: Timestamp, deleted: bool) -> LabelChange {
    LabelChange {
        label: Label {
            id: LabelId(id(1)),
            label: LABEL.into(),
            label_type: "Any".into(),
            seconds_to_label: 9.581,
            agreement: None,
            benchmark_agreement: None,
            deleted,
            created_at: now,
            updated_at: now,
        },
        project: Project {
            id: ProjectId(id(2)),
            name: "Image project".into(),
            description: Some("Image editor demo".into()),
            deleted: false,
            created_at: now,
            updated_at: now,
            ontology: None,
        },
        data_row: DataRow {
            id: DataRowId(id(3)),
            row_data: "https://example.com/images/tree.jpg".into(),
            external_id: Some("tree.jpg".into()),
            deleted_at: None,
            created_at: now,
            updated_at: now,
            metadata: None,
        },
        dataset: Dataset {
            id: DatasetId(id(4)),
            name: "Trees".into(),
            description: String::new(),
            deleted: false,
            created_at: now,
            updated_at: now,
        },
        user: Some(User {
            id: UserId(id(5)),
            email: "labeler@example.com".into(),
        }),
        batches: vec![Batch {
            id: BatchId(id(8)),
            name: "batch-1".into(),
        }],
        task: None,
        team: Some(Team {
            id: OrganizationId(id(9)),
            name: "Example".into(),
        }),
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}
