//! Tests of LOGIC stages: the names that a condition may use, their types, and the edge that is taken.

use serde_json::json;

use super::{SUBMIT, Scene, stage};

/// Conditions that are true of the task that [`goes`] creates.
const TRUE: [&str; 14] = [
    "task.externalId == 'tree.jpg' && task.rowData == 'https://example.com/tree.jpg'",
    "task.metadata.width > 4000 && task.metadata.width == 4001.0",
    "has(task.metadata.width) && !has(task.metadata.height)",
    "task.dataset == 'Drone'",
    "'first' in task.batches && size(task.batches) == 1",
    "task.from == 'Label' && task.visits == 2",
    "task.durationMs == 3549 && task.idleMs == 20 && task.blurMs == 10",
    "task.createdAt.startsWith('2027-01-15T08:00:00')",
    "task.id != '' && project.id != task.id",
    "project.name == 'Trees' && project.description == null",
    "label.tools.exists(tool, tool.title == 'Tree')",
    "label.tools[0].title.matches('^T.e+$')",
    "label.missing == 1 || true",
    "!(label.missing == 1 && false)",
];

/// Conditions that compile and do not match: they are false or fail.
const NO_MATCH: [&str; 6] = [
    "label.tools.size() == 2",
    "label.missing == 1",
    "!(label.missing == 1)",
    "has(label.missing.deeper)",
    "3 + 3.0 == 6.0",
    "task.externalId",
];

/// Sends a task through a LOGIC stage with this condition. Returns its place as `Stage STATUS`.
async fn goes(condition: &str) -> String {
    let scene = Scene::set().await;
    let mut rule = stage("Rule", "LOGIC", &["MATCHED Matched", "ELSE Else"]);
    rule["edges"][0]["condition"] = json!(condition);
    let data = json!({"stages": [
        stage("Start", "START", &["NEXT Label"]),
        stage("Label", "LABEL", &["NEXT Rule"]),
        rule,
        stage("Matched", "COMPLETE", &[]),
        stage("Else", "ARCHIVE", &[]),
    ]});
    scene.floor.draw(data).await;
    let row = json!({"rowData": "https://example.com/tree.jpg", "externalId": "tree.jpg", "metadata": {"width": 4001}});
    let task = scene.floor.task_of(row).await;
    scene.floor.batch(&task, "first").await;
    let answer =
        json!({"label": "{\"tools\": [{\"title\": \"Tree\"}]}", "durationMs": 3_549, "idleMs": 20, "blurMs": 10});
    scene.app.query(SUBMIT, json!({"id": task, "data": answer})).await;
    scene.floor.place(&task).await
}

#[tokio::test]
async fn a_condition_sees_the_task_its_label_and_its_project() {
    for condition in TRUE {
        assert_eq!(goes(condition).await, "Matched DONE", "{condition}");
    }
}

#[tokio::test]
async fn what_is_false_or_an_error_is_no_match() {
    for condition in NO_MATCH {
        assert_eq!(goes(condition).await, "Else DONE", "{condition}");
    }
}

#[tokio::test]
async fn the_first_edge_that_matches_is_taken_and_the_history_names_the_rule() {
    let scene = Scene::set().await;
    let mut rule = stage(
        "Rule",
        "LOGIC",
        &["MATCHED Never", "MATCHED Second", "MATCHED Third", "ELSE Never"],
    );
    for (place, condition) in ["label == null", "true", "true"].into_iter().enumerate() {
        rule["edges"][place]["condition"] = json!(condition);
    }
    let data = json!({"stages": [
        stage("Start", "START", &["NEXT Label"]),
        stage("Label", "LABEL", &["NEXT Rule"]),
        rule,
        stage("Never", "ARCHIVE", &[]),
        stage("Second", "COMPLETE", &[]),
        stage("Third", "COMPLETE", &[]),
    ]});
    scene.floor.draw(data).await;
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    assert_eq!(scene.floor.place(&task).await, "Second DONE");
    let show = "query($id: ID!) {task(where: {id: $id}) {stageHistory {stage {name} completedBy {id}}}}";
    let shown = scene.app.query(show, json!({ "id": task })).await["task"].take();
    assert_eq!(
        shown["stageHistory"][2],
        json!({"stage": {"name": "Rule"}, "completedBy": null})
    );
}
