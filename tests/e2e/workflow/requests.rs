//! Tests of the complete request that the receiver of a stage gets: headers, signatures and body in each dialect.

use std::collections::HashMap;

use harness::{Received, signature};
use insta::{assert_snapshot, with_settings};
use serde_json::{Value, json};

use super::Scene;
use crate::delivery::snapshots;
use crate::desk::{SECRET, create_webhook, text};

const REFRESH: &str = "to accept it: INSTA_UPDATE=always cargo test -p labelhook-tests --test e2e requests";

/// Returns the request that a stage with these settings sends for a labelled task.
async fn sent(scene: &Scene, more: Value) -> Received {
    scene.draw_hook(more).await;
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    scene.deliver().await.remove(0)
}

async fn shown(scene: &Scene, received: &Received) -> String {
    let user = scene.app.query("{user {id}}", json!({})).await["user"]["id"].take();
    let mut names = vec![
        (scene.floor.project.clone(), "PROJECT".to_owned()),
        (scene.floor.dataset.clone(), "DATASET".to_owned()),
        (text(&user), "USER".to_owned()),
    ];
    let stages = "query($id: ID!) {project(where: {id: $id}) {workflow {stages {id type}}}}";
    let found = scene.app.query(stages, json!({"id": scene.floor.project})).await;
    for stage in found["project"]["workflow"]["stages"].as_array().expect("a list") {
        names.push((text(&stage["id"]), format!("{} STAGE", text(&stage["type"]))));
    }
    let find = "{tasks {nodes {id dataRow {id}}}}";
    let found = scene.app.query(find, json!({})).await;
    let task = &found["tasks"]["nodes"][0];
    names.push((text(&task["id"]), "TASK".to_owned()));
    names.push((text(&task["dataRow"]["id"]), "DATA_ROW".to_owned()));
    let text = snapshots::shown(&scene.app, received).await;
    let named = names
        .iter()
        .fold(text, |text, (id, name)| text.replace(id.as_str(), &format!("[{name}]")));
    numbered(&named)
}

/// Replaces all remaining ids with numbers, in the order of their first appearance.
fn numbered(text: &str) -> String {
    let is_id = |word: &str| word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut shown = text.to_owned();
    for word in text
        .split(|c: char| !c.is_ascii_hexdigit() && c != '-')
        .filter(|word| is_id(word))
    {
        let next = known.len() + 1;
        if !known.contains_key(word) {
            known.insert(word, next);
            shown = shown.replace(word, &format!("[ID {next}]"));
        }
    }
    shown
}

fn assert_signed(received: &Received, form: &str) {
    let digest = signature::hub_sha1(SECRET, &received.body);
    assert_eq!(received.header("x-hub-signature"), format!("{form}{digest}"));
    assert_eq!(
        received.header("x-hub-signature-256"),
        signature::hub_sha256(SECRET, &received.body)
    );
    signature::assert_standard(SECRET, &received.headers, &received.body);
}

#[tokio::test]
async fn a_stage_signs_in_the_form_of_its_dialect() {
    for (format, form) in [("ANGO", ""), ("V7", "sha1="), ("LABELBOX", "sha1=")] {
        let scene = Scene::in_real_time().await;
        let received = sent(&scene, json!({"payloadFormat": format})).await;
        assert_signed(&received, form);
    }
}

#[tokio::test]
async fn a_stage_sends_angos_form_unless_it_is_told_otherwise() {
    let scene = Scene::set().await;
    let received = sent(&scene, json!({"headers": {"X-Team": "blue"}})).await;
    let request = shown(&scene, &received).await;
    with_settings!({description => REFRESH, omit_expression => true}, {assert_snapshot!("ango", request)});
}

#[tokio::test]
async fn a_stage_of_metadata_alone_sends_angos_form_with_empty_lists() {
    let scene = Scene::set().await;
    let full = sent(&scene, json!({})).await.json();
    let scene = Scene::set().await;
    let bare = sent(&scene, json!({"payloadContent": "METADATA_ONLY"})).await.json();
    let names = |body: &Value| {
        body["task"]
            .as_object()
            .map(|task| task.keys().cloned().collect::<Vec<_>>())
    };
    assert_eq!(names(&full), names(&bare));
    assert_eq!(
        (&full["task"]["tools"], &bare["task"]["tools"]),
        (&json!([{"title": "Tree"}]), &json!([]))
    );
    assert_eq!(bare["task"]["totalDuration"], 3_549);
}

#[tokio::test]
async fn a_stage_sends_v7s_form_with_its_authorization() {
    let scene = Scene::set().await;
    let more = json!({"payloadFormat": "V7", "authType": "HEADER", "authorizationHeader": "ApiKey 123"});
    let received = sent(&scene, more).await;
    assert_eq!(received.header("authorization"), "ApiKey 123");
    let request = shown(&scene, &received).await;
    with_settings!({description => REFRESH, omit_expression => true}, {assert_snapshot!("v7", request)});
}

#[tokio::test]
async fn a_v7_stage_of_metadata_alone_leaves_the_annotations_out() {
    let scene = Scene::set().await;
    let full = sent(&scene, json!({"payloadFormat": "V7"})).await.json();
    let scene = Scene::set().await;
    let bare = sent(
        &scene,
        json!({"payloadFormat": "V7", "payloadContent": "METADATA_ONLY"}),
    )
    .await
    .json();
    assert!(
        full["annotations"].is_array() && bare.get("annotations").is_none(),
        "{bare:#}"
    );
    assert_eq!(full["item"]["name"], bare["item"]["name"]);
}

#[tokio::test]
async fn a_stage_sends_labelboxs_form_of_its_move() {
    let scene = Scene::set().await;
    let received = sent(&scene, json!({"payloadFormat": "LABELBOX"})).await;
    assert_eq!(received.header("x-labelbox-event"), "WORKFLOW_ACTION");
    let body = received.json();
    assert_eq!(
        (&body["action"], &body["from"]["type"], &body["to"]["type"]),
        (&json!("MOVE"), &json!("LABEL"), &json!("WEBHOOK"))
    );
}

#[tokio::test]
async fn a_registered_webhook_is_told_of_every_move_in_its_dialect() {
    let scene = Scene::set().await;
    let task = scene.floor.task("tree.jpg").await;
    let data = json!({"project": {"id": scene.floor.project}, "url": scene.receiver.url("moves"), "secret": SECRET,
        "topics": {"set": ["WORKFLOW_ACTION"]}});
    create_webhook(&scene.app.client, data).await;
    scene.floor.submit(&task).await;
    let received = scene.deliver().await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].header("x-labelbox-event"), "WORKFLOW_ACTION");
    let request = shown(&scene, &received[0]).await;
    with_settings!({description => REFRESH, omit_expression => true}, {assert_snapshot!("labelbox", request)});
}

#[tokio::test]
async fn every_move_of_a_task_is_told_in_its_order() {
    let scene = Scene::set().await;
    let data = json!({"url": scene.receiver.url("moves"), "secret": SECRET, "topics": {"set": ["WORKFLOW_ACTION"]},
        "maxInFlight": 1});
    create_webhook(&scene.app.client, data).await;
    scene.draw_hook(json!({})).await;
    let task = scene.floor.task("tree.jpg").await;
    scene.deliver().await;
    scene.floor.submit(&task).await;
    scene.deliver().await;
    let received = scene.deliver().await;
    let moves: Vec<_> = received
        .iter()
        .filter(|one| one.path == "/moves")
        .map(|one| one.json())
        .collect();
    let told: Vec<_> = moves
        .iter()
        .map(|body| format!("{}>{}", text(&body["from"]["name"]), text(&body["to"]["name"])))
        .collect();
    assert_eq!(told, ["Start>Label", "Label>Hook", "Hook>Done"]);
    assert!(moves.iter().all(|body| body["task"]["id"] == task));
    let people: Vec<_> = moves.iter().map(|body| body["user"].is_null()).collect();
    assert_eq!(people, [false, false, true], "who moved it, or nobody");
}
