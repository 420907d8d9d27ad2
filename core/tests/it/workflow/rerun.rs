//! Running a stage again: for every task that it holds, in steps, with the stage's settings as they are now.

use super::support::{Flow, hook, labelled_then_sent, once};
use crate::support::{Receiver, Response, World};
use entity::{NotificationStatus, PayloadFormat, ReplayStatus, TaskStatus, event, stage_run};
use labelhook_core::{
    Error, Result,
    background::workflow_jobs,
    task,
    workflow::{self, StageInput},
};
use sea_orm::EntityTrait;
use std::time::Duration;

/// Failures that open no breaker.
const FEW: usize = 9;

/// START → LOGIC → WEBHOOK, with one attempt, which is what is drawn third.
fn drawing(receiver: &Receiver) -> Vec<StageInput> {
    let mut drawn = labelled_then_sent(&receiver.url());
    drawn[2] = once(drawn[2].clone());
    drawn[0].edges[0].to = "Rule".into();
    drawn[1].edges[0].to = "Done".into();
    drawn.push(super::support::rule("Rule", &[("false", "Label")], "Hook"));
    drawn
}

/// A flow whose webhook stage holds so many tasks, because this receiver took none. They come a few at a time, with
/// enough time between them for the breaker to stay closed.
async fn holding<'w>(world: &'w World, receiver: &Receiver, count: usize) -> Flow<'w> {
    let before = receiver.count();
    let flow = Flow::new(world, drawing(receiver)).await;
    for some in std::iter::repeat_n(FEW, count / FEW).chain([count % FEW]) {
        if some > 0 {
            flow.tasks(some).await;
        }
        world.after(Duration::from_secs(600)).await;
    }
    assert_eq!(receiver.count() - before, count);
    flow
}

async fn rerun(flow: &Flow<'_>) -> Result<stage_run::Model> {
    let id = flow.stage("Hook").await.to_string();
    task::stage_run::rerun(&flow.world.app, &flow.world.owner, &id).await
}

async fn look(world: &World, run: &stage_run::Model) -> stage_run::Model {
    task::stage_run::run(&world.app, &world.owner, &run.id.to_string())
        .await
        .unwrap()
}

async fn point_to(flow: &Flow<'_>, url: &str, format: Option<PayloadFormat>) {
    let mut drawn = flow.drawn().await;
    drawn[2].webhook = hook("", url, &[]).webhook;
    drawn[2].webhook.as_mut().unwrap().settings.payload_format = format;
    flow.save(drawn).await.unwrap();
}

#[tokio::test]
async fn many_held_tasks_are_sent_again_in_steps_that_survive_a_restart() {
    let (deaf, willing) = (Receiver::new(|_, _| Response::status(500)).await, Receiver::ok().await);
    let world = World::new().await;
    let flow = holding(&world, &deaf, 450).await;
    let project_id = flow.project_id;
    point_to(&flow, &willing.url(), None).await;
    let run = rerun(&flow).await.unwrap();
    assert_eq!((run.total, run.done, run.status), (450, 0, ReplayStatus::Running));
    let twice = rerun(&flow).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
    let app = world.app.clone();
    let working = tokio::spawn(async move { workflow_jobs::run_until_idle(&app).await });
    while look(&world, &run).await.done == 0 {
        tokio::task::yield_now().await;
    }
    working.abort();
    working.await.ok();
    let world = world.restart().await;
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    let run = look(&world, &run).await;
    assert_eq!((run.total, run.done, run.status), (450, 450, ReplayStatus::Succeeded));
    world.deliver().await;
    assert_eq!((deaf.count(), willing.count()), (450, 450), "each once");
    let flow = Flow {
        world: &world,
        project_id,
        dataset: String::new(),
    };
    for task in flow.all().await {
        assert_eq!(task.status, TaskStatus::Done);
    }
    let after = rerun(&flow).await.unwrap();
    assert_eq!(
        (after.total, after.status),
        (0, ReplayStatus::Succeeded),
        "nothing is held"
    );
}

#[tokio::test]
async fn a_step_sends_two_hundred() {
    let deaf = Receiver::new(|number, _| Response::status(if number < 201 { 500 } else { 200 })).await;
    let world = World::new().await;
    let flow = holding(&world, &deaf, 201).await;
    let run = rerun(&flow).await.unwrap();
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    assert_eq!(world.status_count(NotificationStatus::Failed).await, 201);
    assert_eq!(look(&world, &run).await.done, 201);
    world.deliver().await;
    assert_eq!(deaf.count(), 402);
    for task in flow.all().await {
        assert_eq!(task.status, TaskStatus::Done);
    }
}

#[tokio::test]
async fn another_format_is_rendered_afresh_and_the_same_one_is_not() {
    let (deaf, willing) = (Receiver::new(|_, _| Response::status(500)).await, Receiver::ok().await);
    let world = World::new().await;
    let flow = holding(&world, &deaf, 2).await;
    point_to(&flow, &willing.url(), Some(PayloadFormat::V7)).await;
    rerun(&flow).await.unwrap();
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    world.deliver().await;
    let (old, new) = (deaf.requests(), willing.requests());
    assert_eq!(new.len(), 2);
    let body: serde_json::Value = serde_json::from_slice(&new[0].body).unwrap();
    assert_eq!(body["version"], "2.0", "{body}");
    let mut ids = [old, new].map(|sent| {
        sent.iter()
            .map(|one| one.headers["webhook-id"].clone())
            .collect::<Vec<_>>()
    });
    ids.iter_mut().for_each(|ids| ids.sort());
    assert_eq!(ids[0], ids[1], "the same events");
    assert_eq!(world.number("SELECT count(*) FROM payload").await, 4);
}

#[tokio::test]
async fn a_task_that_leaves_meanwhile_is_not_sent() {
    let deaf = Receiver::new(|number, _| Response::status(if number < 3 { 500 } else { 200 })).await;
    let world = World::new().await;
    let flow = holding(&world, &deaf, 3).await;
    let run = rerun(&flow).await.unwrap();
    let tasks = flow.all().await;
    flow.requeue(&tasks[1], "Label").await.unwrap();
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    world.deliver().await;
    assert_eq!(deaf.count(), 5);
    let run = look(&world, &run).await;
    assert_eq!((run.total, run.done, run.status), (3, 2, ReplayStatus::Succeeded));
    assert_eq!(flow.place(&tasks[1]).await.0, "Label");
}

#[tokio::test]
async fn only_a_webhook_stage_that_is_there_runs_again() {
    let deaf = Receiver::new(|_, _| Response::status(500)).await;
    let world = World::new().await;
    let flow = holding(&world, &deaf, 1).await;
    let (owner, label) = (&world.owner, flow.stage("Label").await.to_string());
    let refused = task::stage_run::rerun(&world.app, owner, &label).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    let unknown = task::stage_run::rerun(&world.app, owner, "7").await;
    assert!(matches!(unknown, Err(Error::NotFound { .. })), "{unknown:?}");
    let worker = world.actor(entity::Role::Worker).await;
    let id = flow.stage("Hook").await.to_string();
    let refused = task::stage_run::rerun(&world.app, &worker, &id).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let run = rerun(&flow).await.unwrap();
    let mut drawn = flow.drawn().await;
    drawn.remove(2);
    drawn[3].edges[1].to = "Label".into();
    let save = workflow::Save {
        stages: drawn,
        moves: vec![workflow::Move {
            from: id.clone(),
            to: "Label".into(),
        }],
        ..workflow::Save::default()
    };
    flow.save_whole(save).await.unwrap();
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    assert_eq!(look(&world, &run).await.status, ReplayStatus::Failed);
    let removed = task::stage_run::rerun(&world.app, owner, &id).await;
    assert!(matches!(removed, Err(Error::NotAllowed(_))), "{removed:?}");
    world.deliver().await;
    assert_eq!(deaf.count(), 1);
}

#[tokio::test]
async fn a_run_that_meets_a_fault_holds_up_no_other() {
    let deaf = Receiver::new(|number, _| Response::status(if number < 2 { 500 } else { 200 })).await;
    let world = World::new().await;
    let broken = holding(&world, &deaf, 1).await;
    let whole = holding(&world, &deaf, 1).await;
    let event_id = broken.all().await[0].event_id.unwrap();
    world
        .write(move |txn| {
            Box::pin(async move {
                event::Entity::delete_by_id(event_id).exec(txn.conn()).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    let runs = (rerun(&broken).await.unwrap(), rerun(&whole).await.unwrap());
    let fault = workflow_jobs::run_until_idle(&world.app).await;
    assert!(matches!(fault, Err(Error::Internal(_))), "{fault:?}");
    assert_eq!(
        look(&world, &runs.0).await.status,
        ReplayStatus::Running,
        "to be tried again"
    );
    assert_eq!(look(&world, &runs.1).await.status, ReplayStatus::Succeeded);
    world.deliver().await;
    assert_eq!(whole.all().await[0].status, TaskStatus::Done);
}
