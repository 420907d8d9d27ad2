//! Tests of the rights in a workflow, and of the rule for a webhook stage right after START: nothing is sent before
//! somebody who is not a WORKER has assigned its tasks.

use entity::Role;
use harness::{Client, ORGANIZATION};
use serde_json::{Value, json};

use super::drawing::{again, shown};
use super::{ASSIGN, REQUEUE, RERUN, REVIEW, SAVE, SUBMIT, Scene, hook, hook_stage, stage};
use crate::desk::text;

async fn own_id(client: &Client) -> String {
    text(&client.query("{user {id}}", json!({})).await["user"]["id"])
}

/// Returns an assignment of tasks to a user, with a stage or without.
fn assign(tasks: &[&str], to: &str, stage: Option<&str>) -> Value {
    let mut data = json!({"assignee": {"connect": {"id": to}}});
    if let Some(id) = stage {
        data["stage"] = json!({"connect": {"id": id}});
    }
    json!({"where": {"ids": tasks}, "data": data})
}

/// Saves START, WEBHOOK, LABEL, COMPLETE. Returns the id of the webhook stage.
async fn sent_first(scene: &Scene) -> String {
    let data = json!({"stages": [
        stage("Start", "START", &["NEXT Hook"]),
        hook_stage(hook(&scene.receiver, json!({})), &["SUCCEEDED Label"]),
        stage("Label", "LABEL", &["NEXT Done"]),
        stage("Done", "COMPLETE", &[]),
    ]});
    scene.floor.draw(data).await;
    scene.floor.stage("Hook").await
}

#[tokio::test]
async fn a_worker_works_on_tasks_and_steers_nothing() {
    let scene = Scene::set().await;
    let hook = scene.draw_hook(json!({})).await;
    let task = scene.floor.task("tree.jpg").await;
    let worker = scene.app.as_role(ORGANIZATION, Role::Worker).await;
    let before = shown(&scene.floor).await;
    let save = json!({"project": scene.floor.project, "data": again(&before)});
    let requeue = json!({"where": {"ids": [task]}, "data": {"stage": {"connect": {"id": hook}}}});
    let forward = "mutation($id: ID!) {forwardTasks(where: {ids: [$id]}) {count}}";
    for (text, variables) in [
        (SAVE, save),
        (REQUEUE, requeue),
        (RERUN, json!({ "id": hook })),
        (forward, json!({ "id": task })),
    ] {
        worker.expect_error(text, variables, "AUTHORIZATION_ERROR").await;
    }
    assert_eq!(shown(&scene.floor).await, before);
    assert_eq!(scene.floor.place(&task).await, "Label READY");
    worker.query(SUBMIT, json!({"id": task, "data": {"label": "{}"}})).await;
    assert_eq!(scene.floor.place(&task).await, "Hook WAITING");
}

#[tokio::test]
async fn a_worker_sees_the_stages_without_their_webhooks_and_logs() {
    let scene = Scene::set().await;
    let hook = scene.draw_hook(json!({})).await;
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    scene.deliver().await;
    let show = "query($id: ID!) {stage(where: {id: $id}) {name taskCount warning payloadContent webhook {url}}}";
    let hidden = json!({"name": "Hook", "taskCount": 0, "warning": null, "payloadContent": null, "webhook": null});
    let worker = scene.app.as_role(ORGANIZATION, Role::Worker).await;
    assert_eq!(worker.query(show, json!({ "id": hook })).await["stage"], hidden);
    for role in [Role::User, Role::WorkforceManager, Role::Admin] {
        let client = scene.app.as_role(ORGANIZATION, role).await;
        let stage = client.query(show, json!({ "id": hook })).await["stage"].take();
        assert_eq!(stage["webhook"]["url"], scene.receiver.url("hook"), "{role:?}");
    }
    let of_stage = "query($id: ID!) {stage(where: {id: $id}) {notifications {nodes {logLine}}}}";
    worker
        .expect_error(of_stage, json!({ "id": hook }), "AUTHORIZATION_ERROR")
        .await;
    let of_task = "query($id: ID!) {task(where: {id: $id}) {notifications {nodes {logLine}}}}";
    worker
        .expect_error(of_task, json!({ "id": task }), "AUTHORIZATION_ERROR")
        .await;
}

#[tokio::test]
async fn who_may_not_change_webhooks_draws_around_them() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    for role in [Role::User, Role::WorkforceManager] {
        let client = scene.app.as_role(ORGANIZATION, role).await;
        let mut data = again(&shown(&scene.floor).await);
        data["stages"][1]["name"] = json!(format!("Label by {}", role.as_str()));
        client
            .query(SAVE, json!({"project": scene.floor.project, "data": data}))
            .await;
        let before = shown(&scene.floor).await;
        let mut data = again(&before);
        data["stages"][2]["webhook"] = hook(&scene.receiver, json!({"url": "https://example.com/mine"}));
        let variables = json!({"project": scene.floor.project, "data": data});
        client.expect_error(SAVE, variables, "AUTHORIZATION_ERROR").await;
        assert_eq!(shown(&scene.floor).await, before);
    }
}

#[tokio::test]
async fn a_first_webhook_stage_sends_when_its_tasks_are_assigned_to_it() {
    for role in [Role::Owner, Role::Admin, Role::User, Role::WorkforceManager] {
        let scene = Scene::set().await;
        let hook = sent_first(&scene).await;
        let (task, other) = (scene.floor.task("1.jpg").await, scene.floor.task("2.jpg").await);
        assert!(scene.deliver().await.is_empty(), "nothing is sent");
        assert_eq!(scene.floor.place(&task).await, "Hook READY");
        let client = scene.app.as_role(ORGANIZATION, role).await;
        let worker = own_id(&scene.app.as_role(ORGANIZATION, Role::Worker).await).await;
        client.query(ASSIGN, assign(&[&task], &worker, None)).await;
        assert!(scene.deliver().await.is_empty(), "the stage must be named");
        let assigned = client.query(ASSIGN, assign(&[&task], &worker, Some(&hook))).await;
        assert_eq!(assigned["assignTasks"]["count"], 1);
        assert_eq!(scene.floor.place(&task).await, "Hook WAITING");
        assert_eq!(scene.deliver().await.len(), 1, "{role:?}");
        assert_eq!(scene.floor.place(&task).await, "Label READY");
        assert_eq!(scene.floor.place(&other).await, "Hook READY", "it was not assigned");
    }
}

#[tokio::test]
async fn a_worker_takes_a_task_only_when_it_has_passed_its_first_webhook_stage() {
    let scene = Scene::set().await;
    let hook = sent_first(&scene).await;
    let task = scene.floor.task("tree.jpg").await;
    let worker = scene.app.as_role(ORGANIZATION, Role::Worker).await;
    let (me, owner) = (own_id(&worker).await, own_id(&scene.app.client).await);
    for stage in [None, Some(hook.as_str())] {
        worker
            .expect_error(ASSIGN, assign(&[&task], &me, stage), "AUTHORIZATION_ERROR")
            .await;
    }
    assert!(scene.deliver().await.is_empty());
    assert_eq!(scene.floor.place(&task).await, "Hook READY");
    scene.app.query(ASSIGN, assign(&[&task], &owner, Some(&hook))).await;
    worker
        .expect_error(ASSIGN, assign(&[&task], &me, None), "AUTHORIZATION_ERROR")
        .await;
    scene.deliver().await;
    let label = scene.floor.stage("Label").await;
    worker
        .expect_error(ASSIGN, assign(&[&task], &owner, Some(&label)), "AUTHORIZATION_ERROR")
        .await;
    worker.query(ASSIGN, assign(&[&task], &me, Some(&label))).await;
    let show = "query($id: ID!) {task(where: {id: $id}) {assignee {id}}}";
    assert_eq!(
        scene.app.query(show, json!({ "id": task })).await["task"]["assignee"]["id"],
        me
    );
    let mine = "query($me: ID!) {tasks(where: {assigneeIds: [$me]}) {nodes {id}}}";
    assert_eq!(
        worker.query(mine, json!({ "me": me })).await["tasks"]["nodes"],
        json!([{ "id": task }])
    );
}

#[tokio::test]
async fn a_task_of_somebody_else_is_not_a_workers_to_work_on() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    let task = scene.floor.task("tree.jpg").await;
    let owner = own_id(&scene.app.client).await;
    scene.app.query(ASSIGN, assign(&[&task], &owner, None)).await;
    let worker = scene.app.as_role(ORGANIZATION, Role::Worker).await;
    let me = own_id(&worker).await;
    let answer = json!({"id": task, "data": {"label": "{}"}});
    worker.expect_error(SUBMIT, answer.clone(), "AUTHORIZATION_ERROR").await;
    worker
        .expect_error(ASSIGN, assign(&[&task], &me, None), "AUTHORIZATION_ERROR")
        .await;
    assert_eq!(scene.floor.place(&task).await, "Label READY");
    scene.app.query(SUBMIT, answer).await;
}

#[tokio::test]
async fn an_assignment_that_cannot_be_is_refused_whole() {
    let scene = Scene::set().await;
    let hook = scene.draw_hook(json!({})).await;
    let (ready, done) = (scene.floor.task("1.jpg").await, scene.floor.task("2.jpg").await);
    scene.floor.submit(&done).await;
    scene.deliver().await;
    let owner = own_id(&scene.app.client).await;
    let client = &scene.app.client;
    client
        .expect_error(ASSIGN, assign(&[&ready], &owner, Some(&hook)), "RESOURCE_CONFLICT")
        .await;
    client
        .expect_error(ASSIGN, assign(&[&ready, &done], &owner, None), "OPERATION_NOT_ALLOWED")
        .await;
    client
        .expect_error(ASSIGN, assign(&[&ready], "unknown", None), "RESOURCE_NOT_FOUND")
        .await;
    client
        .expect_error(
            REVIEW,
            json!({"id": done, "data": {"outcome": "APPROVED"}}),
            "OPERATION_NOT_ALLOWED",
        )
        .await;
    let show = "query($id: ID!) {task(where: {id: $id}) {assignee {id}}}";
    assert!(client.query(show, json!({ "id": ready })).await["task"]["assignee"].is_null());
}
