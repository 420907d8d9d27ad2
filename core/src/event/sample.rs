//! A sample event of each published topic, for previews and tests, with invented data.

use super::{
    data::{Batch, Data, DataRow, Dataset, Label, LabelChange, Ping, Project, Review, ReviewChange, Team, User},
    notice::{Counts, GivenUp, Notice, Watched},
    task::{Stage, Task, TaskMove, Visit, Work},
};
use entity::{
    BatchId, DataRowId, DatasetId, EventId, LabelId, NotificationId, OrganizationId, ProjectId, ReviewId, StageId,
    StageType, TaskId, Timestamp, UserId, VisitId, WebhookId, WebhookStatus, WebhookTopic,
};
use std::time::Duration;
use uuid::Uuid;

const LABELER: &str = "labeler@example.com";

const LABEL: &str = r##"{"objects":[{"featureId":"f1","schemaId":"s1","title":"Tree","value":"tree","color":"#e0ff00","bbox":{"top":40,"left":12,"height":80,"width":64}}],"classifications":[]}"##;

/// The labeling time of the sample's label.
const WORK: Work = Work {
    duration_ms: 9581,
    idle_ms: 0,
    blur_ms: 0,
};

/// Returns the data of a sample event; none for a topic that is never published.
pub fn sample(topic: WebhookTopic, webhook_id: WebhookId, now: Timestamp) -> Option<Data> {
    Some(match topic {
        WebhookTopic::Ping => Data::Ping(Ping {
            webhook_id,
            created_at: now,
        }),
        WebhookTopic::LabelCreated | WebhookTopic::LabelUpdated => Data::Label(Box::new(label(now, false))),
        WebhookTopic::LabelDeleted => Data::Label(Box::new(label(now, true))),
        WebhookTopic::ReviewCreated | WebhookTopic::ReviewUpdated => Data::Review(Box::new(review(now))),
        WebhookTopic::WorkflowAction => Data::Move(Box::new(submitted(now))),
        WebhookTopic::WebhookDisabled
        | WebhookTopic::WebhookFailing
        | WebhookTopic::WebhookRecovered
        | WebhookTopic::NotificationFailed => Data::Notice(Box::new(notice(topic, now))),
        WebhookTopic::ReviewDeleted => return None,
    })
}

/// Returns whether a topic has a sample.
pub(crate) fn has_sample(topic: WebhookTopic) -> bool {
    topic != WebhookTopic::ReviewDeleted
}

/// A sample about a webhook whose receiver has been down for five days.
fn notice(topic: WebhookTopic, now: Timestamp) -> Notice {
    let disabled = topic == WebhookTopic::WebhookDisabled;
    let reason = match topic {
        WebhookTopic::WebhookRecovered => "a delivery succeeded",
        WebhookTopic::NotificationFailed => "the receiver answered 503",
        _ => "nothing got through for 5 days, in 64 attempts; last: the receiver answered 503",
    };
    let given_up = GivenUp {
        id: NotificationId(id(18)),
        event_id: EventId(id(16)),
        topic: WebhookTopic::LabelCreated,
        external_id: Some("tree.jpg".into()),
        attempts: 10,
        response_code: Some(503),
        error: None,
    };
    let began = now.minus(Duration::from_hours(5 * 24));
    Notice {
        topic,
        webhook: Watched {
            id: WebhookId(id(17)),
            url: "https://example.com/hook".into(),
            status: if disabled {
                WebhookStatus::Revoked
            } else {
                WebhookStatus::Active
            },
            status_reason: disabled.then(|| reason.into()),
            project: None,
        },
        notification: (topic == WebhookTopic::NotificationFailed).then_some(given_up),
        reason: reason.into(),
        counts: Counts {
            consecutive_failures: 64,
            failing_since: Some(began),
            last_success_at: Some(began),
        },
        created_at: now,
    }
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
            email: LABELER.into(),
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

/// A sample task that was submitted and moved from its label stage to a webhook stage.
fn submitted(now: Timestamp) -> TaskMove {
    let LabelChange {
        label,
        project,
        data_row,
        dataset,
        user,
        batches,
        team,
        ..
    } = label(now, false);
    let from = stage(11, "Label", StageType::Label);
    let to = stage(12, "Webhook", StageType::Webhook);
    TaskMove {
        task: task(from.clone(), to.clone(), now),
        from,
        to,
        label: Some(label),
        annotator: user.clone(),
        project,
        data_row,
        dataset,
        batches,
        team,
        user,
        created_at: now,
    }
}

fn task(from: Stage, to: Stage, now: Timestamp) -> Task {
    let start = visit(14, stage(10, "Start", StageType::Start), now);
    let worked = Visit {
        event_id: Some(EventId(id(16))),
        duration_ms: WORK.duration_ms,
        idle_ms: WORK.idle_ms,
        blur_ms: WORK.blur_ms,
        completed_by: Some(LABELER.into()),
        submitted_by: Some(LABELER.into()),
        ..visit(15, from, now)
    };
    Task {
        id: TaskId(id(13)),
        stage: to,
        created_at: now,
        updated_at: now,
        updated_by: Some(LABELER.into()),
        here: Work::default(),
        total: WORK,
        history: vec![start, worked],
    }
}

/// A sample visit to an automatic stage.
fn visit(number: u128, stage: Stage, now: Timestamp) -> Visit {
    Visit {
        id: VisitId(id(number)),
        event_id: None,
        stage,
        entered_at: now,
        completed_at: now,
        duration_ms: 0,
        idle_ms: 0,
        blur_ms: 0,
        completed_by: None,
        submitted_by: None,
        skipped: false,
    }
}

fn stage(number: u128, name: &str, r#type: StageType) -> Stage {
    Stage {
        id: StageId(id(number)),
        name: name.into(),
        r#type,
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::data::Change;
    use sea_orm::Iterable;

    const NOW: Timestamp = Timestamp(1_600_923_368_709_000);

    #[test]
    fn every_topic_that_something_causes_has_a_sample_of_that_topic() {
        use WebhookTopic::*;
        for (topic, change) in [
            (LabelCreated, Change::Created),
            (LabelUpdated, Change::Updated),
            (LabelDeleted, Change::Deleted),
            (ReviewCreated, Change::Created),
            (ReviewUpdated, Change::Updated),
            (WorkflowAction, Change::Created),
            (WebhookDisabled, Change::Created),
            (WebhookFailing, Change::Created),
            (WebhookRecovered, Change::Created),
            (NotificationFailed, Change::Created),
            (Ping, Change::Created),
        ] {
            let data = sample(topic, WebhookId::new(), NOW).expect("a sample");
            assert_eq!(data.topic(change), topic);
        }
        for topic in WebhookTopic::iter() {
            let sampled = sample(topic, WebhookId::new(), NOW).is_some();
            assert_eq!(sampled, has_sample(topic), "{topic:?}");
        }
        assert!(
            sample(ReviewDeleted, WebhookId::new(), NOW).is_none(),
            "removing a review updates its label's reviews"
        );
    }

    #[test]
    fn the_sample_of_a_move_is_of_one_task_in_one_workflow() {
        let change = submitted(NOW);
        let task = &change.task;
        assert_eq!(task.stage, change.to, "it is where it went");
        assert_eq!(
            task.history.last().unwrap().stage,
            change.from,
            "and came from where it was last"
        );
        assert_eq!(task.history[0].stage.r#type, StageType::Start);
        let worked = task.history.iter().fold(task.here, |sum, visit| sum.plus(visit.work()));
        assert_eq!(worked, task.total);
        let label = change.label.unwrap();
        assert_eq!((label.seconds_to_label * 1000.0) as i64, task.total.duration_ms);
        assert_eq!(change.annotator.unwrap().email, LABELER);
    }
}
