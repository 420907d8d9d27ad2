//! At the edges: what is deleted, sent twice, or asked for at the same moment.

use harness::Answer;
use serde_json::json;

use super::drawing::{again, shown};
use super::passage::SAVE_TASK;
use super::{REQUEUE, SAVE, SUBMIT, Scene, hook, hook_stage, stage};

#[tokio::test]
async fn a_task_requeued_into_a_first_webhook_stage_fires_as_on_any_entry() {
    let scene = Scene::set().await;
    let data = json!({"stages": [
        stage("Start", "START", &["NEXT Hook"]),
        hook_stage(hook(&scene.receiver, json!({})), &["SUCCEEDED Label"]),
        stage("Label", "LABEL", &["NEXT Done"]),
        stage("Done", "COMPLETE", &[]),
    ]});
    scene.floor.draw(data).await;
    let task = scene.floor.task("tree.jpg").await;
    let stage = scene.floor.stage("Hook").await;
    let requeue = json!({"where": {"ids": [task]}, "data": {"stage": {"connect": {"id": stage}}}});
    scene.app.query(REQUEUE, requeue).await;
    assert_eq!(scene.deliver().await.len(), 1);
    assert_eq!(scene.floor.place(&task).await, "Label READY");
}

#[tokio::test]
async fn a_redelivery_of_what_was_taken_is_sent_and_moves_nothing() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    scene.deliver().await;
    let show =
        "query($id: ID!) {task(where: {id: $id}) {updatedAt stageHistory {stage {name}} notifications {nodes {id}}}}";
    let before = scene.app.query(show, json!({ "id": task })).await["task"].take();
    let redeliver = "mutation($id: ID!) {redeliverNotification(where: {id: $id}) {id}}";
    let id = &before["notifications"]["nodes"][0]["id"];
    scene.app.query(redeliver, json!({ "id": id })).await;
    let received = scene.deliver().await;
    assert_eq!((received.len(), &received[0].body), (2, &received[1].body));
    let after = scene.app.query(show, json!({ "id": task })).await["task"].take();
    assert_eq!(
        (&after["stageHistory"], &after["updatedAt"]),
        (&before["stageHistory"], &before["updatedAt"])
    );
    assert_eq!(scene.floor.place(&task).await, "Done DONE");
}

#[tokio::test]
async fn a_task_whose_data_row_is_deleted_is_gone_and_no_answer_moves_it() {
    let scene = Scene::set().await;
    let hook = scene.draw_hook(json!({})).await;
    scene.receiver.then([Answer::status(500)]);
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    scene.deliver().await;
    let show = "query($id: ID!) {task(where: {id: $id}) {dataRow {id}}}";
    let row = scene.app.query(show, json!({ "id": task })).await["task"]["dataRow"]["id"].take();
    let delete = "mutation($id: ID!) {deleteDataRows(where: {dataRowIds: [$id]}) {id}}";
    scene.app.query(delete, json!({ "id": row })).await;
    scene.later(super::failure::HOUR).await;
    let client = &scene.app.client;
    client
        .expect_error(show, json!({ "id": task }), "RESOURCE_NOT_FOUND")
        .await;
    client
        .expect_error(
            SUBMIT,
            json!({"id": task, "data": {"label": "{}"}}),
            "RESOURCE_NOT_FOUND",
        )
        .await;
    let count = "query($id: ID!) {stage(where: {id: $id}) {taskCount failedTaskCount} tasks {nodes {id}}}";
    let counted = scene.app.query(count, json!({ "id": hook })).await;
    assert_eq!(
        counted,
        json!({"stage": {"taskCount": 0, "failedTaskCount": 0}, "tasks": {"nodes": []}})
    );
}

#[tokio::test]
async fn nobody_works_on_tasks_of_a_deleted_project() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    let task = scene.floor.task("tree.jpg").await;
    let drawn = again(&shown(&scene.floor).await);
    let delete = "mutation($id: ID!) {updateProject(where: {id: $id}, data: {deleted: true}) {id}}";
    scene.app.query(delete, json!({"id": scene.floor.project})).await;
    let client = &scene.app.client;
    for text in [SUBMIT, SAVE_TASK] {
        let answer = json!({"id": task, "data": {"label": "{}"}});
        client.expect_error(text, answer, "OPERATION_NOT_ALLOWED").await;
    }
    let save = json!({"project": scene.floor.project, "data": drawn});
    client.expect_error(SAVE, save, "RESOURCE_NOT_FOUND").await;
    assert!(scene.deliver().await.is_empty());
}

#[tokio::test]
async fn of_saves_that_race_from_one_version_one_wins() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    let seen = again(&shown(&scene.floor).await);
    let save = |name: &str| {
        let mut data = seen.clone();
        data["stages"][1]["name"] = json!(name);
        let variables = json!({"project": scene.floor.project, "data": data});
        let client = scene.app.client.clone();
        async move { client.answer(SAVE, variables).await }
    };
    let (one, other) = tokio::join!(save("One"), save("Other"));
    let mut codes = [one.code(), other.code()];
    codes.sort_unstable();
    assert_eq!(codes, [None, Some("RESOURCE_CONFLICT")]);
    assert_eq!(shown(&scene.floor).await["version"], 3);
}
