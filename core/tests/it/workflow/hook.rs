//! The webhook stage: it fires on entry, and the receiver's answer decides where the task goes.

use super::support::{Flow, hook, labelled_then_sent, stage};
use crate::support::{Receiver, Response, World};
use entity::{NotificationStatus, StageOutput, StageType, TaskStatus};
use labelhook_core::{
    background::workflow_jobs,
    task::{Filter, stage_run},
    workflow,
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_task_that_enters_fires_and_passes_on_when_the_receiver_says_yes() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let task = flow.task().await;
    assert_eq!(flow.place(&task).await, ("Label".into(), TaskStatus::Ready));
    flow.submit(&task).await.unwrap();
    assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Waiting));
    world.deliver().await;
    assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    assert_eq!(receiver.count(), 1);
    assert_eq!(flow.history(&task).await, ["Start", "Label", "Hook"]);
    assert_eq!(
        flow.topics().await,
        ["WORKFLOW_ACTION", "LABEL_CREATED", "WORKFLOW_ACTION", "WORKFLOW_ACTION"]
    );
}

#[tokio::test]
async fn a_task_whose_webhook_is_not_sent_is_held_until_another_address_takes_it() {
    let (deaf, willing) = (Receiver::new(|_, _| Response::status(500)).await, Receiver::ok().await);
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&deaf.url())).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    world.deliver().await;
    for _ in 0..5 {
        assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Waiting));
        world.after(HOUR).await;
    }
    assert_eq!(deaf.count(), 6);
    assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Held));
    let reason = flow.now(&task).await.status_reason.unwrap();
    assert_eq!(
        reason,
        "its webhook was not sent in 6 attempts: the receiver answered 500"
    );
    let id = flow.stage("Hook").await;
    let counts = workflow::counts(&world.app, &[id]).await.unwrap()[&id];
    assert_eq!((counts.tasks, counts.held), (1, 1));
    let held = Filter {
        stage_ids: Some(vec![id]),
        statuses: Some(vec![TaskStatus::Held]),
        ..Filter::default()
    };
    assert_eq!(flow.found(held).await, [task.id]);

    let mut drawn = flow.drawn().await;
    drawn[2].webhook = hook("", &willing.url(), &[]).webhook;
    flow.save(drawn).await.unwrap();
    let run = stage_run::rerun(&world.app, &world.owner, &id.to_string())
        .await
        .unwrap();
    assert_eq!((run.total, run.done), (1, 0));
    workflow_jobs::run_until_idle(&world.app).await.unwrap();
    world.deliver().await;
    assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    let sent = willing.requests();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body, deaf.requests()[0].body, "the same bytes");
    let run = stage_run::run(&world.app, &world.owner, &run.id.to_string())
        .await
        .unwrap();
    assert_eq!((run.total, run.done, run.status.as_str()), (1, 1, "SUCCEEDED"));
    let rows = world.notifications().await;
    assert_eq!(rows[1].redelivery_of, Some(rows[0].id));
    assert_eq!(
        (rows[0].status, rows[1].status),
        (NotificationStatus::Failed, NotificationStatus::Succeeded)
    );
}

#[tokio::test]
async fn a_failure_takes_the_failed_edge_and_every_entry_fires_anew() {
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 400 } else { 200 })).await;
    let world = World::new().await;
    let mut drawn = labelled_then_sent(&receiver.url());
    drawn[2] = hook(
        "Hook",
        &receiver.url(),
        &[(StageOutput::Succeeded, "Done"), (StageOutput::Failed, "Label")],
    );
    drawn[2].webhook.as_mut().unwrap().settings.retry.max_attempts = Some(1);
    drawn.push(stage("Unused", StageType::Archive, &[]));
    drawn[3].name = "Done".into();
    drawn.pop();
    let flow = Flow::new(&world, drawn).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    world.deliver().await;
    assert_eq!(flow.place(&task).await, ("Label".into(), TaskStatus::Ready));
    flow.submit(&task).await.unwrap();
    world.deliver().await;
    assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    assert_eq!(receiver.count(), 2);
    assert_eq!(flow.history(&task).await, ["Start", "Label", "Hook", "Label", "Hook"]);
    assert_eq!(flow.now(&task).await.id, task.id, "the same task");
}
