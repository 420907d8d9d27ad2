//! Tests of the rights to see and change webhooks: managers of webhooks in their own organization, and keys in their
//! own projects.

use entity::Role;
use harness::ORGANIZATION;
use serde_json::{Value, json};

use super::{paused, shown};
use crate::desk::{Desk, create_webhook, ids, text};

const CREATE: &str = "mutation($data: WebhookCreateInput!) {createWebhook(data: $data) {id}}";
const REVOKE: &str = "mutation($id: ID!) {updateWebhook(where: {id: $id}, data: {status: REVOKED}) {id}}";
const PING: &str = "mutation($id: ID!) {pingWebhook(where: {id: $id}) {id}}";
const SHOW: &str = "query($id: ID!) {webhook(where: {id: $id}) {id}}";
const PREVIEW: &str = "query($id: ID!) {previewRequest(data: {webhook: {id: $id}}) {body}}";

fn input(project: Value) -> Value {
    json!({"data": {"project": project, "url": "https://example.com", "secret": "s", "topics": {"set": ["LABEL_CREATED"]}}})
}

#[tokio::test]
async fn only_owners_and_admins_change_webhooks() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    let id = desk.webhook("https://example.com", &["LABEL_CREATED"], json!({})).await;
    let before = shown(&app, &id).await;
    for role in [Role::WorkforceManager, Role::User, Role::Worker] {
        let client = app.as_role(ORGANIZATION, role).await;
        for (text, variables) in [
            (CREATE, input(json!({"id": desk.project}))),
            (REVOKE, json!({ "id": id })),
            (PING, json!({ "id": id })),
            (PREVIEW, json!({ "id": id })),
        ] {
            let error = client.expect_error(text, variables, "AUTHORIZATION_ERROR").await;
            assert!(
                error["message"].as_str().expect("a message").contains(role.as_str()),
                "{error}"
            );
        }
    }
    assert_eq!(shown(&app, &id).await, before);
    let admin = app.as_role(ORGANIZATION, Role::Admin).await;
    admin.query(REVOKE, json!({ "id": id })).await;
    assert_eq!(shown(&app, &id).await["status"], "REVOKED");
}

#[tokio::test]
async fn workers_do_not_even_see_webhooks() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    let id = desk.webhook("https://example.com", &["LABEL_CREATED"], json!({})).await;
    let worker = app.as_role(ORGANIZATION, Role::Worker).await;
    for text in [SHOW, "query($id: ID!) {webhooks(where: {id: $id}) {id}}"] {
        worker
            .expect_error(text, json!({ "id": id }), "AUTHORIZATION_ERROR")
            .await;
    }
    worker
        .expect_error("{notifications {nodes {id}}}", json!({}), "AUTHORIZATION_ERROR")
        .await;
    let user = app.as_role(ORGANIZATION, Role::User).await;
    assert_eq!(user.query(SHOW, json!({ "id": id })).await["webhook"]["id"], id);
}

#[tokio::test]
async fn a_foreign_webhook_is_not_found_and_stays_as_it_was() {
    let app = paused().await;
    let stranger = app.as_role("Another organization", Role::Owner).await;
    let desk = Desk::set(&app.client).await;
    let id = desk.webhook("https://example.com", &["LABEL_CREATED"], json!({})).await;
    let before = shown(&app, &id).await;
    for text in [REVOKE, PING, SHOW, PREVIEW] {
        stranger
            .expect_error(text, json!({ "id": id }), "RESOURCE_NOT_FOUND")
            .await;
    }
    let lists = stranger
        .query("{webhooks {id} organization {webhooks {id}}}", json!({}))
        .await;
    assert!(ids(&lists["webhooks"]).is_empty() && ids(&lists["organization"]["webhooks"]).is_empty());
    assert_eq!(shown(&app, &id).await, before);
}

#[tokio::test]
async fn a_key_limited_to_a_project_sees_and_makes_webhooks_there_alone() {
    let app = paused().await;
    let (desk, other) = (Desk::set(&app.client).await, Desk::set(&app.client).await);
    let topics = ["LABEL_CREATED"];
    let own = desk.webhook("https://example.com/own", &topics, json!({})).await;
    let elsewhere = other.webhook("https://example.com/other", &topics, json!({})).await;
    let wide = desk
        .webhook("https://example.com/wide", &topics, json!({"project": null}))
        .await;
    let make = "mutation($project: ID!) {createApiKey(data: {name: \"limited\", projects: [$project]}) {key}}";
    let made = app.query(make, json!({"project": desk.project})).await;
    let limited = app.client.with_key(&text(&made["createApiKey"]["key"]));

    assert_eq!(
        ids(&limited.query("{webhooks {id}}", json!({})).await["webhooks"]),
        [&own]
    );
    for id in [&elsewhere, &wide] {
        for text in [SHOW, REVOKE, PING] {
            limited
                .expect_error(text, json!({ "id": id }), "RESOURCE_NOT_FOUND")
                .await;
        }
        assert_eq!(shown(&app, id).await["status"], "ACTIVE");
    }
    limited
        .expect_error(CREATE, input(json!(null)), "AUTHORIZATION_ERROR")
        .await;
    let foreign = input(json!({"id": other.project}));
    limited.expect_error(CREATE, foreign, "RESOURCE_NOT_FOUND").await;
    let second = create_webhook(&limited, input(json!({"id": desk.project}))["data"].take()).await;
    assert_eq!(
        ids(&limited.query("{webhooks {id}}", json!({})).await["webhooks"]),
        [&own, &second]
    );
}
