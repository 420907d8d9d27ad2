//! The README's GraphQL examples work as they stand there, in their order.

use harness::{Start, TestApp};
use serde_json::{Value, json};

use crate::desk::text;

const README: &str = include_str!("../../README.md");

/// The examples: what stands in fences of `graphql`.
fn examples() -> Vec<&'static str> {
    let fences = README.split("```graphql\n").skip(1);
    fences
        .map(|rest| rest.split("```").next().expect("a fence ends"))
        .collect()
}

#[tokio::test]
async fn the_graphql_examples_of_the_readme_work() {
    let start = Start {
        paused: true,
        ..Start::default()
    };
    let app = TestApp::with(start).await;
    let project = app
        .query("mutation {createProject(data: {name: \"Trees\"}) {id}}", json!({}))
        .await;
    let project = text(&project["createProject"]["id"]);
    let mut known = json!({ "project": project });
    let (mut drawn, mut submitted) = (false, false);
    // A subscription is answered over a socket or a stream: `feed` has those.
    for example in examples().into_iter().filter(|text| !text.starts_with("subscription")) {
        let answer = app.query(example, variables(example, &known)).await;
        if let Some(saved) = answer.get("saveWorkflow") {
            assert_eq!(saved["version"], 2);
            known["stage"] = saved["stages"][3]["id"].clone();
            known["task"] = task(&app, &project).await;
            drawn = true;
        }
        if let Some(task) = answer.get("submitTask") {
            assert_eq!(
                (&task["status"], &task["stage"]["name"]),
                (&json!("WAITING"), &json!("Hook"))
            );
            submitted = true;
        }
    }
    assert!(drawn && submitted, "the README draws a workflow and moves a task");
}

/// What the example asks for, of what is known by now.
fn variables(example: &str, known: &Value) -> Value {
    let asked = |name: &&String| example.contains(&format!("${name}:"));
    let names = known.as_object().expect("an object").keys();
    names
        .filter(asked)
        .map(|name| (name.clone(), known[name].clone()))
        .collect()
}

/// A task of the project.
async fn task(app: &TestApp, project: &str) -> Value {
    let make =
        "mutation($project: ID!) {createDataset(data: {name: \"Drone\", projects: {connect: {id: $project}}}) {id}}";
    let dataset = app.query(make, json!({ "project": project })).await["createDataset"]["id"].take();
    let make = "mutation($dataset: ID!) {createDataRow(data: {rowData: \"tree.jpg\", dataset: {connect: {id: $dataset}}}) {id}}";
    app.query(make, json!({ "dataset": dataset })).await;
    app.query("{tasks {nodes {id}}}", json!({})).await["tasks"]["nodes"][0]["id"].take()
}
