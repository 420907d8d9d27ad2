//! The usual cure of held tasks: another address, and the stage is run again.

use harness::deadline::until;
use harness::{Answer, TestApp, TestReceiver};
use serde_json::{Value, json};

use super::drawing::{again, shown};
use super::failure::{HOUR, counts, once};
use super::{Floor, RERUN, Scene, hook, labelled_then_sent};
use crate::desk::{ids, text};

const RUN: &str = "query($id: ID!) {stageRun(where: {id: $id}) {total done status stage {name}}}";

/// Points the webhook stage elsewhere, as an editor does: what was read is saved with one change.
async fn point_to(floor: &Floor, receiver: &TestReceiver) {
    let mut data = again(&shown(floor).await);
    data["stages"][2]["webhook"] = hook(receiver, json!({"secret": null, "url": receiver.url("cured")}));
    floor.draw(data).await;
}

#[tokio::test]
async fn a_held_task_is_seen_and_goes_on_when_another_address_takes_it() {
    let scene = Scene::set().await;
    let hook = scene.draw_hook(json!({})).await;
    scene.receiver.answer(Answer::status(500));
    let (first, second) = (scene.floor.task("1.jpg").await, scene.floor.task("2.jpg").await);
    let waiting = scene.floor.task("3.jpg").await;
    scene.floor.submit(&first).await;
    scene.floor.submit(&second).await;
    scene.deliver().await;
    assert_eq!(
        counts(&scene.floor).await,
        json!([2, 0, null]),
        "it is being tried again"
    );
    for _ in 0..5 {
        scene.later(HOUR).await;
    }
    assert_eq!(scene.receiver.received().len(), 2 * 6);
    assert_eq!(scene.later(24 * HOUR).await.len(), 2 * 6, "it is over");
    let warning = "2 tasks are held because their webhooks were not sent";
    assert_eq!(counts(&scene.floor).await, json!([2, 2, warning]));
    let find = "query($where: TaskWhereInput!) {tasks(where: $where) {nodes {id status statusReason stage {id}}}}";
    let held = scene
        .app
        .query(find, json!({"where": {"stageIds": [hook], "statuses": ["HELD"]}}))
        .await;
    let held = &held["tasks"]["nodes"];
    assert_eq!(ids(held), [&second, &first], "newest first");
    assert_eq!(
        held[0]["statusReason"],
        "its webhook was not sent in 6 attempts: the receiver answered 500"
    );
    for (filter, found) in [
        (json!({"stageIds": [hook], "statuses": ["WAITING"]}), vec![]),
        (json!({"stageIds": [hook], "externalId": "1.jpg"}), vec![&first]),
        (
            json!({"projectIds": [scene.floor.project], "statuses": ["READY"]}),
            vec![&waiting],
        ),
    ] {
        let shown = scene.app.query(find, json!({ "where": filter })).await;
        assert_eq!(ids(&shown["tasks"]["nodes"]), found, "{filter}");
    }

    let cured = TestReceiver::start().await;
    point_to(&scene.floor, &cured).await;
    scene.deliver().await;
    assert_eq!(cured.received().len(), 0, "a new address alone sends nothing");
    let run = scene.app.query(RERUN, json!({ "id": hook })).await["rerunStage"].take();
    assert_eq!(
        (&run["total"], &run["done"], &run["status"], &run["stage"]["name"]),
        (&json!(2), &json!(0), &json!("RUNNING"), &json!("Hook"))
    );
    scene
        .app
        .client
        .expect_error(RERUN, json!({ "id": hook }), "RESOURCE_CONFLICT")
        .await;
    scene.deliver().await;
    let done = json!({"total": 2, "done": 2, "status": "SUCCEEDED", "stage": {"name": "Hook"}});
    assert_eq!(scene.app.query(RUN, json!({"id": run["id"]})).await["stageRun"], done);
    assert_eq!(counts(&scene.floor).await, json!([0, 0, null]));
    for task in [&first, &second] {
        assert_eq!(scene.floor.place(task).await, "Done DONE");
    }
    let (before, after) = (scene.receiver.received(), cured.received());
    assert_eq!((after.len(), after[0].path.as_str()), (2, "/cured"));
    for one in &after {
        let same = before
            .iter()
            .find(|old| old.header("webhook-id") == one.header("webhook-id"));
        assert_eq!(same.expect("the same event").body, one.body, "the same bytes");
    }
}

#[tokio::test]
async fn a_rerun_that_fails_holds_the_tasks_again() {
    let scene = Scene::set().await;
    let hook = scene.draw_hook(once()).await;
    scene.receiver.answer(Answer::status(404));
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    scene.deliver().await;
    let mut runs = Vec::new();
    for _ in 0..2 {
        assert_eq!(scene.floor.place(&task).await, "Hook HELD");
        let run = scene.app.query(RERUN, json!({ "id": hook })).await["rerunStage"].take();
        runs.insert(0, text(&run["id"]));
        scene.deliver().await;
    }
    assert_eq!(scene.receiver.received().len(), 3);
    assert_eq!(
        counts(&scene.floor).await,
        json!([1, 1, "1 task is held because its webhook was not sent"])
    );
    let show =
        "query($id: ID!) {stage(where: {id: $id}) {runs {id status} notifications {nodes {redeliveryOf {id} id}}}}";
    let stage = scene.app.query(show, json!({ "id": hook })).await["stage"].take();
    assert_eq!(ids(&stage["runs"]), runs, "newest first");
    let sent = stage["notifications"]["nodes"].as_array().expect("a list");
    assert_eq!(sent.len(), 3);
    assert_eq!(
        (&sent[0]["redeliveryOf"]["id"], &sent[1]["redeliveryOf"]["id"]),
        (&sent[1]["id"], &sent[2]["id"])
    );
}

#[tokio::test]
async fn a_rerun_comes_as_far_as_its_total_by_itself() {
    const TASKS: i32 = 250;
    let (app, receiver, cured) = (
        TestApp::start().await,
        TestReceiver::start().await,
        TestReceiver::start().await,
    );
    receiver.answer(Answer::status(410));
    let floor = Floor::set(&app.client).await;
    floor.draw(labelled_then_sent(hook(&receiver, once()))).await;
    let make = "mutation($dataset: ID!, $rows: [DataRowInput!]!) {
        createDataRows(data: {dataset: {connect: {id: $dataset}}, dataRows: $rows}) {id}}";
    let rows: Vec<Value> = (0..TASKS)
        .map(|number| json!({"rowData": number.to_string()}))
        .collect();
    app.query(make, json!({"dataset": floor.dataset, "rows": rows})).await;
    let stage = floor.stage("Hook").await;
    let all = json!({"where": {"projectIds": [floor.project]}, "data": {"stage": {"connect": {"id": stage}}}});
    assert_eq!(app.query(super::REQUEUE, all).await["requeueTasks"]["count"], TASKS);
    let breaker = "query($id: ID!) {stage(where: {id: $id}) {webhook {health {breaker}}}}";
    until("the breaker has opened and nothing is under way", || async {
        let seen = app.query(breaker, json!({ "id": stage })).await;
        let held = counts(&floor).await[1].as_u64();
        let is_idle = app.app.dispatcher.is_idle();
        let all = held == Some(receiver.received().len() as u64);
        seen["stage"]["webhook"]["health"]["breaker"] == "OPEN" && is_idle && all
    })
    .await;
    let status = &shown(&floor).await["stages"][2]["webhook"]["status"];
    assert_eq!(status, "ACTIVE", "410 holds the tasks, and a re-run is still possible");

    point_to(&floor, &cured).await;
    let run = app.query(RERUN, json!({ "id": stage })).await["rerunStage"].take();
    let held = receiver.received().len();
    assert_eq!((&run["total"], &run["status"]), (&json!(held), &json!("RUNNING")));
    let id = json!({"id": run["id"]});
    until("the run has come to its end", || async {
        let run = app.query(RUN, id.clone()).await["stageRun"].take();
        assert!(
            run["done"].as_u64() <= Some(held as u64) && run["total"] == held,
            "{run}"
        );
        run["status"] == "SUCCEEDED" && run["done"] == held
    })
    .await;
    cured.wait_for(250).await;
    until("every task is done", || async {
        counts(&floor).await == json!([0, 0, null])
    })
    .await;
    assert_eq!(cured.received().len(), 250, "each once");
}

#[tokio::test]
async fn only_a_webhook_stage_of_its_workflow_is_run_again() {
    let scene = Scene::set().await;
    let hook = scene.draw_hook(json!({})).await;
    let label = scene.floor.stage("Label").await;
    let client = &scene.app.client;
    client
        .expect_error(RERUN, json!({ "id": label }), "OPERATION_NOT_ALLOWED")
        .await;
    client
        .expect_error(RERUN, json!({"id": "unknown"}), "RESOURCE_NOT_FOUND")
        .await;
    let run = client.query(RERUN, json!({ "id": hook })).await["rerunStage"].take();
    assert_eq!(
        (&run["total"], &run["status"]),
        (&json!(0), &json!("SUCCEEDED")),
        "nothing is held"
    );
    scene
        .floor
        .draw(json!({"stages": [
        super::stage("Start", "START", &["NEXT Done"]), super::stage("Done", "COMPLETE", &[])]}))
        .await;
    client
        .expect_error(RERUN, json!({ "id": hook }), "OPERATION_NOT_ALLOWED")
        .await;
}
