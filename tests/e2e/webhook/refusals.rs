//! Tests of refused input: the error has the code of the mistake and the name of the field, and nothing has changed.

use harness::Client;
use serde_json::{Value, json};

use super::{paused, shown};
use crate::desk::{Desk, merge};

const CREATE: &str = "mutation($data: WebhookCreateInput!) {createWebhook(data: $data) {id}}";
const UPDATE: &str =
    "mutation($id: ID!, $data: WebhookUpdateInput!) {updateWebhook(where: {id: $id}, data: $data) {id}}";
const UNKNOWN: &str = "00000000-0000-7000-8000-000000000000";

/// Returns inputs that are invalid for a new webhook and for an existing one, each with the field that the error names.
fn refused() -> Vec<(Value, &'static str)> {
    let (long_url, many) = (
        format!("https://example.com/{}", "x".repeat(2_029)),
        (0..33).map(|number| (format!("X-{number}"), json!("v"))).collect(),
    );
    vec![
        (json!({"topics": {"set": []}}), "topics"),
        (json!({"url": ""}), "url"),
        (json!({"url": "example.com/hook"}), "url"),
        (json!({"url": "ftp://example.com/hook"}), "url"),
        (json!({"url": "https:/abcdefghijklmnop"}), "url"),
        (json!({"url": "https://user:word@example.com/hook"}), "url"),
        (json!({"url": "https://example.com/hook#part"}), "url"),
        (json!({"url": "https://example.com/a hook"}), "url"),
        (json!({"url": "https://example.com:0/hook"}), "url"),
        (json!({ "url": long_url }), "url"),
        (json!({"headers": "{\"X-Team\": "}), "headers"),
        (json!({"headers": ["X-Team"]}), "headers"),
        (json!({"headers": {"X-Team": 1}}), "headers"),
        (json!({"headers": {"X-Team": "a\r\nX-Evil: 1"}}), "headers"),
        (json!({"headers": {"X Team": "blue"}}), "headers"),
        (json!({"headers": {"Host": "example.com"}}), "headers"),
        (json!({"headers": {"Content-Type": "text/plain"}}), "headers"),
        (json!({"headers": {"Authorization": "Bearer x"}}), "headers"),
        (json!({"headers": {"Webhook-Id": "x"}}), "headers"),
        (json!({"headers": {"X-Team": "x".repeat(8 * 1024)}}), "headers"),
        (json!({"headers": Value::Object(many)}), "headers"),
        (json!({"description": "x".repeat(2_001)}), "description"),
        (json!({"timeoutMs": 999}), "timeoutMs"),
        (json!({"timeoutMs": 30_001}), "timeoutMs"),
        (json!({"maxInFlight": 0}), "maxInFlight"),
        (json!({"maxInFlight": 257}), "maxInFlight"),
        (
            json!({"rateLimit": {"requests": 0, "perMs": 1_000}}),
            "rateLimit.requests",
        ),
        (
            json!({"rateLimit": {"requests": 100_001, "perMs": 1_000}}),
            "rateLimit.requests",
        ),
        (json!({"rateLimit": {"requests": 1, "perMs": 0}}), "rateLimit.perMs"),
        (
            json!({"rateLimit": {"requests": 1, "perMs": 3_600_001}}),
            "rateLimit.perMs",
        ),
        (json!({"retryPolicy": {"maxAttempts": 0}}), "retryPolicy.maxAttempts"),
        (json!({"retryPolicy": {"maxAttempts": 51}}), "retryPolicy.maxAttempts"),
        (json!({"retryPolicy": {"delaysMs": []}}), "retryPolicy.delaysMs"),
        (json!({"retryPolicy": {"delaysMs": [-1]}}), "retryPolicy.delaysMs"),
        (json!({"retryPolicy": {"jitter": 1.5}}), "retryPolicy.jitter"),
        (json!({"authType": "BEARER"}), "bearerToken"),
        (json!({"authType": "BEARER", "bearerToken": ""}), "bearerToken"),
        (json!({"authType": "BEARER", "bearerToken": "a\nb"}), "bearerToken"),
        (json!({"authType": "HEADER"}), "authorizationHeader"),
        (
            json!({"authType": "HEADER", "authorizationHeader": "a\u{7f}"}),
            "authorizationHeader",
        ),
    ]
}

#[tokio::test]
async fn bad_input_names_its_field_and_registers_nothing() {
    let app = paused().await;
    let project = Desk::set(&app.client).await.project;
    let secrets = [
        json!(""),
        json!(null),
        json!("x".repeat(1_025)),
        json!("whsec_not base64"),
    ];
    let secrets = secrets.map(|secret| (json!({ "secret": secret }), "secret"));
    for (fault, field) in refused().into_iter().chain(secrets) {
        let mut data = json!({"project": {"id": project}, "url": "https://example.com/hook", "secret": "s",
            "topics": {"set": ["LABEL_CREATED"]}});
        merge(&mut data, fault.clone());
        names(&app.client, CREATE, json!({ "data": data }), field).await;
    }
    let nul = json!({"url": "https://example.com/hook", "secret": "a\u{0}b", "topics": {"set": ["LABEL_CREATED"]}});
    names(&app.client, CREATE, json!({ "data": nul }), "data.secret").await;
    let registered = app.query("{webhooks {id}}", json!({})).await;
    assert_eq!(registered, json!({"webhooks": []}), "nothing changed");
}

#[tokio::test]
async fn bad_input_names_its_field_and_leaves_the_webhook_as_it_was() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    let id = desk
        .webhook("https://example.com/hook", &["LABEL_CREATED"], json!({}))
        .await;
    let before = shown(&app, &id).await;
    for (fault, field) in refused() {
        // A valid change beside the invalid one is not made either.
        let mut data = json!({"status": "REVOKED"});
        merge(&mut data, fault);
        names(&app.client, UPDATE, json!({"id": id, "data": data}), field).await;
    }
    assert_eq!(shown(&app, &id).await, before, "nothing changed");
}

async fn names(client: &Client, text: &str, variables: Value, field: &str) {
    let error = client.expect_error(text, variables.clone(), "BAD_USER_INPUT").await;
    let extensions = &error["extensions"];
    assert_eq!(extensions["field"], field, "{variables}: {error}");
    let reason = extensions["reason"].as_str().expect("a reason");
    assert!(!reason.is_empty() && error["message"].as_str().expect("a message").contains(reason));
}

#[tokio::test]
async fn words_that_are_no_topic_status_or_format_are_refused_in_literals_and_in_variables() {
    let app = paused().await;
    let literals = [
        "mutation {createWebhook(data: {url: \"https://e.com\", secret: \"s\", topics: {set: [NO_SUCH_TOPIC]}}) {id}}",
        "mutation {createWebhook(data: {url: \"https://e.com\", secret: \"s\", topics: {set: [\"PING\"]}}) {id}}",
        "mutation {createWebhook(data: {url: \"https://e.com\", secret: \"s\", topics: {set: [PING]}, payloadFormat: XML}) {id}}",
        "mutation {updateWebhook(where: {id: \"x\"}, data: {status: DELETED}) {id}}",
        "mutation {createWebhook(data: {url: \"https://e.com\", topics: {set: [PING]}, colour: \"red\"}) {id}}",
        "mutation {createWebhook(data: {secret: \"s\", topics: {set: [PING]}}) {id}}",
        "mutation {createWebhook(data: {url: 1, secret: \"s\", topics: {set: [PING]}}) {id}}",
    ];
    for text in literals {
        app.client
            .expect_error(text, json!({}), "GRAPHQL_VALIDATION_FAILED")
            .await;
    }
    let good = json!({"url": "https://example.com", "secret": "s", "topics": {"set": ["PING"]}});
    let variables = [
        (json!({"topics": {"set": ["NO_SUCH_TOPIC"]}}), "data.topics.set"),
        (json!({"payloadFormat": "XML"}), "data.payloadFormat"),
        (json!({"authType": "none"}), "data.authType"),
        (json!({"colour": "red"}), "data.colour"),
        (json!({"url": null}), "data.url"),
        (json!({"timeoutMs": "15000"}), "data.timeoutMs"),
        (json!({"rateLimit": {"requests": 1}}), "data.rateLimit"),
        (
            json!({"rateLimit": {"requests": null, "perMs": 1}}),
            "data.rateLimit.requests",
        ),
        (
            json!({"rateLimit": {"requests": 1.5, "perMs": 1}}),
            "data.rateLimit.requests",
        ),
        (json!({"rateLimit": 5}), "data.rateLimit"),
        (json!({"timeoutMs": 3_000_000_000_u32}), "data.timeoutMs"),
    ];
    for (fault, field) in variables {
        let mut data = good.clone();
        merge(&mut data, fault);
        let error = app
            .client
            .expect_error(CREATE, json!({ "data": data }), "BAD_USER_INPUT")
            .await;
        let named = error["extensions"]["field"].as_str().unwrap_or_default();
        assert!(named.starts_with(field), "{field}: {error}");
    }
    assert_eq!(app.query("{webhooks {id}}", json!({})).await, json!({"webhooks": []}));
}

#[tokio::test]
async fn unknown_foreign_and_deleted_projects_get_no_webhook() {
    let app = paused().await;
    let stranger = app.as_role("Another organization", entity::Role::Owner).await;
    let (desk, foreign) = (Desk::set(&app.client).await, Desk::set(&stranger).await);
    let input = |project: &str| {
        let data = json!({"project": {"id": project}, "url": "https://example.com", "secret": "s",
            "topics": {"set": ["LABEL_CREATED"]}});
        json!({ "data": data })
    };
    for id in [UNKNOWN, "no id at all", "", &foreign.project] {
        let error = app.client.expect_error(CREATE, input(id), "RESOURCE_NOT_FOUND").await;
        assert!(
            error["message"].as_str().expect("a message").contains("project"),
            "{error}"
        );
    }
    let delete = "mutation($id: ID!) {updateProject(where: {id: $id}, data: {deleted: true}) {id}}";
    app.query(delete, json!({"id": desk.project})).await;
    names(&app.client, CREATE, input(&desk.project), "project").await;
    assert_eq!(app.query("{webhooks {id}}", json!({})).await, json!({"webhooks": []}));
}

#[tokio::test]
async fn an_unknown_webhook_is_not_found() {
    let app = paused().await;
    for id in [UNKNOWN, "no id at all", ""] {
        for text in [
            "mutation($id: ID!) {updateWebhook(where: {id: $id}, data: {status: INACTIVE}) {id}}",
            "mutation($id: ID!) {pingWebhook(where: {id: $id}) {id}}",
            "query($id: ID!) {webhook(where: {id: $id}) {id}}",
            "query($id: ID!) {previewRequest(data: {webhook: {id: $id}}) {body}}",
        ] {
            let error = app
                .client
                .expect_error(text, json!({ "id": id }), "RESOURCE_NOT_FOUND")
                .await;
            assert!(
                error["message"].as_str().expect("a message").contains("webhook"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn pages_out_of_range_are_errors_and_not_smaller_pages() {
    let app = paused().await;
    let lists = [
        ("webhooks(first: 101)", "first"),
        ("webhooks(first: -1)", "first"),
        ("webhooks(skip: -1)", "skip"),
        ("notifications(first: 101)", "first"),
        ("notifications(first: 0)", "first"),
        ("notifications(last: 101)", "last"),
        ("notifications(first: 1, last: 1)", "last"),
        ("notifications(after: \"nonsense\")", "after"),
    ];
    for (list, field) in lists {
        let text = format!("{{{list} {{__typename}}}}");
        names(&app.client, &text, json!({}), field).await;
    }
}
