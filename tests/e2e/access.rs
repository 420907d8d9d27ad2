//! Access: users and keys come and go over the API, and each does what its role and its projects allow.

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
