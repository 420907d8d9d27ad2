//! A workflow is drawn by names, read back as it is, and saved again from what was read.

use harness::signature;
use serde_json::{Value, json};

use super::{Floor, SAVE, Scene, hook, hook_stage, stage};
use crate::desk::{SECRET, merge};

pub const SHOW: &str = "query($id: ID!) {project(where: {id: $id}) {workflow {version maxPasses updatedAt project {id}
    stages {id name type position removed edges {output to {id name} condition} payloadContent
        taskCount failedTaskCount warning
        webhook {url topics status authType headers payloadFormat timeoutMs maxInFlight rateLimit {requests perMs}
            retryPolicy {maxAttempts delaysMs jitter} signingSecret secrets {id} stage {name}}}}}}";

/// A project's workflow as it is read back.
pub async fn shown(floor: &Floor) -> Value {
    let shown = floor.client.query(SHOW, json!({"id": floor.project})).await;
    shown["project"]["workflow"].clone()
}

/// The workflow as its own input: ids kept, webhooks left out.
pub fn again(shown: &Value) -> Value {
    let edge = |edge: &Value| {
        let mut given = json!({"output": edge["output"], "to": edge["to"]["id"]});
        merge(&mut given, json!({"condition": edge["condition"]}));
        given
    };
    let stage = |stage: &Value| {
        let edges: Vec<Value> = stage["edges"].as_array().expect("a list").iter().map(edge).collect();
        json!({"id": stage["id"], "name": stage["name"], "type": stage["type"], "position": stage["position"],
            "edges": edges})
    };
    let stages: Vec<Value> = shown["stages"].as_array().expect("a list").iter().map(stage).collect();
    json!({"stages": stages, "version": shown["version"], "maxPasses": shown["maxPasses"]})
}

/// Every type of stage, with a back edge.
fn everything(webhook: Value) -> Value {
    let mut rule = stage("Is it large?", "LOGIC", &["MATCHED Aside", "ELSE Hook"]);
    rule["edges"][0]["condition"] = json!("has(task.metadata) && task.metadata.width > 4000");
    let mut start = stage("Start", "START", &["NEXT Label"]);
    start["position"] = json!({"x": 1.5, "y": [2]});
    json!({"maxPasses": 7, "stages": [
        start,
        stage("Label", "LABEL", &["NEXT Is it large?"]),
        rule,
        stage("Aside", "HOLD", &["NEXT Hook"]),
        hook_stage(webhook, &["SUCCEEDED Review", "FAILED Label"]),
        stage("Review", "REVIEW", &["APPROVED Done", "REJECTED Label"]),
        stage("Done", "COMPLETE", &[]),
    ]})
}

#[tokio::test]
async fn a_new_project_has_a_workflow_of_three_stages() {
    let scene = Scene::set().await;
    let shown = shown(&scene.floor).await;
    let stages = shown["stages"].as_array().expect("a list");
    let types: Vec<_> = stages.iter().map(|stage| &stage["type"]).collect();
    assert_eq!(types, [&json!("START"), &json!("LABEL"), &json!("COMPLETE")]);
    assert_eq!((&shown["version"], &shown["maxPasses"]), (&json!(1), &json!(100)));
}

#[tokio::test]
async fn a_workflow_is_drawn_by_names_and_read_back_whole() {
    let scene = Scene::set().await;
    let more = json!({"payloadFormat": "V7", "payloadContent": "METADATA_ONLY", "timeoutMs": 2_000, "maxInFlight": 3,
        "rateLimit": {"requests": 2, "perMs": 1_000}, "headers": {"X-Team": "blue"},
        "retryPolicy": {"maxAttempts": 2, "delaysMs": [10], "jitter": 0.0}});
    scene.floor.draw(everything(hook(&scene.receiver, more))).await;
    let shown = shown(&scene.floor).await;
    assert_eq!((&shown["version"], &shown["maxPasses"]), (&json!(2), &json!(7)));
    assert_eq!(shown["project"]["id"], scene.floor.project);
    let stages = shown["stages"].as_array().expect("a list");
    let said: Vec<_> = stages
        .iter()
        .map(|stage| stage["name"].as_str().expect("text"))
        .collect();
    assert_eq!(
        said,
        ["Start", "Label", "Is it large?", "Aside", "Hook", "Review", "Done"]
    );
    assert_eq!(stages[0]["position"], json!({"x": 1.5, "y": [2]}));
    let rule: Vec<_> = stages[2]["edges"].as_array().expect("a list").clone();
    assert_eq!(
        (&rule[0]["output"], &rule[0]["to"]["name"], &rule[1]["to"]["id"]),
        (&json!("MATCHED"), &json!("Aside"), &stages[4]["id"])
    );
    assert_eq!(rule[0]["condition"], "has(task.metadata) && task.metadata.width > 4000");
    assert_eq!(
        stages[4]["edges"][1],
        json!({"output": "FAILED", "to": {"id": stages[1]["id"], "name": "Label"}, "condition": null})
    );

    let mut webhook = stages[4]["webhook"].clone();
    assert!(webhook["secrets"].as_array().is_some_and(|secrets| secrets.len() == 1));
    merge(&mut webhook, json!({"secrets": null}));
    let expected = json!({"url": scene.receiver.url("hook"), "topics": ["WORKFLOW_ACTION"], "status": "ACTIVE",
        "authType": "SECRET", "headers": ["X-Team"], "payloadFormat": "V7", "timeoutMs": 2_000, "maxInFlight": 3,
        "rateLimit": {"requests": 2, "perMs": 1_000}, "retryPolicy": {"maxAttempts": 2, "delaysMs": [10], "jitter": 0.0},
        "signingSecret": null, "stage": {"name": "Hook"}});
    assert_eq!(webhook, expected);
    assert_eq!(stages[4]["payloadContent"], "METADATA_ONLY");
    assert!(stages[1]["webhook"].is_null() && stages[1]["payloadContent"].is_null());
}

#[tokio::test]
async fn a_stages_webhook_has_the_documented_defaults() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({"authType": "NONE", "secret": null})).await;
    let shown = shown(&scene.floor).await;
    let (stage, webhook) = (&shown["stages"][2], &shown["stages"][2]["webhook"]);
    assert_eq!(
        (&webhook["payloadFormat"], &stage["payloadContent"]),
        (&json!("ANGO"), &json!("FULL"))
    );
    assert_eq!(
        webhook["retryPolicy"],
        json!({"maxAttempts": 6, "delaysMs": [5_000, 30_000, 120_000, 600_000, 1_800_000], "jitter": 0.2})
    );
    assert_eq!(
        (&webhook["timeoutMs"], &webhook["maxInFlight"], &webhook["rateLimit"]),
        (&json!(15_000), &json!(32), &Value::Null)
    );
}

#[tokio::test]
async fn a_workflow_saved_from_what_was_read_stays_as_it_was() {
    let scene = Scene::set().await;
    scene.floor.draw(everything(hook(&scene.receiver, json!({})))).await;
    let before = shown(&scene.floor).await;
    let saved = scene.floor.draw(again(&before)).await;
    assert_eq!(saved["version"], 3);
    let mut after = shown(&scene.floor).await;
    after["version"] = before["version"].clone();
    assert_eq!(after, before, "ids, edges, and the webhook with its secret");
}

#[tokio::test]
async fn who_saves_an_old_version_gets_a_conflict_and_changes_nothing() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    let seen = shown(&scene.floor).await;
    scene.floor.draw(again(&seen)).await;
    let before = shown(&scene.floor).await;
    let mut late = again(&seen);
    late["stages"][1]["name"] = json!("Renamed");
    let variables = json!({"project": scene.floor.project, "data": late});
    let error = scene
        .app
        .client
        .expect_error(SAVE, variables, "RESOURCE_CONFLICT")
        .await;
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| message.contains("version 3")),
        "{error}"
    );
    assert_eq!(shown(&scene.floor).await, before);
}

#[tokio::test]
async fn what_is_secret_about_a_stages_webhook_is_in_no_answer_and_not_in_the_database() {
    let scene = Scene::set().await;
    let secrets = [SECRET, "a-very-secret-token", "a-very-secret-header"];
    let more = json!({"authType": "BEARER", "bearerToken": secrets[1], "headers": {"X-Key": secrets[2]}});
    scene.draw_hook(more).await;
    let task = scene.floor.task("tree.jpg").await;
    scene.floor.submit(&task).await;
    assert_eq!(
        scene.deliver().await[0].header("authorization"),
        "Bearer a-very-secret-token"
    );
    let log =
        "{notifications {nodes {requestHeaders attempts {request {headers body}} webhook {headers signingSecret}}}}";
    let answers = format!("{}{}", shown(&scene.floor).await, scene.app.query(log, json!({})).await);
    let stored = scene.app.stored().await;
    let stored = String::from_utf8_lossy(&stored);
    for secret in secrets {
        assert!(!answers.contains(secret), "{secret} in {answers}");
        assert!(!stored.contains(secret), "{secret} in the database");
    }
}

#[tokio::test]
async fn a_new_secret_replaces_the_old_one_and_an_absent_one_leaves_it() {
    let scene = Scene::in_real_time().await;
    scene.draw_hook(json!({})).await;
    let mut data = again(&shown(&scene.floor).await);
    for (given, holds) in [(json!(null), SECRET), (json!("another secret"), "another secret")] {
        let mut webhook = hook(&scene.receiver, json!({ "secret": null }));
        merge(&mut webhook, json!({ "secret": given }));
        data["stages"][2]["webhook"] = webhook;
        data["version"] = json!(null);
        scene.floor.draw(data.clone()).await;
        let task = scene.floor.task("tree.jpg").await;
        scene.floor.submit(&task).await;
        let received = scene.deliver().await.pop().expect("a request");
        signature::assert_standard(holds, &received.headers, &received.body);
    }
}

#[tokio::test]
async fn the_webhook_of_a_stage_is_changed_with_its_workflow_and_in_no_other_way() {
    let scene = Scene::set().await;
    scene.draw_hook(json!({})).await;
    let show =
        "query($id: ID!) {project(where: {id: $id}) {workflow {stages {webhook {id}}} webhooks {id}} webhooks {id}}";
    let found = scene.app.query(show, json!({"id": scene.floor.project})).await;
    let id = &found["project"]["workflow"]["stages"][2]["webhook"]["id"];
    assert_eq!(
        (&found["project"]["webhooks"], &found["webhooks"]),
        (&json!([]), &json!([]))
    );
    let change = "mutation($id: ID!) {updateWebhook(where: {id: $id}, data: {url: \"https://example.com\"}) {id}}";
    let error = scene
        .app
        .client
        .expect_error(change, json!({ "id": id }), "OPERATION_NOT_ALLOWED")
        .await;
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| message.contains("saveWorkflow")),
        "{error}"
    );
}
