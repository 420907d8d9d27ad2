//! Who gets in, and what they see: users and keys come and go over the API, and two organizations know nothing of each
//! other.

use std::time::Duration;

use entity::{Role, Timestamp};
use harness::{Client, ORGANIZATION, Start, TestApp};
use labelhook_core::Clock;
use serde_json::{Value, json};

use crate::desk::{Desk, ids, text};

const START: Timestamp = Timestamp(1_800_000_000_000_000);

async fn paused(clock: Clock) -> TestApp {
    TestApp::with(Start {
        clock,
        paused: true,
        ..Start::default()
    })
    .await
}

const CREATE_USER: &str = "mutation($data: UserCreateInput!) {createUser(data: $data) {id email name role disabled}}";
const UPDATE_USER: &str =
    "mutation($id: ID!, $data: UserUpdateInput!) {updateUser(where: {id: $id}, data: $data) {id name role disabled}}";
const CREATE_KEY: &str = "mutation($data: ApiKeyCreateInput!) {createApiKey(data: $data) {key
    apiKey {id name prefix user {id role} projects {id} createdAt expiresAt lastUsedAt revokedAt}}}";
const REVOKE_KEY: &str = "mutation($id: ID!) {revokeApiKey(where: {id: $id}) {id revokedAt}}";

#[tokio::test]
async fn a_user_gets_in_with_a_key_until_it_is_revoked() {
    let app = paused(Clock::default()).await;
    let data = json!({"email": "Ann@Example.com", "name": "Ann", "role": "USER"});
    let ann = app.query(CREATE_USER, json!({ "data": data })).await["createUser"].take();
    assert_eq!(
        (&ann["email"], &ann["role"], &ann["disabled"]),
        (&json!("ann@example.com"), &json!("USER"), &json!(false))
    );
    let data = json!({"name": "laptop", "user": {"connect": {"id": ann["id"]}}});
    let made = app.query(CREATE_KEY, json!({ "data": data })).await["createApiKey"].take();
    let key = text(&made["key"]);
    assert!(key.len() >= 32 && key.starts_with(&text(&made["apiKey"]["prefix"])));
    assert_eq!(
        (&made["apiKey"]["user"], &made["apiKey"]["projects"]),
        (&json!({"id": ann["id"], "role": "USER"}), &json!([]))
    );

    let client = app.client.with_key(&key);
    assert_eq!(client.query("{user {id}}", json!({})).await["user"]["id"], ann["id"]);
    let listed = app.query("{organization {apiKeys {id prefix}}}", json!({})).await;
    assert!(!listed.to_string().contains(&key), "a key is shown once");
    let id = json!({"id": made["apiKey"]["id"]});
    assert!(app.query(REVOKE_KEY, id).await["revokeApiKey"]["revokedAt"].is_string());
    refused(&client).await;
}

async fn refused(client: &Client) {
    let answer = client.answer("{user {id}}", json!({})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (401, Some("AUTHENTICATION_ERROR"))
    );
}

#[tokio::test]
async fn a_disabled_user_is_shut_out_and_let_in_again() {
    let app = paused(Clock::default()).await;
    let client = app.as_role(ORGANIZATION, Role::User).await;
    let user = text(&client.query("{user {id}}", json!({})).await["user"]["id"]);
    let disable = async |disabled: bool| {
        app.query(UPDATE_USER, json!({"id": user, "data": {"disabled": disabled}}))
            .await
    };
    disable(true).await;
    refused(&client).await;
    disable(false).await;
    assert_eq!(client.query("{user {id}}", json!({})).await["user"]["id"], user);
}

#[tokio::test]
async fn a_new_role_counts_from_the_next_request_on() {
    let app = paused(Clock::default()).await;
    let client = app.as_role(ORGANIZATION, Role::Worker).await;
    let user = text(&client.query("{user {id}}", json!({})).await["user"]["id"]);
    client
        .expect_error("{webhooks {id}}", json!({}), "AUTHORIZATION_ERROR")
        .await;
    let changed = app
        .query(
            UPDATE_USER,
            json!({"id": user, "data": {"role": "ADMIN", "name": "Boss"}}),
        )
        .await;
    assert_eq!(
        (&changed["updateUser"]["role"], &changed["updateUser"]["name"]),
        (&json!("ADMIN"), &json!("Boss"))
    );
    client.query("{webhooks {id}}", json!({})).await;
}

#[tokio::test]
async fn an_expired_key_is_refused() {
    let clock = Clock::mock(START);
    let app = paused(clock.clone()).await;
    let data = json!({"name": "for a minute", "expiresAt": "2027-01-15T08:01:00Z"});
    let made = app.query(CREATE_KEY, json!({ "data": data })).await["createApiKey"].take();
    assert_eq!(made["apiKey"]["expiresAt"], "2027-01-15T08:01:00.000000Z");
    let client = app.client.with_key(&text(&made["key"]));
    clock.advance(Duration::from_secs(59));
    client.query("{user {id}}", json!({})).await;
    clock.advance(Duration::from_secs(1));
    refused(&client).await;
}

#[tokio::test]
async fn bad_input_about_people_and_keys_changes_nothing() {
    let app = paused(Clock::default()).await;
    let own = text(&app.query("{user {id}}", json!({})).await["user"]["id"]);
    let before = people(&app.client).await;
    let user = |email: &str, name: &str, role: &str| json!({"data": {"email": email, "name": name, "role": role}});
    let key = |data: Value| json!({ "data": data });
    let cases = [
        (CREATE_USER, user("no address", "A", "USER"), "BAD_USER_INPUT", "email"),
        (CREATE_USER, user("a@b c", "A", "USER"), "BAD_USER_INPUT", "email"),
        (CREATE_USER, user("a@b.c", "", "USER"), "BAD_USER_INPUT", "name"),
        (
            CREATE_USER,
            user("a@b.c", &"x".repeat(257), "USER"),
            "BAD_USER_INPUT",
            "name",
        ),
        (CREATE_USER, user("a@b.c", "A", "KING"), "BAD_USER_INPUT", "data.role"),
        (
            CREATE_USER,
            user("owner@localhost", "A", "USER"),
            "RESOURCE_CONFLICT",
            "",
        ),
        (
            UPDATE_USER,
            json!({"id": "unknown", "data": {"name": "A"}}),
            "RESOURCE_NOT_FOUND",
            "",
        ),
        (
            UPDATE_USER,
            json!({"id": own, "data": {"disabled": true}}),
            "OPERATION_NOT_ALLOWED",
            "",
        ),
        (
            UPDATE_USER,
            json!({"id": own, "data": {"role": "USER"}}),
            "OPERATION_NOT_ALLOWED",
            "",
        ),
        (CREATE_KEY, key(json!({"name": ""})), "BAD_USER_INPUT", "name"),
        (
            CREATE_KEY,
            key(json!({"name": "k", "projects": []})),
            "BAD_USER_INPUT",
            "projects",
        ),
        (
            CREATE_KEY,
            key(json!({"name": "k", "projects": ["unknown"]})),
            "RESOURCE_NOT_FOUND",
            "",
        ),
        (
            CREATE_KEY,
            key(json!({"name": "k", "user": {"connect": {"id": "unknown"}}})),
            "RESOURCE_NOT_FOUND",
            "",
        ),
        (
            CREATE_KEY,
            key(json!({"name": "k", "expiresAt": "tomorrow"})),
            "BAD_USER_INPUT",
            "data.expiresAt",
        ),
        (REVOKE_KEY, json!({"id": "unknown"}), "RESOURCE_NOT_FOUND", ""),
    ];
    for (text, variables, code, field) in cases {
        let error = app.client.expect_error(text, variables.clone(), code).await;
        if !field.is_empty() {
            assert_eq!(error["extensions"]["field"], field, "{variables}: {error}");
        }
    }
    assert_eq!(people(&app.client).await, before);
}

async fn people(client: &Client) -> Value {
    client
        .query(
            "{organization {users {id email name role disabled updatedAt} apiKeys {id revokedAt}}}",
            json!({}),
        )
        .await
}

#[tokio::test]
async fn roles_give_no_more_than_they_have() {
    let app = paused(Clock::default()).await;
    let owner = text(&app.query("{user {id}}", json!({})).await["user"]["id"]);
    let admin = app.as_role(ORGANIZATION, Role::Admin).await;
    let manager = app.as_role(ORGANIZATION, Role::WorkforceManager).await;
    let user = app.as_role(ORGANIZATION, Role::User).await;
    let before = people(&app.client).await;
    let new = |role: &str| json!({"data": {"email": "new@example.com", "name": "New", "role": role}});
    let for_owner = json!({"data": {"name": "k", "user": {"connect": {"id": owner}}}});
    for (client, text, variables) in [
        (&admin, CREATE_USER, new("OWNER")),
        (&admin, UPDATE_USER, json!({"id": owner, "data": {"name": "Mine"}})),
        (&admin, CREATE_KEY, for_owner.clone()),
        (&manager, CREATE_USER, new("ADMIN")),
        (&manager, CREATE_KEY, for_owner.clone()),
        (&user, CREATE_USER, new("WORKER")),
        (&user, UPDATE_USER, json!({"id": owner, "data": {"name": "Mine"}})),
        (&user, CREATE_KEY, for_owner),
    ] {
        client.expect_error(text, variables, "AUTHORIZATION_ERROR").await;
    }
    assert_eq!(people(&app.client).await, before);
    manager.query(CREATE_USER, new("WORKER")).await;
}

#[tokio::test]
async fn a_key_limited_to_a_project_sees_that_project_alone() {
    let app = paused(Clock::default()).await;
    let (own, other) = (Desk::set(&app.client).await, Desk::set(&app.client).await);
    let (label, hidden) = (own.submit("{}").await, other.submit("{}").await);
    let data = json!({"name": "limited", "projects": [own.project]});
    let made = app.query(CREATE_KEY, json!({ "data": data })).await["createApiKey"].take();
    assert_eq!(made["apiKey"]["projects"], json!([{"id": own.project}]));
    let limited = app.client.with_key(&text(&made["key"]));
    assert_eq!(
        ids(&limited.query("{projects {id}}", json!({})).await["projects"]),
        [&own.project]
    );
    let show = "query($id: ID!) {label(where: {id: $id}) {id}}";
    assert_eq!(limited.query(show, json!({ "id": label })).await["label"]["id"], label);
    limited
        .expect_error(show, json!({ "id": hidden }), "RESOURCE_NOT_FOUND")
        .await;
    let save = "mutation($id: ID!) {updateLabel(where: {id: $id}, data: {label: \"{}\"}) {id}}";
    limited
        .expect_error(save, json!({ "id": hidden }), "RESOURCE_NOT_FOUND")
        .await;
    limited
        .expect_error(
            CREATE_USER,
            json!({"data": {"email": "a@b.c", "name": "A", "role": "USER"}}),
            "AUTHORIZATION_ERROR",
        )
        .await;
    let wider = json!({"data": {"name": "wider", "projects": [other.project]}});
    limited.expect_error(CREATE_KEY, wider, "RESOURCE_NOT_FOUND").await;
    let same = limited.query(CREATE_KEY, json!({"data": {"name": "same"}})).await["createApiKey"].take();
    assert_eq!(
        same["apiKey"]["projects"],
        json!([{"id": own.project}]),
        "never more than its own"
    );
}

/// Everything that one organization has, by the query that shows it.
async fn belongings(app: &TestApp, owner: &Client) -> Vec<(&'static str, String)> {
    let desk = Desk::set(owner).await;
    let label = desk.submit("{}").await;
    let webhook = desk
        .webhook("http://127.0.0.1:9/hook", &["LABEL_CREATED"], json!({}))
        .await;
    let review = desk.review(&label, 1.0).await;
    desk.submit("{}").await;
    app.deliver().await;
    let make = "mutation($project: ID!, $row: ID!) {createBatch(data: {name: \"b\", project: {connect: {id: $project}}, dataRows: [$row]}) {id}}";
    let batch = owner
        .query(make, json!({"project": desk.project, "row": desk.row}))
        .await;
    let log = owner
        .query(
            "{notifications {nodes {id event {id}}} user {id} organization {id} tasks {nodes {id}}}",
            json!({}),
        )
        .await;
    let node = &log["notifications"]["nodes"][0];
    let (stage, run) = webhook_stage(owner, &desk.project).await;
    vec![
        ("project", desk.project),
        ("dataset", desk.dataset),
        ("dataRow", desk.row),
        ("label", label),
        ("review", review),
        ("webhook", webhook),
        ("notification", text(&node["id"])),
        ("event", text(&node["event"]["id"])),
        ("user", text(&log["user"]["id"])),
        ("task", text(&log["tasks"]["nodes"][0]["id"])),
        ("stage", stage),
        ("stageRun", run),
        ("", text(&batch["createBatch"]["id"])),
        ("", text(&log["organization"]["id"])),
    ]
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

#[tokio::test]
async fn two_organizations_know_nothing_of_each_other() {
    let app = paused(Clock::default()).await;
    let stranger = app.as_role("Another organization", Role::Owner).await;
    let own = belongings(&app, &app.client).await;
    let foreign = belongings(&app, &stranger).await;
    for (client, mine, theirs) in [(&app.client, &own, &foreign), (&stranger, &foreign, &own)] {
        for ((noun, id), (_, foreign)) in mine.iter().zip(theirs) {
            let node = "query($ids: [ID!]!, $id: ID!) {nodes(ids: $ids) {id} node(id: $id) {id}}";
            let found = client.query(node, json!({"ids": [id, foreign], "id": foreign})).await;
            assert_eq!(found, json!({"nodes": [{ "id": id }, null], "node": null}), "{noun}");
            if noun.is_empty() {
                continue;
            }
            let show = format!("query($id: ID!) {{found: {noun}(where: {{id: $id}}) {{id}}}}");
            assert_eq!(
                client.query(&show, json!({ "id": id })).await["found"]["id"],
                *id,
                "{noun}"
            );
            client
                .expect_error(&show, json!({ "id": foreign }), "RESOURCE_NOT_FOUND")
                .await;
        }
    }
}

#[tokio::test]
async fn lists_show_ones_own_organization_alone() {
    let app = paused(Clock::default()).await;
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
    let app = paused(Clock::default()).await;
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
