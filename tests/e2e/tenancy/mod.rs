//! Tenancy: an organization has no access to rows of another. The operations that take the id of one row are read from
//! the schema, and each is tried with a row of every noun of another organization.

mod operations;
mod rows;

use entity::Role;
use harness::{Start, TestApp};
use serde_json::json;

use crate::desk::{Desk, ids};
use operations::operations;
use rows::belongings;

async fn paused() -> TestApp {
    TestApp::with(Start {
        paused: true,
        ..Start::default()
    })
    .await
}

/// Nouns without a query by id. Batches are nodes; API keys are not.
const NO_QUERY: [&str; 2] = ["batch", "apiKey"];

#[tokio::test]
async fn each_noun_is_shown_to_its_own_organization_alone() {
    let app = paused().await;
    let stranger = app.as_role("Another organization", Role::Owner).await;
    let own = belongings(&app, &app.client).await;
    let foreign = belongings(&app, &stranger).await;
    for (client, mine, theirs) in [(&app.client, &own, &foreign), (&stranger, &foreign, &own)] {
        for ((noun, id), (_, foreign)) in mine.iter().zip(theirs) {
            let node = "query($ids: [ID!]!, $id: ID!) {nodes(ids: $ids) {id} node(id: $id) {id}}";
            let found = client.query(node, json!({"ids": [id, foreign], "id": foreign})).await;
            let own = if *noun == "apiKey" {
                json!(null)
            } else {
                json!({ "id": id })
            };
            assert_eq!(found, json!({"nodes": [own, null], "node": null}), "{noun}");
            if NO_QUERY.contains(noun) {
                continue;
            }
            let show = format!("query($id: ID!) {{found: {noun}(where: {{id: $id}}) {{id}}}}");
            let shown = client.query(&show, json!({ "id": id })).await;
            assert_eq!(shown["found"]["id"], *id, "{noun}");
        }
    }
}

#[tokio::test]
async fn organizations_know_nothing_of_each_other() {
    let app = paused().await;
    let stranger = app.as_role("Another organization", Role::Owner).await;
    let show = "{organization {id}}";
    let theirs = stranger.query(show, json!({})).await["organization"]["id"].take();
    let own = app.query(show, json!({})).await["organization"]["id"].take();
    let node = "query($ids: [ID!]!) {nodes(ids: $ids) {id}}";
    let found = app.query(node, json!({"ids": [own, theirs]})).await;
    assert_eq!(found["nodes"], json!([{ "id": own }, null]));
}

#[tokio::test]
async fn each_operation_on_one_row_finds_no_row_of_another_organization() {
    let app = paused().await;
    let stranger = app.as_role("Another organization", Role::Owner).await;
    let foreign = belongings(&app, &stranger).await;
    let operations = operations(&app).await;
    let walked: Vec<&str> = operations.iter().map(|operation| operation.name.as_str()).collect();
    for known in ["label", "updateProject", "saveWorkflow", "reviewTask", "revokeApiKey"] {
        assert!(walked.contains(&known), "{known} is not among {walked:?}");
    }
    for operation in &operations {
        for (_, id) in &foreign {
            let mut variables = operation.others.clone();
            variables.insert("id".into(), json!(id));
            app.client
                .expect_error(&operation.document, variables.into(), "RESOURCE_NOT_FOUND")
                .await;
        }
    }
}

#[tokio::test]
async fn lists_show_ones_own_organization_alone() {
    let app = paused().await;
    let stranger = app.as_role("Another organization", Role::Owner).await;
    belongings(&app, &app.client).await;
    let lists = "{projects {id} datasets {id} webhooks {id} notifications {nodes {id}} tasks {nodes {id}}
        exportLabels(where: {}) {nodes {data}}
        organization {name users {id} apiKeys {id} projects {id} webhooks {id}}}";
    let empty = stranger.query(lists, json!({})).await;
    for list in ["projects", "datasets", "webhooks"] {
        assert_eq!(empty[list], json!([]), "{list}");
    }
    for connection in ["tasks", "exportLabels"] {
        assert_eq!(empty[connection]["nodes"], json!([]), "{connection}");
    }
    let organization = &empty["organization"];
    assert_eq!(
        (&empty["notifications"]["nodes"], &organization["projects"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        (ids(&organization["users"]).len(), ids(&organization["apiKeys"]).len()),
        (1, 1)
    );
    assert_eq!(organization["name"], "Another organization");
}

#[tokio::test]
async fn foreign_ids_inside_inputs_are_not_found_and_change_nothing() {
    let app = paused().await;
    let stranger = app.as_role("Another organization", Role::Owner).await;
    let (own, foreign) = (Desk::set(&app.client).await, Desk::set(&stranger).await);
    let label = foreign.submit("{}").await;
    let connect = |id: &str| json!({"connect": {"id": id}});
    let cases = [
        (
            "createDataRow",
            "DataRowCreateInput",
            json!({"rowData": "x", "dataset": connect(&foreign.dataset)}),
        ),
        (
            "createLabel",
            "LabelCreateInput",
            json!({"label": "{}", "dataRow": connect(&foreign.row), "project": connect(&own.project)}),
        ),
        (
            "createLabel",
            "LabelCreateInput",
            json!({"label": "{}", "dataRow": connect(&own.row), "project": connect(&foreign.project)}),
        ),
        (
            "createReview",
            "ReviewCreateInput",
            json!({"score": 1.0, "label": connect(&label), "project": connect(&own.project)}),
        ),
        (
            "createBatch",
            "BatchCreateInput",
            json!({"name": "b", "project": connect(&foreign.project), "dataRows": [own.row]}),
        ),
        (
            "createBatch",
            "BatchCreateInput",
            json!({"name": "b", "project": connect(&own.project), "dataRows": [foreign.row]}),
        ),
        (
            "createDataset",
            "DatasetCreateInput",
            json!({"name": "d", "projects": connect(&foreign.project)}),
        ),
    ];
    let before = app
        .query(
            "{datasets {id rowCount} projects {id updatedAt labels {id}}}",
            json!({}),
        )
        .await;
    for (mutation, input, data) in cases {
        let text = format!("mutation($data: {input}!) {{{mutation}(data: $data) {{id}}}}");
        app.client
            .expect_error(&text, json!({ "data": data }), "RESOURCE_NOT_FOUND")
            .await;
    }
    for (text, id) in [
        (
            "mutation($id: ID!) {updateProject(where: {id: $id}, data: {name: \"x\"}) {id}}",
            &foreign.project,
        ),
        (
            "mutation($id: ID!) {updateProject(where: {id: $id}, data: {deleted: true}) {id}}",
            &foreign.project,
        ),
        (
            "mutation($id: ID!) {updateDataset(where: {id: $id}, data: {deleted: true}) {id}}",
            &foreign.dataset,
        ),
        (
            "mutation($id: ID!) {deleteDataRows(where: {dataRowIds: [$id]}) {id}}",
            &foreign.row,
        ),
        ("mutation($id: ID!) {deleteLabels(labelIds: [$id]) {id}}", &label),
        (
            "mutation($id: ID!) {updateLabel(where: {id: $id}, data: {label: \"x\"}) {id}}",
            &label,
        ),
    ] {
        app.client
            .expect_error(text, json!({ "id": id }), "RESOURCE_NOT_FOUND")
            .await;
    }
    let after = app
        .query(
            "{datasets {id rowCount} projects {id updatedAt labels {id}}}",
            json!({}),
        )
        .await;
    assert_eq!(after, before);
    let theirs = stranger
        .query(
            "query($id: ID!) {label(where: {id: $id}) {label deleted}}",
            json!({ "id": label }),
        )
        .await;
    assert_eq!(theirs["label"], json!({"label": "{}", "deleted": false}));
}
