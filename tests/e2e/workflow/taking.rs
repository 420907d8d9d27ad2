//! Tests of the submissions that a stage accepts, and of those that it refuses.

use serde_json::json;

use super::passage::{SAVE_TASK, reviewed};
use super::{REVIEW, SUBMIT, Scene};

#[tokio::test]
async fn what_a_stage_does_not_take_is_refused_and_moves_nothing() {
    let scene = Scene::set().await;
    scene.floor.draw(reviewed(&scene.receiver, json!({}))).await;
    let task = scene.floor.task("tree.jpg").await;
    let client = &scene.app.client;
    let answer = json!({"id": task, "data": {"label": "{}"}});
    let review = json!({"id": task, "data": {"outcome": "APPROVED"}});
    client
        .expect_error(REVIEW, review.clone(), "OPERATION_NOT_ALLOWED")
        .await;
    let empty = client
        .expect_error(SUBMIT, json!({"id": task, "data": {}}), "BAD_USER_INPUT")
        .await;
    assert_eq!(empty["extensions"]["field"], "label");
    let elsewhere = json!({"label": "{}", "stage": {"connect": {"id": scene.floor.stage("Review").await}}});
    client
        .expect_error(SUBMIT, json!({"id": task, "data": elsewhere}), "RESOURCE_CONFLICT")
        .await;
    let negative = client
        .expect_error(
            SUBMIT,
            json!({"id": task, "data": {"label": "{}", "durationMs": -1}}),
            "BAD_USER_INPUT",
        )
        .await;
    assert_eq!(negative["extensions"]["field"], "durationMs");
    assert_eq!(scene.floor.place(&task).await, "Label READY");

    client.query(SUBMIT, answer.clone()).await;
    for text in [SUBMIT, SAVE_TASK] {
        client.expect_error(text, answer.clone(), "OPERATION_NOT_ALLOWED").await;
    }
    client.expect_error(REVIEW, review, "OPERATION_NOT_ALLOWED").await;
    assert_eq!(scene.floor.place(&task).await, "Hook WAITING");
    assert_eq!(scene.deliver().await.len(), 1);
}

#[tokio::test]
async fn of_submits_that_race_one_wins() {
    let scene = Scene::set().await;
    scene.floor.draw(reviewed(&scene.receiver, json!({}))).await;
    let task = scene.floor.task("tree.jpg").await;
    let stage = scene.floor.stage("Label").await;
    let variables = json!({"id": task, "data": {"label": "{}", "stage": {"connect": {"id": stage}}}});
    let submit = || scene.app.client.answer(SUBMIT, variables.clone());
    let (one, other, third) = tokio::join!(submit(), submit(), submit());
    let mut codes: Vec<_> = [&one, &other, &third].iter().map(|answer| answer.code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [None, Some("RESOURCE_CONFLICT"), Some("RESOURCE_CONFLICT")]);
    assert_eq!(scene.deliver().await.len(), 1, "and it fires once");
}

#[tokio::test]
async fn a_label_that_is_submitted_beside_the_workflow_moves_no_task() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    let task = scene.floor.task("tree.jpg").await;
    let show = "query($id: ID!) {task(where: {id: $id}) {dataRow {id} label {id}}}";
    let row = scene.app.query(show, json!({ "id": task })).await["task"]["dataRow"]["id"].take();
    let make = "mutation($row: ID!, $project: ID!) {createLabel(data: {label: \"{}\", dataRow: {connect: {id: $row}},
        project: {connect: {id: $project}}}) {id}}";
    scene
        .app
        .query(make, json!({"row": row, "project": scene.floor.project}))
        .await;
    assert!(scene.deliver().await.is_empty());
    assert_eq!(scene.floor.place(&task).await, "Label READY");
    assert!(scene.app.query(show, json!({ "id": task })).await["task"]["label"].is_null());
}
