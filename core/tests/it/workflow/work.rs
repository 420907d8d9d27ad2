//! Work on one task: saved, submitted, reviewed; and who is refused.

use super::support::{Flow, answer, labelled_then_sent, stage};
use crate::support::World;
use entity::{Role, StageOutput::*, StageType::*, TaskStatus, label as labels, review};
use labelhook_core::{
    Error, label, project,
    task::{Answer, Judgement, Verdict},
    workflow::StageInput,
};
use sea_orm::{EntityTrait, QueryOrder};

/// START → LABEL → REVIEW → COMPLETE, and back to LABEL.
fn reviewed() -> Vec<StageInput> {
    vec![
        stage("Start", Start, &[(Next, "Label")]),
        stage("Label", Label, &[(Next, "Review")]),
        stage("Review", Review, &[(Approved, "Done"), (Rejected, "Label")]),
        stage("Done", Complete, &[]),
    ]
}

fn worked(label: Option<&str>, duration: i64) -> Answer {
    Answer {
        label: label.map(Into::into),
        duration_ms: Some(duration),
        idle_ms: Some(duration / 2),
        blur_ms: Some(duration / 4),
        ..Answer::default()
    }
}

async fn label_of(flow: &Flow<'_>, task: &entity::task::Model) -> labels::Model {
    let id = flow.now(task).await.label_id.unwrap();
    let row = labels::Entity::find_by_id(id).one(flow.world.app.db.read()).await;
    row.unwrap().unwrap()
}

/// The topics without those of moves.
async fn told(flow: &Flow<'_>) -> Vec<&'static str> {
    let topics = flow.topics().await;
    topics.into_iter().filter(|topic| *topic != "WORKFLOW_ACTION").collect()
}

#[tokio::test]
async fn work_that_is_saved_is_a_draft_until_the_first_submit_and_told_of_after_it() {
    let world = World::new().await;
    let flow = Flow::new(&world, reviewed()).await;
    let task = flow.task().await;
    flow.save_work(&task, worked(Some(r#"{"draft":1}"#), 400))
        .await
        .unwrap();
    let saved = flow.now(&task).await;
    assert_eq!((saved.status, saved.label_id), (TaskStatus::InProgress, None));
    assert_eq!(saved.draft.as_deref(), Some(r#"{"draft":1}"#));
    assert_eq!(told(&flow).await, [""; 0]);
    flow.submit_as(&world.owner, &task, worked(None, 600)).await.unwrap();
    let first = label_of(&flow, &task).await;
    assert_eq!((first.label.as_str(), first.seconds_to_label), (r#"{"draft":1}"#, 1.0));
    assert_eq!(flow.now(&task).await.draft, None);
    flow.save_work(&task, worked(Some(r#"{"draft":2}"#), 100))
        .await
        .unwrap();
    assert_eq!(flow.place(&task).await.0, "Review", "a save stays");
    assert_eq!(label_of(&flow, &task).await.label, r#"{"draft":2}"#);
    assert_eq!(told(&flow).await, ["LABEL_CREATED", "LABEL_UPDATED"]);
}

#[tokio::test]
async fn the_first_submit_needs_a_label_and_a_later_one_may_leave_it_as_it_is() {
    let world = World::new().await;
    let flow = Flow::new(&world, reviewed()).await;
    let task = flow.task().await;
    let refused = flow.submit_as(&world.owner, &task, Answer::default()).await;
    assert!(
        matches!(&refused, Err(Error::Invalid { field, .. }) if field == "label"),
        "{refused:?}"
    );
    flow.submit(&task).await.unwrap();
    let first = label_of(&flow, &task).await;
    flow.review(&task, Verdict::Rejected).await.unwrap();
    flow.submit_as(&world.owner, &task, Answer::default()).await.unwrap();
    assert_eq!(label_of(&flow, &task).await, first);
    flow.review(&task, Verdict::Rejected).await.unwrap();
    flow.submit_as(&world.owner, &task, worked(Some("{}"), 1))
        .await
        .unwrap();
    let last = label_of(&flow, &task).await;
    assert_eq!((last.id, last.label.as_str()), (first.id, "{}"));
    assert_eq!(
        told(&flow).await,
        ["LABEL_CREATED", "REVIEW_CREATED", "REVIEW_CREATED", "LABEL_UPDATED"]
    );
}

#[tokio::test]
async fn durations_are_summed_over_the_saves_of_a_stage_and_over_the_stages() {
    let world = World::new().await;
    let flow = Flow::new(&world, reviewed()).await;
    let task = flow.task().await;
    flow.save_work(&task, worked(None, 1_000)).await.unwrap();
    flow.save_work(&task, worked(None, 2_000)).await.unwrap();
    flow.submit_as(&world.owner, &task, worked(Some("{}"), 549))
        .await
        .unwrap();
    let now = flow.now(&task).await;
    assert_eq!((now.duration_ms, now.total_duration_ms), (0, 3_549));
    flow.save_work(&task, worked(None, 451)).await.unwrap();
    flow.review(&task, Verdict::Approved).await.unwrap();
    let visits = flow.visits(&task).await;
    let times: Vec<_> = visits
        .iter()
        .map(|visit| (visit.duration_ms, visit.idle_ms, visit.blur_ms))
        .collect();
    assert_eq!(times, [(0, 0, 0), (3_549, 1_774, 887), (451, 225, 112)]);
    let now = flow.now(&task).await;
    assert_eq!(
        (now.total_duration_ms, now.total_idle_ms, now.total_blur_ms),
        (4_000, 1_999, 999)
    );
    let refused = flow.save_work(&task, worked(None, -1)).await;
    assert!(
        matches!(&refused, Err(Error::Invalid { field, .. }) if field == "durationMs"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_review_is_told_of_and_takes_the_edge_of_its_verdict() {
    let world = World::new().await;
    let flow = Flow::new(&world, reviewed()).await;
    let task = flow.task().await;
    for (verdict, place) in [(Verdict::Rejected, "Label"), (Verdict::Approved, "Done")] {
        flow.submit_as(&world.owner, &task, worked(Some("{}"), 1))
            .await
            .unwrap();
        flow.review(&task, verdict).await.unwrap();
        assert_eq!(flow.place(&task).await.0, place);
    }
    assert_eq!(
        flow.history(&task).await,
        ["Start", "Label", "Review", "Label", "Review"]
    );
    assert_eq!(
        told(&flow).await,
        ["LABEL_CREATED", "REVIEW_CREATED", "LABEL_UPDATED", "REVIEW_CREATED"]
    );
    let reviews = review::Entity::find().order_by_asc(review::Column::Id);
    let reviews = reviews.all(world.app.db.read()).await.unwrap();
    assert_eq!(reviews.iter().map(|row| row.score).collect::<Vec<_>>(), [-1.0, 1.0]);
    let unlabelled = flow.task().await;
    flow.requeue(&unlabelled, "Review").await.unwrap();
    let refused = flow.review(&unlabelled, Verdict::Approved).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
}

#[tokio::test]
async fn what_a_stage_does_not_take_is_refused_and_a_wrong_belief_is_a_conflict() {
    let world = World::new().await;
    let flow = Flow::new(&world, reviewed()).await;
    let task = flow.task().await;
    let refused = flow.review(&task, Verdict::Approved).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    let believed = Some(flow.stage("Review").await.to_string());
    let stage = believed.clone();
    let refused = flow.submit_as(&world.owner, &task, Answer { stage, ..answer() }).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let refused = flow
        .save_work(
            &task,
            Answer {
                stage: believed,
                ..answer()
            },
        )
        .await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let stage = Some(flow.stage("Label").await.to_string());
    flow.submit_as(
        &world.owner,
        &task,
        Answer {
            stage: stage.clone(),
            ..answer()
        },
    )
    .await
    .unwrap();
    let refused = flow.submit(&task).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    let outcome = Judgement {
        verdict: Verdict::Approved,
        score: None,
        stage,
    };
    let refused = labelhook_core::task::review(&world.app, &world.owner, &task.id.to_string(), outcome).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!(told(&flow).await, ["LABEL_CREATED"]);
}

#[tokio::test]
async fn of_two_submits_at_once_one_wins_and_the_other_is_a_conflict() {
    let world = World::new().await;
    let mut drawn = labelled_then_sent("http://127.0.0.1:9/");
    drawn[2] = stage("Again", Label, &[(Next, "Done")]);
    drawn[1].edges[0].to = "Again".into();
    let flow = Flow::new(&world, drawn).await;
    let task = flow.task().await;
    let seen = || Answer {
        stage: Some(task.stage_id.to_string()),
        ..answer()
    };
    let (first, second) = tokio::join!(
        flow.submit_as(&world.owner, &task, seen()),
        flow.submit_as(&world.owner, &task, seen())
    );
    let lost = if first.is_ok() { second } else { first };
    assert!(matches!(lost, Err(Error::Conflict(_))), "{lost:?}");
    assert_eq!(flow.place(&task).await.0, "Again", "one step");
    assert_eq!(told(&flow).await, ["LABEL_CREATED"]);
}

#[tokio::test]
async fn a_worker_leaves_alone_what_is_somebody_elses() {
    let world = World::new().await;
    let flow = Flow::new(&world, reviewed()).await;
    let (one, other) = (world.actor(Role::Worker).await, world.actor(Role::Worker).await);
    let task = flow.task().await;
    let mine = Flow::only(&[&task]);
    flow.assign(&one, &mine, &one, None).await.unwrap();
    for refused in [
        flow.submit_as(&other, &task, answer()).await.map(drop),
        flow.assign(&other, &mine, &other, None).await.map(drop),
        flow.assign(&one, &mine, &other, None).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    flow.submit_as(&one, &task, answer()).await.unwrap();
    assert_eq!(flow.now(&task).await.assignee_id, None, "the next stage is anybody's");
}

#[tokio::test]
async fn a_task_whose_label_was_deleted_gets_a_new_one() {
    let world = World::new().await;
    let flow = Flow::new(&world, reviewed()).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    let first = label_of(&flow, &task).await;
    label::delete(&world.app, &world.owner, &[first.id.to_string()])
        .await
        .unwrap();
    let refused = flow.review(&task, Verdict::Approved).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    flow.requeue(&task, "Label").await.unwrap();
    let refused = flow.submit_as(&world.owner, &task, Answer::default()).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    flow.submit(&task).await.unwrap();
    assert_ne!(label_of(&flow, &task).await.id, first.id);
    assert_eq!(told(&flow).await, ["LABEL_CREATED", "LABEL_DELETED", "LABEL_CREATED"]);
}

#[tokio::test]
async fn tasks_of_a_deleted_project_stay_as_they_are() {
    let world = World::new().await;
    let flow = Flow::new(&world, reviewed()).await;
    let task = flow.task().await;
    let id = flow.project_id.to_string();
    let review = flow.stage("Review").await.to_string();
    let gone = project::Patch {
        deleted: true,
        ..project::Patch::default()
    };
    project::update(&world.app, &world.owner, &id, gone).await.unwrap();
    let before = flow.now(&task).await;
    for refused in [
        flow.submit(&task).await.map(drop),
        flow.save_work(&task, answer()).await.map(drop),
        flow.requeue_to(&task, &review).await.map(drop),
        flow.assign(&world.owner, &Flow::only(&[&task]), &world.owner, None)
            .await
            .map(drop),
    ] {
        assert!(
            matches!(refused, Err(Error::NotAllowed(_) | Error::NotFound { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(flow.now(&task).await, before);
}

#[tokio::test]
async fn of_two_workers_who_take_a_task_at_once_one_gets_it() {
    let world = World::new().await;
    let flow = Flow::new(&world, reviewed()).await;
    let (one, other) = (world.actor(Role::Worker).await, world.actor(Role::Worker).await);
    let task = flow.task().await;
    let mine = Flow::only(&[&task]);
    let (first, second) = tokio::join!(
        flow.assign(&one, &mine, &one, None),
        flow.assign(&other, &mine, &other, None)
    );
    let (winner, lost) = if first.is_ok() { (&one, second) } else { (&other, first) };
    assert!(
        matches!(lost, Err(Error::Conflict(_) | Error::Forbidden(_))),
        "{lost:?}"
    );
    assert_eq!(flow.now(&task).await.assignee_id, Some(winner.user_id));
}
