//! Saving a workflow: what is refused and why, what stays, and what becomes of the tasks of removed stages.

use super::support::{Flow, hook, labelled_then_sent, rule, stage};
use crate::support::{Receiver, Response, World, invalid};
use entity::{NotificationStatus, Role, StageOutput::*, StageType, StageType::*, TaskStatus};
use labelhook_core::{
    Error, Result,
    workflow::{self, EdgeInput, Move, Save, StageInput, Workflow},
};
use std::time::Duration;

const URL: &str = "http://127.0.0.1:9/";

fn refused(saved: Result<Workflow>) -> (String, String) {
    invalid(saved.unwrap_err())
}

fn edge(to: &str) -> EdgeInput {
    EdgeInput {
        output: Next,
        to: to.into(),
        condition: None,
    }
}

#[tokio::test]
async fn a_save_from_an_older_version_is_a_conflict() {
    let world = World::new().await;
    let flow = Flow::plain(&world).await;
    let save = |version| Save {
        stages: labelled_then_sent(URL),
        version: Some(version),
        ..Save::default()
    };
    let saved = flow.save_whole(save(1)).await.unwrap();
    assert_eq!(saved.row.version, 2);
    let stale = flow.save_whole(save(1)).await;
    assert!(matches!(stale, Err(Error::Conflict(_))), "{stale:?}");
    assert_eq!(flow.workflow().await, saved);
    let (first, second) = tokio::join!(flow.save_whole(save(2)), flow.save_whole(save(2)));
    assert!(first.is_ok() != second.is_ok(), "one of two wins: {first:?} {second:?}");
}

#[tokio::test]
async fn a_fault_is_named_with_its_path_and_changes_nothing() {
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(URL)).await;
    let other = Flow::plain(&world).await.stage("Label").await.to_string();
    let before = flow.workflow().await;
    type Spoil<'a> = &'a dyn Fn(&mut Vec<StageInput>);
    let twice = |drawn: &mut Vec<StageInput>| drawn[3].id = drawn[1].id.clone();
    let rules = |drawn: &mut Vec<StageInput>, condition: &str| {
        drawn[1].edges[0].to = "Rule".into();
        drawn.push(rule("Rule", &[(condition, "Done")], "Hook"));
    };
    let cases: &[(Spoil, &str, &str)] = &[
        (
            &|drawn| drawn[1].edges[0].to = "Nowhere".into(),
            "stages.1.edges.0.to",
            "is no stage",
        ),
        (
            &|drawn| drawn[1].id = Some(other.clone()),
            "stages.1.id",
            "is no stage of this workflow",
        ),
        (
            &|drawn| drawn[1].id = Some("7".into()),
            "stages.1.id",
            "is no stage of this workflow",
        ),
        (
            &|drawn| drawn[3].stage_type = Archive,
            "stages.3.type",
            "is a COMPLETE stage",
        ),
        (&twice, "stages.3.id", "is given twice"),
        (
            &|drawn| drawn[1].name = " ".into(),
            "stages.1.name",
            "must not be empty",
        ),
        (
            &|drawn| drawn[1].name = "Start".into(),
            "stages.1.name",
            "is the name of another stage too",
        ),
        (
            &|drawn| drawn[1].position = Some("{".into()),
            "stages.1.position",
            "JSON",
        ),
        (
            &|drawn| drawn[1].edges.clear(),
            "stages.1.edges",
            "output NEXT of stage \"Label\" is not connected",
        ),
        (
            &|drawn| drawn[1].edges.push(edge("Done")),
            "stages.1.edges.1.output",
            "is connected twice",
        ),
        (
            &|drawn| drawn.push(stage("Lost", Hold, &[])),
            "stages.4",
            "cannot be reached from START",
        ),
        (&|drawn| drop(drawn.remove(0)), "stages", "has no START stage"),
        (
            &|drawn| drawn[1].webhook = hook("", URL, &[]).webhook,
            "stages.1.webhook",
            "only on a WEBHOOK stage",
        ),
        (
            &|drawn| drawn[2].id = None,
            "stages.2.webhook",
            "is required on a new WEBHOOK stage",
        ),
        (
            &|drawn| rules(drawn, "task.extId == 'x'"),
            "stages.4.edges.0.condition",
            "extId",
        ),
        (
            &|drawn| rules(drawn, "asset.id == 'x'"),
            "stages.4.edges.0.condition",
            "asset",
        ),
        (
            &|drawn| rules(drawn, "label.kind =="),
            "stages.4.edges.0.condition",
            "line 1, column 14",
        ),
        (
            &|drawn| {
                rules(drawn, "true");
                drop(drawn[4].edges.pop());
            },
            "stages.4.edges",
            "output ELSE of stage \"Rule\" is not connected",
        ),
        (
            &|drawn| drawn.extend((0..200).map(|number| stage(&number.to_string(), Hold, &[]))),
            "stages",
            "must have at most 200 stages",
        ),
    ];
    for (spoil, field, reason) in cases {
        let mut drawn = flow.drawn().await;
        spoil(&mut drawn);
        let (at, why) = refused(flow.save(drawn).await);
        assert!(at == *field && why.contains(reason), "{field} {reason}: {at} {why}");
    }
    for passes in [0, 10_001] {
        let save = Save {
            stages: flow.drawn().await,
            max_passes: Some(passes),
            ..Save::default()
        };
        assert_eq!(refused(flow.save_whole(save).await).0, "maxPasses");
    }
    assert_eq!(flow.workflow().await, before, "nothing changed");
}

/// A workflow whose webhook stage is about to be removed, and what is left.
async fn without_hook(flow: &Flow<'_>) -> Vec<StageInput> {
    let mut drawn = flow.drawn().await;
    drawn.remove(2);
    drawn[1].edges[0].to = "Done".into();
    drawn
}

#[tokio::test]
async fn a_stage_that_holds_tasks_is_not_removed_before_it_is_said_where_they_go() {
    let receiver = Receiver::new(|_, _| Response::status(500)).await;
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    world.deliver().await;
    let (id, drawn) = (flow.stage("Hook").await, without_hook(&flow).await);
    let (field, reason) = refused(flow.save(drawn.clone()).await);
    assert_eq!(field, "stages");
    assert_eq!(
        reason,
        format!("leaves out stage \"Hook\" ({id}), which still holds 1 task; requeue them or name it in moveTasks")
    );
    let moved = |from: &str, to: &str| Save {
        stages: drawn.clone(),
        moves: vec![Move {
            from: from.into(),
            to: to.into(),
        }],
        ..Save::default()
    };
    let id = id.to_string();
    for (from, to, field) in [
        ("Hook", "Done", "moveTasks.0.from"),
        (&id, "Hook", "moveTasks.0.to"),
        (&id, "Start", "moveTasks.0.to"),
    ] {
        assert_eq!(refused(flow.save_whole(moved(from, to)).await).0, field, "{from} {to}");
    }
    flow.save_whole(moved(&id, "Label")).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Label".into(), TaskStatus::Ready));
    assert_eq!(flow.history(&task).await, ["Start", "Label"], "as if requeued");
    assert_eq!(world.notification().await.status, NotificationStatus::Canceled);
    world.after(Duration::from_hours(1)).await;
    assert_eq!(receiver.count(), 1, "the retry is not sent");
    flow.submit(&task).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    let refused = flow.requeue_to(&task, &id).await;
    assert_eq!(invalid(refused.unwrap_err()).1, "was removed from its workflow");
}

#[tokio::test]
async fn who_may_save_and_who_may_say_where_a_stage_sends() {
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(URL)).await;
    let (plain, mut sending) = (flow.drawn().await, flow.drawn().await);
    sending[2].webhook = hook("", URL, &[]).webhook;
    for (role, saves, sends) in [
        (Role::Owner, true, true),
        (Role::Admin, true, true),
        (Role::WorkforceManager, true, false),
        (Role::User, true, false),
        (Role::Worker, false, false),
    ] {
        let actor = world.actor(role).await;
        for (stages, may) in [(&plain, saves), (&sending, sends)] {
            let save = Save {
                stages: stages.clone(),
                ..Save::default()
            };
            let saved = workflow::save(&world.app, &actor, &flow.project_id.to_string(), save).await;
            match may {
                true => drop(saved.unwrap()),
                false => assert!(matches!(saved, Err(Error::Forbidden(_))), "{role:?}: {saved:?}"),
            }
        }
    }
    let types: Vec<StageType> = flow
        .workflow()
        .await
        .stages
        .iter()
        .map(|stage| stage.stage_type)
        .collect();
    assert_eq!(types, [Start, Label, Webhook, Complete]);
}

#[tokio::test]
async fn what_waits_in_memory_for_a_removed_stage_is_not_sent() {
    let receiver = Receiver::holding().await;
    let world = World::new().await;
    let mut drawn = labelled_then_sent(&receiver.url());
    drawn[2].webhook.as_mut().unwrap().settings.max_in_flight = Some(1);
    let flow = Flow::new(&world, drawn).await;
    let tasks = flow.tasks(3).await;
    for task in &tasks {
        flow.submit(task).await.unwrap();
    }
    let app = world.app.clone();
    let delivering = tokio::spawn(async move { labelhook_core::dispatcher::run_until_idle(&app).await });
    receiver.until(1).await;
    let save = Save {
        stages: without_hook(&flow).await,
        moves: vec![Move {
            from: flow.stage("Hook").await.to_string(),
            to: "Done".into(),
        }],
        ..Save::default()
    };
    flow.save_whole(save).await.unwrap();
    receiver.release(10);
    delivering.await.unwrap().unwrap();
    assert_eq!(receiver.count(), 1, "only what was under way");
    assert!(world.app.dispatcher.is_idle());
    for task in &tasks {
        assert_eq!(flow.place(task).await, ("Done".into(), TaskStatus::Done));
    }
}
