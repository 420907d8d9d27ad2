//! Tests of the effect of a receiver's answer on a task, when other changes happen meanwhile.

use super::support::{Flow, failing_to, hook, labelled_then_sent, once};
use crate::support::{Receiver, Response, World};
use entity::{NotificationStatus, StageOutput::*, TaskStatus, WebhookStatus, task as tasks, webhook};
use labelhook_core::{Error, Result, dispatcher, notification, workflow};
use sea_orm::EntityTrait;
use std::time::Duration;
use tokio::task::JoinHandle;

const HOUR: Duration = Duration::from_hours(1);

fn delivering(world: &World) -> JoinHandle<Result<()>> {
    let app = world.app.clone();
    tokio::spawn(async move { dispatcher::run_until_idle(&app).await })
}

/// Returns a task that waits in its webhook stage.
async fn sent(flow: &Flow<'_>) -> tasks::Model {
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    task
}

#[tokio::test]
async fn a_failure_goes_on_back_or_round_by_the_edge_that_is_drawn() {
    for (failed, place) in [("Done", TaskStatus::Done), ("Label", TaskStatus::Ready)] {
        let receiver = Receiver::new(|_, _| Response::status(500)).await;
        let world = World::new().await;
        let flow = Flow::new(&world, failing_to(&receiver.url(), failed)).await;
        let task = sent(&flow).await;
        world.deliver().await;
        assert_eq!(flow.place(&task).await, (failed.into(), place));
        assert_eq!(flow.moves().await[2], ("Hook".into(), failed.into(), None));
    }
}

#[tokio::test]
async fn a_failure_that_leads_into_its_own_stage_fires_until_the_guard_holds_the_task() {
    let receiver = Receiver::new(|_, _| Response::status(500)).await;
    let world = World::new().await;
    let flow = Flow::plain(&world).await;
    let save = workflow::Save {
        stages: failing_to(&receiver.url(), "Hook"),
        max_passes: Some(3),
        ..workflow::Save::default()
    };
    flow.save_whole(save).await.unwrap();
    let task = sent(&flow).await;
    world.deliver().await;
    assert_eq!(receiver.count(), 3);
    let now = flow.now(&task).await;
    assert_eq!(now.status, TaskStatus::Held);
    assert_eq!(
        now.status_reason.as_deref(),
        Some("entered the stage more than 3 times (maxPasses)")
    );
    assert_eq!(flow.history(&task).await, ["Start", "Label", "Hook", "Hook", "Hook"]);
    flow.requeue(&task, "Label").await.unwrap();
    flow.submit(&task).await.unwrap();
    world.deliver().await;
    assert_eq!((receiver.count(), flow.now(&task).await.status), (3, TaskStatus::Held));
}

#[tokio::test]
async fn a_held_task_says_why() {
    let world = World::new().await;
    for (status, reason) in [
        (302, "its webhook was not sent: the receiver answered 302"),
        (410, "its webhook was not sent: the receiver answered 410"),
        (413, "its webhook was not sent: the receiver answered 413"),
    ] {
        let receiver = Receiver::new(move |_, _| Response::status(status)).await;
        let mut drawn = labelled_then_sent(&receiver.url());
        drawn[2] = once(drawn[2].clone());
        let flow = Flow::new(&world, drawn).await;
        let task = sent(&flow).await;
        world.deliver().await;
        let now = flow.now(&task).await;
        assert_eq!(
            (now.status, now.status_reason.as_deref()),
            (TaskStatus::Held, Some(reason))
        );
        let hooks = webhook::Entity::find().all(world.app.db.read()).await.unwrap();
        assert!(
            hooks.iter().all(|hook| hook.status == WebhookStatus::Active),
            "a 410 revokes none"
        );
        let id = flow.stage("Hook").await;
        let counts = workflow::counts(&world.app, &[id]).await.unwrap()[&id];
        let stage = flow.workflow().await.stages[2].clone();
        let warning = workflow::warning(&stage, counts).unwrap();
        assert_eq!(warning, "1 task is held because its webhook was not sent");
    }
    let gone = Receiver::ok().await.url();
    let private = gone.replace("127.0.0.1", "10.0.0.1");
    for (url, reason) in [
        (gone, "not reached: CONNECT"),
        (private, "not reached: BLOCKED_ADDRESS"),
    ] {
        let mut drawn = labelled_then_sent(&url);
        drawn[2] = once(drawn[2].clone());
        let flow = Flow::new(&world, drawn).await;
        let task = sent(&flow).await;
        world.deliver().await;
        let why = flow.now(&task).await.status_reason.unwrap();
        assert!(why.starts_with("its webhook was not sent: the receiver was "), "{why}");
        assert!(why.ends_with(reason), "{why}");
    }
}

#[tokio::test]
async fn after_a_410_the_next_task_is_sent_all_the_same() {
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 410 } else { 200 })).await;
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let first = sent(&flow).await;
    world.deliver().await;
    let second = sent(&flow).await;
    world.deliver().await;
    assert_eq!(flow.place(&first).await, ("Hook".into(), TaskStatus::Held));
    assert_eq!(flow.place(&second).await, ("Done".into(), TaskStatus::Done));
}

#[tokio::test]
async fn a_held_task_is_moved_by_a_redelivery_and_held_again_by_its_cancellation() {
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 410 } else { 200 })).await;
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let task = sent(&flow).await;
    world.deliver().await;
    let failed = world.notification().await.id.to_string();
    let again = notification::redeliver(&world.app, &world.owner, &failed)
        .await
        .unwrap();
    assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Waiting));
    notification::cancel(&world.app, &world.owner, &again.id.to_string())
        .await
        .unwrap();
    let now = flow.now(&task).await;
    assert_eq!(
        (now.status, now.status_reason.as_deref()),
        (TaskStatus::Held, Some("its webhook was canceled"))
    );
    notification::redeliver(&world.app, &world.owner, &again.id.to_string())
        .await
        .unwrap();
    world.deliver().await;
    assert_eq!((flow.place(&task).await.0, receiver.count()), ("Done".into(), 2));
    notification::redeliver(&world.app, &world.owner, &failed)
        .await
        .unwrap();
    world.deliver().await;
    assert_eq!(flow.history(&task).await, ["Start", "Label", "Hook"], "it moves once");
}

#[tokio::test]
async fn a_late_answer_does_not_move_a_task_that_was_requeued_meanwhile() {
    for back in ["Label", "Hook"] {
        let receiver = Receiver::holding().await;
        let world = World::new().await;
        let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
        let task = sent(&flow).await;
        let running = delivering(&world);
        receiver.until(1).await;
        flow.requeue(&task, back).await.unwrap();
        receiver.release(1);
        if back == "Hook" {
            receiver.until(2).await;
            assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Waiting));
            receiver.release(1);
        }
        running.await.unwrap().unwrap();
        let rows = world.notifications().await;
        assert_eq!(
            (rows[0].status, rows[0].response_code),
            (NotificationStatus::Canceled, Some(200))
        );
        let place = if back == "Hook" { "Done" } else { "Label" };
        assert_eq!(flow.place(&task).await.0, place);
    }
}

#[tokio::test]
async fn requeueing_a_task_that_waits_for_a_retry_cancels_it() {
    let receiver = Receiver::new(|_, _| Response::status(500)).await;
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let task = sent(&flow).await;
    world.deliver().await;
    flow.requeue(&task, "Label").await.unwrap();
    let row = world.notification().await;
    assert_eq!((row.status, row.due_at), (NotificationStatus::Canceled, None));
    world.after(HOUR).await;
    assert_eq!((receiver.count(), flow.place(&task).await.0), (1, "Label".into()));
}

#[tokio::test]
async fn a_workflow_saved_while_a_request_is_in_flight_decides_by_its_new_edges() {
    let receiver = Receiver::holding().await;
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let task = sent(&flow).await;
    let running = delivering(&world);
    receiver.until(1).await;
    let mut drawn = flow.drawn().await;
    drawn.push(super::support::stage("Aside", entity::StageType::Archive, &[]));
    drawn[2].edges = hook("", "", &[(Succeeded, "Aside"), (Failed, "Done")]).edges;
    flow.save(drawn).await.unwrap();
    receiver.release(1);
    running.await.unwrap().unwrap();
    assert_eq!(flow.place(&task).await, ("Aside".into(), TaskStatus::Done));
}

#[tokio::test]
async fn an_answer_that_was_not_recorded_before_the_end_fires_again_and_moves_once() {
    let receiver = Receiver::holding().await;
    let world = World::new().await;
    let (task, project_id) = {
        let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
        (sent(&flow).await, flow.project_id)
    };
    let running = delivering(&world);
    receiver.until(1).await;
    running.abort();
    running.await.unwrap_err();
    receiver.release(2);
    let world = world.restart().await;
    let flow = Flow {
        world: &world,
        project_id,
        dataset: String::new(),
    };
    assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Waiting));
    world.deliver().await;
    assert_eq!(flow.place(&task).await, ("Done".into(), TaskStatus::Done));
    assert_eq!(flow.history(&task).await, ["Start", "Label", "Hook"]);
    let sent = receiver.requests();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].headers["webhook-id"], sent[1].headers["webhook-id"]);
}

#[tokio::test]
async fn the_webhook_of_a_deleted_data_row_is_sent_and_moves_nothing() {
    let receiver = Receiver::holding().await;
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let task = sent(&flow).await;
    let running = delivering(&world);
    receiver.until(1).await;
    let row = task.data_row_id.to_string();
    labelhook_core::data_row::delete(&world.app, &world.owner, &[row])
        .await
        .unwrap();
    receiver.release(1);
    running.await.unwrap().unwrap();
    assert_eq!(world.notification().await.status, NotificationStatus::Succeeded);
    assert_eq!(flow.history(&task).await, ["Start", "Label"]);
    let refused = flow.submit(&task).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
}
