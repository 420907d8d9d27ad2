//! The stage types without a receiver: where they lead, how tasks stand in them, and what is told of each move.

use super::support::{Flow, answer, labelled_then_sent, rule, stage};
use crate::support::{Receiver, World};
use entity::{StageOutput::*, StageType::*, TaskStatus};
use labelhook_core::{
    Error,
    task::{Answer, Verdict},
    workflow::StageInput,
};

/// START → LABEL → HOLD, which leads to COMPLETE if it leads anywhere.
fn held(leads: bool) -> Vec<StageInput> {
    let next: &[_] = if leads { &[(Next, "Done")] } else { &[] };
    let mut drawn = vec![
        stage("Start", Start, &[(Next, "Label")]),
        stage("Label", Label, &[(Next, "Hold")]),
        stage("Hold", Hold, next),
    ];
    drawn.extend(leads.then(|| stage("Done", Complete, &[])));
    drawn
}

/// START → LABEL → these, with two places to end.
fn ruled(rules: Vec<StageInput>) -> Vec<StageInput> {
    let mut drawn = vec![
        stage("Start", Start, &[(Next, "Label")]),
        stage("Label", Label, &[(Next, "A")]),
    ];
    drawn.extend(rules);
    drawn.extend(["Oaks", "Trees", "Rest"].map(|name| stage(name, Archive, &[])));
    drawn
}

fn labelled(text: &str) -> Answer {
    Answer {
        label: Some(text.into()),
        ..Answer::default()
    }
}

#[tokio::test]
async fn a_project_without_a_workflow_labels_and_completes() {
    let world = World::new().await;
    let flow = Flow::plain(&world).await;
    let known = flow.workflow().await;
    assert_eq!((known.row.version, known.row.max_passes), (1, 100));
    let types: Vec<_> = known.stages.iter().map(|stage| stage.stage_type).collect();
    assert_eq!(types, [Start, Label, Complete]);
    let task = flow.task().await;
    assert_eq!(flow.place(&task).await, ("Label".into(), TaskStatus::Ready));
    flow.submit(&task).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Complete".into(), TaskStatus::Done));
    assert_eq!(flow.history(&task).await, ["Start", "Label"]);
}

#[tokio::test]
async fn a_hold_stage_takes_a_save_and_no_submit_and_is_left_by_hand() {
    let world = World::new().await;
    let flow = Flow::new(&world, held(true)).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Hold".into(), TaskStatus::Held));
    flow.save_work(&task, labelled(r#"{"tools":[]}"#)).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Hold".into(), TaskStatus::Held));
    let refused = flow.submit(&task).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    assert_eq!(flow.history(&task).await, ["Start", "Label"]);
    flow.forward(&task).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    let visits = flow.visits(&task).await;
    assert_eq!(flow.history(&task).await, ["Start", "Label", "Hold"]);
    assert_eq!(visits[2].completed_by, Some(world.owner.user_id));
    let again = flow.forward(&task).await;
    assert!(matches!(again, Err(Error::NotAllowed(_))), "{again:?}");
}

#[tokio::test]
async fn a_hold_stage_that_leads_nowhere_is_left_by_requeueing_which_writes_no_history() {
    let world = World::new().await;
    let flow = Flow::new(&world, held(false)).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    let refused = flow.forward(&task).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    assert_eq!(flow.requeue(&task, "Label").await.unwrap(), [task.id]);
    assert_eq!(flow.place(&task).await, ("Label".into(), TaskStatus::Ready));
    assert_eq!(flow.history(&task).await, ["Start", "Label"]);
    let last = flow.moves().await.pop().unwrap();
    assert_eq!(last, ("Hold".into(), "Label".into(), Some(world.owner.user_id)));
    let refused = flow.requeue(&task, "Start").await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_rule_takes_its_first_match_else_else() {
    let world = World::new().await;
    let conditions = [
        ("label.kind == 'oak'", "Oaks"),
        (
            "task.externalId == 'tree.jpg' && project.name == 'Trees' && task.from == 'Label'",
            "Trees",
        ),
    ];
    let flow = Flow::new(&world, ruled(vec![rule("A", &conditions, "Rest")])).await;
    for (text, expected) in [
        (r#"{"kind":"oak"}"#, "Oaks"),
        (r#"{"kind":"elm"}"#, "Trees"),
        (r#"{"kind":7}"#, "Trees"),
        (r#"{}"#, "Trees"),
        ("this is no JSON", "Trees"),
    ] {
        let task = flow.task().await;
        flow.submit_as(&world.owner, &task, labelled(text)).await.unwrap();
        assert_eq!(flow.place(&task).await, (expected.into(), TaskStatus::Done), "{text}");
    }
    let tasks = flow.tasks(1).await;
    let unnamed = tasks.last().unwrap();
    flow.submit_as(&world.owner, unnamed, labelled("{}")).await.unwrap();
    assert_eq!(flow.place(unnamed).await.0, "Rest");
}

#[tokio::test]
async fn a_condition_that_cannot_be_evaluated_does_not_match() {
    let world = World::new().await;
    let conditions = [
        ("label.tools[7].title == 'Tree'", "Oaks"),
        ("task.durationMs / 0 == 1", "Oaks"),
        ("label.kind", "Oaks"),
        ("label == null", "Trees"),
    ];
    let flow = Flow::new(&world, ruled(vec![rule("A", &conditions, "Rest")])).await;
    for (text, expected) in [(r#"{"kind":"elm"}"#, "Rest"), ("plain text", "Trees")] {
        let task = flow.task().await;
        flow.submit_as(&world.owner, &task, labelled(text)).await.unwrap();
        assert_eq!(flow.place(&task).await.0, expected, "{text}");
    }
}

#[tokio::test]
async fn rules_in_a_row_are_passed_in_one_go_and_move_by_themselves() {
    let world = World::new().await;
    let rules = vec![
        rule("A", &[("false", "Oaks")], "B"),
        rule("B", &[("task.from == 'A' && task.visits == 3", "Trees")], "Rest"),
    ];
    let flow = Flow::new(&world, ruled(rules)).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Trees".into(), TaskStatus::Done));
    assert_eq!(flow.history(&task).await, ["Start", "Label", "A", "B"]);
    let owner = Some(world.owner.user_id);
    let told = |from: &str, to: &str, user| (from.to_owned(), to.to_owned(), user);
    assert_eq!(
        flow.moves().await,
        [
            told("Start", "Label", owner),
            told("Label", "A", owner),
            told("A", "B", None),
            told("B", "Trees", None)
        ]
    );
    let visits = flow.visits(&task).await;
    let by: Vec<_> = visits.iter().map(|visit| visit.completed_by).collect();
    assert_eq!(by, [None, owner, None, None]);
    assert!(visits.iter().all(|visit| visit.event_id.is_some()), "{visits:?}");
}

#[tokio::test]
async fn the_end_takes_no_work_and_is_left_only_by_requeueing() {
    for end in [Complete, Archive] {
        let world = World::new().await;
        let mut drawn = labelled_then_sent("http://127.0.0.1:9/");
        drawn.remove(2);
        drawn[1].edges[0].to = "Done".into();
        drawn[2].stage_type = end;
        let flow = Flow::new(&world, drawn).await;
        let task = flow.task().await;
        flow.submit(&task).await.unwrap();
        assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
        for refused in [
            flow.submit(&task).await.map(drop),
            flow.save_work(&task, answer()).await.map(drop),
            flow.review(&task, Verdict::Approved).await.map(drop),
            flow.forward(&task).await.map(drop),
            flow.assign(&world.owner, &Flow::only(&[&task]), &world.owner, None)
                .await
                .map(drop),
        ] {
            assert!(matches!(refused, Err(Error::NotAllowed(_))), "{end:?}: {refused:?}");
        }
        flow.requeue(&task, "Label").await.unwrap();
        flow.submit(&task).await.unwrap();
        assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    }
}

#[tokio::test]
async fn a_move_that_a_receiver_causes_names_nobody() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    world.deliver().await;
    assert_eq!(flow.moves().await[2], ("Hook".into(), "Done".into(), None));
}
