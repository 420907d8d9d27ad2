//! A receiver that does not take its tasks: they are held, or take the FAILED edge. [`super::rerun`] has the cure.

use std::time::Duration;

use harness::deadline::until;
use harness::{Answer, Gate, TestApp, TestReceiver};
use serde_json::{Value, json};

use super::drawing::{again, shown};
use super::{Floor, Scene, edge, hook, labelled_then_sent};
use crate::desk::text;

pub const HOUR: Duration = Duration::from_secs(3_600);

/// One request and no more.
pub fn once() -> Value {
    json!({"retryPolicy": {"maxAttempts": 1}})
}

/// Tasks, held tasks and warning of the webhook stage.
pub async fn counts(floor: &Floor) -> Value {
    let stage = &shown(floor).await["stages"][2];
    json!([stage["taskCount"], stage["failedTaskCount"], stage["warning"]])
}

#[tokio::test]
async fn a_connected_failure_takes_its_edge_forward_back_or_aside() {
    for (to, place) in [
        ("Done", "Done DONE"),
        ("Label", "Label READY"),
        ("Failed files", "Failed files HELD"),
    ] {
        let scene = Scene::set().await;
        scene.receiver.answer(Answer::status(302));
        let mut data = labelled_then_sent(hook(&scene.receiver, once()));
        let stages = data["stages"].as_array_mut().expect("a list");
        stages[2]["edges"] = json!([edge("SUCCEEDED Done"), edge(&format!("FAILED {to}"))]);
        if to == "Failed files" {
            stages.push(super::stage(to, "HOLD", &["NEXT Hook"]));
        }
        scene.floor.draw(data).await;
        let task = scene.floor.task("tree.jpg").await;
        scene.floor.submit(&task).await;
        scene.deliver().await;
        assert_eq!(scene.floor.place(&task).await, place);
        assert_eq!(counts(&scene.floor).await, json!([0, 0, null]), "{to}");
        if to != "Failed files" {
            continue;
        }
        scene.receiver.answer(Answer::status(204));
        let forward = "mutation($id: ID!) {forwardTasks(where: {ids: [$id]}) {count tasks {nodes {id status}}}}";
        let forwarded = scene.app.query(forward, json!({ "id": task })).await["forwardTasks"].take();
        assert_eq!(
            forwarded,
            json!({"count": 1, "tasks": {"nodes": [{"id": task, "status": "WAITING"}]}})
        );
        scene.deliver().await;
        assert_eq!(scene.floor.place(&task).await, "Done DONE");
    }
}

#[tokio::test]
async fn a_task_that_goes_round_and_round_is_held_with_a_reason() {
    let scene = Scene::set().await;
    scene.receiver.answer(Answer::status(500));
    let mut data = labelled_then_sent(hook(&scene.receiver, once()));
    data["maxPasses"] = json!(3);
    data["stages"][2]["edges"] = json!([edge("SUCCEEDED Done"), edge("FAILED Hook")]);
    scene.floor.draw(data).await;
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    assert_eq!(scene.deliver().await.len(), 3);
    let show = "query($id: ID!) {task(where: {id: $id}) {status statusReason stage {name}}}";
    let shown = scene.app.query(show, json!({ "id": task })).await["task"].take();
    let reason = "entered the stage more than 3 times (maxPasses)";
    assert_eq!(
        shown,
        json!({"status": "HELD", "statusReason": reason, "stage": {"name": "Hook"}})
    );
}

#[tokio::test]
async fn one_notification_is_sent_again_or_stopped_by_hand() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    scene.receiver.then([Answer::status(500)]);
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    scene.deliver().await;
    let newest = "query($id: ID!) {task(where: {id: $id}) {statusReason notifications(first: 1) {nodes {id}}}}";
    let shown = scene.app.query(newest, json!({ "id": task })).await["task"].take();
    let id = &shown["notifications"]["nodes"][0]["id"];
    let cancel = "mutation($id: ID!) {cancelNotification(where: {id: $id}) {status}}";
    scene.app.query(cancel, json!({ "id": id })).await;
    assert_eq!(scene.floor.place(&task).await, "Hook HELD");
    let shown = scene.app.query(newest, json!({ "id": task })).await["task"].take();
    assert_eq!(shown["statusReason"], "its webhook was canceled");
    let again = "mutation($id: ID!) {redeliverNotification(where: {id: $id}) {id}}";
    scene.app.query(again, json!({ "id": id })).await;
    assert_eq!(scene.floor.place(&task).await, "Hook WAITING");
    assert_eq!(scene.deliver().await.len(), 2);
    assert_eq!(scene.floor.place(&task).await, "Done DONE");
}

#[tokio::test]
async fn a_task_that_was_taken_away_is_not_moved_by_a_late_answer() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    scene.receiver.then([Answer::status(500)]);
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    scene.deliver().await;
    let label = scene.floor.stage("Label").await;
    let requeue = json!({"where": {"ids": [task]}, "data": {"stage": {"connect": {"id": label}}}});
    scene.app.query(super::REQUEUE, requeue).await;
    assert_eq!(scene.later(HOUR).await.len(), 1, "nobody waits for it any more");
    assert_eq!(scene.floor.place(&task).await, "Label READY");
    let show = "query($id: ID!) {task(where: {id: $id}) {stageHistory {stage {name}} notifications {nodes {status}}}}";
    let shown = scene.app.query(show, json!({ "id": task })).await["task"].take();
    assert_eq!(shown["notifications"]["nodes"], json!([{"status": "CANCELED"}]));
    let names: Vec<_> = shown["stageHistory"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|visit| text(&visit["stage"]["name"]))
        .collect();
    assert_eq!(names, ["Start", "Label"], "a requeue writes no history");
}

#[tokio::test]
async fn a_stage_that_is_removed_while_it_retries_sends_no_more_and_its_tasks_go_on() {
    let scene = Scene::set().await;
    let hook = scene.draw_hook(json!({})).await;
    scene.receiver.answer(Answer::status(500));
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    scene.deliver().await;
    let mut data = again(&shown(&scene.floor).await);
    data["stages"].as_array_mut().expect("a list").remove(2);
    data["stages"][1]["edges"][0]["to"] = json!("Done");
    data["moveTasks"] = json!([{"from": hook, "to": "Done"}]);
    scene.floor.draw(data).await;
    assert_eq!(scene.later(24 * HOUR).await.len(), 1, "nobody waits for it any more");
    assert_eq!(scene.floor.place(&task).await, "Done DONE");
    let show = "query($id: ID!) {task(where: {id: $id}) {notifications {nodes {status stage {name removed} webhook {status}}}}}";
    let shown = scene.app.query(show, json!({ "id": task })).await["task"].take();
    let canceled =
        json!([{"status": "CANCELED", "stage": {"name": "Hook", "removed": true}, "webhook": {"status": "INACTIVE"}}]);
    assert_eq!(shown["notifications"]["nodes"], canceled, "it is still on record");
}

#[tokio::test]
async fn an_answer_takes_the_edge_of_the_workflow_as_it_is_when_it_comes() {
    let (app, receiver, gate) = (TestApp::start().await, TestReceiver::start().await, Gate::default());
    receiver.answer(Answer::status(200).behind(&gate));
    let floor = Floor::set(&app.client).await;
    floor.draw(labelled_then_sent(hook(&receiver, json!({})))).await;
    let task = floor.task("tree.jpg").await;
    floor.submit(&task).await;
    receiver.wait_for(1).await;
    let mut data = again(&shown(&floor).await);
    data["stages"]
        .as_array_mut()
        .expect("a list")
        .push(super::stage("Aside", "ARCHIVE", &[]));
    data["stages"][2]["edges"] = json!([edge("SUCCEEDED Aside"), edge("FAILED Done")]);
    floor.draw(data).await;
    gate.open();
    until("the task has moved", || async {
        floor.place(&task).await == "Aside DONE"
    })
    .await;
    assert_eq!(receiver.received().len(), 1);
}
