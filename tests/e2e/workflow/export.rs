//! Tests that the export of a task differs from the webhook's body of the same task as documented, and in nothing else.

use harness::Received;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Floor, REVIEW, SUBMIT, Scene, hook, hook_stage, stage};
use crate::desk::text;

/// Submitted labels, with numbers that are easily rounded and members in an unusual order.
const FIRST: &str =
    r#"{"tools":[{"y":401.2628984836038,"x":1.10,"a":9007199254740993}],"classifications":[],"relations":[]}"#;
const SECOND: &str =
    r#"{"tools":[],"classifications":[{"title":"Croissànt","answer":"yes"}],"relations":[{"from":"a"}]}"#;
const EXPORT: &str = "query($where: TaskWhereInput!) {exportLabels(where: $where) {nodes {data task {id}}}}";

/// START, LABEL, REVIEW, WEBHOOK, COMPLETE.
fn reviewed_then_sent(webhook: Value) -> Value {
    json!({"stages": [
        stage("Start", "START", &["NEXT Label"]),
        stage("Label", "LABEL", &["NEXT Review"]),
        stage("Review", "REVIEW", &["APPROVED Hook", "REJECTED Label"]),
        hook_stage(webhook, &["SUCCEEDED Done"]),
        stage("Done", "COMPLETE", &[]),
    ]})
}

/// Creates a task in a new batch. Returns the ids of both.
async fn batched(floor: &Floor, batch: &str) -> (String, String) {
    let metadata = json!({"width": 1001, "exact": 200.2});
    let task = floor
        .task_of(json!({"rowData": "https://example.com/tree.jpg", "externalId": "tree.jpg", "metadata": metadata}))
        .await;
    let batch = floor.batch(&task, batch).await;
    (task, batch)
}

/// Returns `data` of the only exported task, byte for byte.
async fn exported(scene: &Scene, task: &str) -> String {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        data: Data<'a>,
    }
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow, rename = "exportLabels")]
        export_labels: Labels<'a>,
    }
    #[derive(Deserialize)]
    struct Labels<'a> {
        #[serde(borrow)]
        nodes: Vec<Node<'a>>,
    }
    #[derive(Deserialize)]
    struct Node<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let variables = json!({"where": {"ids": [task]}});
    let bytes = scene.app.client.bytes(EXPORT, variables).await.expect("an answer").1;
    let answer: Answer = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:?}"));
    assert_eq!(answer.data.export_labels.nodes.len(), 1);
    answer.data.export_labels.nodes[0].data.get().to_owned()
}

/// The body of a task that was labelled twice and approved, and its export at that moment.
async fn sent_and_exported() -> (Received, String, String) {
    let scene = Scene::set().await;
    scene
        .floor
        .draw(reviewed_then_sent(hook(&scene.receiver, json!({}))))
        .await;
    let (task, batch) = batched(&scene.floor, "Le Croissànt").await;
    let client = &scene.app.client;
    for (label, outcome) in [(FIRST, "REJECTED"), (SECOND, "REJECTED"), (FIRST, "APPROVED")] {
        client
            .query(SUBMIT, json!({"id": task, "data": {"label": label}}))
            .await;
        client
            .query(REVIEW, json!({"id": task, "data": {"outcome": outcome}}))
            .await;
    }
    assert_eq!(scene.floor.place(&task).await, "Hook WAITING");
    let export = exported(&scene, &task).await;
    let received = scene.deliver().await.remove(0);
    (received, export, batch)
}

#[tokio::test]
async fn an_export_differs_from_the_webhooks_body_as_documented_and_in_nothing_else() {
    let (received, raw, batch) = sent_and_exported().await;
    let body = std::str::from_utf8(&received.body).expect("text");
    let (mut webhook, mut export): (Value, Value) = (received.json(), serde_json::from_str(&raw).expect("JSON"));

    // Batches: names, and ids with their names beside them.
    assert_eq!(
        (&export["batches"], export.get("batchNames")),
        (&json!(["Le Croissànt"]), None)
    );
    assert_eq!(
        (&webhook["batches"], &webhook["batchNames"]),
        (&json!([batch]), &json!(["Le Croissànt"]))
    );
    // The stage: its name, and its id.
    assert_eq!(export["task"]["stage"], "Hook");
    assert_eq!(webhook["task"]["stage"], webhook["task"]["stageId"]);
    // The history: with what was submitted in each stage, and without.
    let contents = ["tools", "classifications", "relations"];
    let (first, second): (Value, Value) = (
        serde_json::from_str(FIRST).expect("JSON"),
        serde_json::from_str(SECOND).expect("JSON"),
    );
    let nothing = json!({"tools": [], "classifications": [], "relations": []});
    let submitted = [&nothing, &first, &first, &second, &second, &first, &first];
    let history = export["task"]["stageHistory"].as_array_mut().expect("a list");
    let sent = webhook["task"]["stageHistory"].as_array().expect("a list");
    assert_eq!((history.len(), sent.len()), (submitted.len(), submitted.len()));
    for ((exported, sent), submitted) in history.iter_mut().zip(sent).zip(submitted) {
        for name in contents {
            assert!(sent.get(name).is_none(), "{sent:#}");
            let entry = exported.as_object_mut().expect("an object");
            assert_eq!(entry.shift_remove(name).as_ref(), Some(&submitted[name]), "{name}");
        }
    }

    // Numbers are as they were submitted, in both.
    for text in [body, &raw] {
        assert!(
            text.contains(r#""tools":[{"y":401.2628984836038,"x":1.10,"a":9007199254740993}]"#),
            "{text}"
        );
        assert!(text.contains("\"Le Croissànt\""), "as UTF-8");
    }
    // Nothing else differs, in value and in order.
    let sent = webhook.as_object_mut().expect("an object");
    sent.insert("batches".into(), json!(["Le Croissànt"]));
    sent.shift_remove("batchNames");
    webhook["task"]["stage"] = json!("Hook");
    assert_eq!(export.to_string(), webhook.to_string());
}

#[tokio::test]
async fn an_export_is_of_the_tasks_that_were_asked_for() {
    let scene = Scene::set().await;
    let hook = scene.draw_hook(json!({})).await;
    let mut tasks = Vec::new();
    for number in 0..3 {
        tasks.insert(0, scene.floor.task(&format!("{number}.jpg")).await);
    }
    scene.floor.submit(&tasks[1]).await;
    let export = async |filter: Value| {
        let found = scene.app.query(EXPORT, json!({ "where": filter })).await;
        let nodes = found["exportLabels"]["nodes"].as_array().expect("a list").clone();
        let same = |node: &Value| node["data"]["task"]["taskId"] == node["task"]["id"];
        assert!(nodes.iter().all(same), "{nodes:#?}");
        nodes.iter().map(|node| text(&node["task"]["id"])).collect::<Vec<_>>()
    };
    assert_eq!(export(json!({})).await, tasks, "newest first");
    assert_eq!(export(json!({"stageIds": [hook]})).await, tasks[1..2]);
    assert_eq!(export(json!({"externalId": "0.jpg"})).await, tasks[2..]);
    let page = "query($after: String) {exportLabels(where: {}, first: 2, after: $after) {nodes {task {id}} pageInfo {hasNextPage endCursor}}}";
    let first = scene.app.query(page, json!({})).await["exportLabels"].take();
    let rest = scene
        .app
        .query(page, json!({"after": first["pageInfo"]["endCursor"]}))
        .await["exportLabels"]
        .take();
    assert_eq!(
        (&first["pageInfo"]["hasNextPage"], &rest["pageInfo"]["hasNextPage"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(rest["nodes"], json!([{"task": {"id": tasks[2]}}]));
}
