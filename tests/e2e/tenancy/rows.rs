//! A row of every noun, made through the API.

use harness::{Client, TestApp};
use labelhook_core::lookup;
use serde_json::json;

use crate::desk::{Desk, text};

/// A row of every noun, for one organization: the noun and the id.
pub async fn belongings(app: &TestApp, owner: &Client) -> Vec<(&'static str, String)> {
    let desk = Desk::set(owner).await;
    let label = desk.submit("{}").await;
    let webhook = desk
        .webhook("http://127.0.0.1:9/hook", &["LABEL_CREATED"], json!({}))
        .await;
    let review = desk.review(&label, 1.0).await;
    desk.submit("{}").await;
    app.deliver().await;
    let make = "mutation($project: ID!, $row: ID!) {startReplay(data: {where: {projectIds: [$project]}}) {id}
        createBatch(data: {name: \"b\", project: {connect: {id: $project}}, dataRows: [$row]}) {id}}";
    let made = owner
        .query(make, json!({"project": desk.project, "row": desk.row}))
        .await;
    let log = owner
        .query(
            "{notifications {nodes {id event {id}}} user {id} organization {apiKeys {id}} tasks {nodes {id}}}",
            json!({}),
        )
        .await;
    let node = &log["notifications"]["nodes"][0];
    let (stage, run) = webhook_stage(owner, &desk.project).await;
    let rows = vec![
        ("project", desk.project),
        ("dataset", desk.dataset),
        ("dataRow", desk.row),
        ("label", label),
        ("review", review),
        ("webhook", webhook),
        ("notification", text(&node["id"])),
        ("event", text(&node["event"]["id"])),
        ("replay", text(&made["startReplay"]["id"])),
        ("user", text(&log["user"]["id"])),
        ("apiKey", text(&log["organization"]["apiKeys"][0]["id"])),
        ("task", text(&log["tasks"]["nodes"][0]["id"])),
        ("stage", stage),
        ("stageRun", run),
        ("batch", text(&made["createBatch"]["id"])),
    ];
    let of_noun = |name: &str| rows.iter().any(|(noun, _)| *noun == name);
    for noun in lookup::NOUNS {
        assert!(of_noun(noun.name), "there is no row of the noun {}", noun.name);
    }
    rows
}

/// A webhook stage right before the end of a project's workflow, and a run of it.
async fn webhook_stage(owner: &Client, project: &str) -> (String, String) {
    let show = "query($id: ID!) {project(where: {id: $id}) {workflow {stages {id name type edges {output to {id}}}}}}";
    let shown = owner.query(show, json!({ "id": project })).await;
    let mut stages = shown["project"]["workflow"]["stages"].clone();
    for stage in stages.as_array_mut().expect("a list") {
        for edge in stage["edges"].as_array_mut().expect("a list") {
            edge["to"] = edge["to"]["id"].take();
        }
    }
    let done = stages[2]["id"].clone();
    stages[1]["edges"][0]["to"] = json!("Hook");
    let hook = json!({"name": "Hook", "type": "WEBHOOK", "edges": [{"output": "SUCCEEDED", "to": done}],
        "webhook": {"url": "http://127.0.0.1:9/hook", "authType": "NONE"}});
    stages.as_array_mut().expect("a list").push(hook);
    let save = "mutation($id: ID!, $stages: [StageInput!]!) {
        saveWorkflow(where: {id: $id}, data: {stages: $stages}) {stages {id}}}";
    let saved = owner.query(save, json!({"id": project, "stages": stages})).await;
    let stage = text(&saved["saveWorkflow"]["stages"][3]["id"]);
    let rerun = "mutation($id: ID!) {rerunStage(where: {id: $id}) {id}}";
    let run = owner.query(rerun, json!({ "id": stage })).await;
    (stage, text(&run["rerunStage"]["id"]))
}
