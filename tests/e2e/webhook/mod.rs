//! Tests that webhooks are registered, changed and listed as Labelbox's clients do it, and that their secrets are never
//! shown. [`refusals`] tests refused input, [`shapes`] tests filters and payload queries.

mod refusals;
mod rights;
mod rotation;
mod shapes;
mod shield;

use std::time::Duration;

use entity::Timestamp;
use harness::{Answer, Start, TestApp, TestReceiver};
use labelhook_core::Clock;
use serde_json::{Value, json};

use crate::desk::{Desk, create_webhook, ids, text, update_webhook};

/// The fields that the Labelbox SDK queries of every webhook.
const FIELDS: &str = "createdAt status topics id updatedAt url";

async fn paused() -> TestApp {
    TestApp::with(Start {
        paused: true,
        ..Start::default()
    })
    .await
}

#[tokio::test]
async fn the_documented_forms_of_create_webhook_work_with_and_without_commas() {
    let app = paused().await;
    let project = Desk::set(&app.client).await.project;
    let forms = [
        format!(
            "mutation CreateWebhookPyApi {{ createWebhook(data:{{project:{{id:\"{project}\"}}, \
             topics:{{set:[LABEL_CREATED LABEL_DELETED]}}, url:\"https://example.com/a\", secret:\"s\" }}){{{FIELDS}}} }}"
        ),
        format!(
            "mutation {{ createWebhook(data: {{project: {{id: \"{project}\"}}, url: \"https://example.com/a\", \
             secret: \"s\", topics: {{set: [LABEL_CREATED, LABEL_DELETED]}}}}) {{{FIELDS}}} }}"
        ),
        format!(
            "mutation{{createWebhook(data:{{url:\"https://example.com/a\" secret:\"s\" \
             topics:{{set:[LABEL_CREATED LABEL_DELETED]}}}}){{{FIELDS}}}}}"
        ),
    ];
    for form in forms {
        let made = &app.query(&form, json!(null)).await["createWebhook"];
        assert_eq!(made["topics"], json!(["LABEL_CREATED", "LABEL_DELETED"]));
        assert_eq!(
            (&made["status"], &made["url"]),
            (&json!("ACTIVE"), &json!("https://example.com/a"))
        );
        assert_eq!(made["createdAt"], made["updatedAt"]);
        assert!(is_labelbox_time(&made["createdAt"]), "{made}");
    }
}

/// Returns whether a time has the form that `strptime("%Y-%m-%dT%H:%M:%S.%fZ")` reads, with exactly six digits.
fn is_labelbox_time(value: &Value) -> bool {
    let text = text(value);
    let (_, fraction) = text.split_once('.').unwrap_or_default();
    text.len() == 27 && fraction.len() == 7 && fraction.ends_with('Z')
}

#[tokio::test]
async fn the_documented_forms_of_update_webhook_change_any_subset() {
    let app = paused().await;
    let made = Desk::set(&app.client)
        .await
        .webhook("https://example.com/a", &["LABEL_CREATED"], json!({}))
        .await;
    let update = async |arguments: &str| {
        let arguments = arguments.replace("ID", &made);
        let document = format!("mutation UpdateWebhookPyApi {{ updateWebhook({arguments}){{{FIELDS}}}}}");
        let shown = app.query(&document, json!(null)).await["updateWebhook"].take();
        (text(&shown["url"]), shown["topics"].clone(), text(&shown["status"]))
    };
    let (url, topics) = (
        "https://example.com/b".to_owned(),
        json!(["REVIEW_CREATED", "LABEL_UPDATED"]),
    );
    let all = "where: {id: \"ID\"} data:{topics: {set: [REVIEW_CREATED LABEL_UPDATED]}, \
               url: \"https://example.com/b\", status: ACTIVE}";
    assert_eq!(update(all).await, (url.clone(), topics.clone(), "ACTIVE".into()));
    let revoked = update("where: {id: \"ID\"} data:{status: REVOKED}").await;
    assert_eq!(revoked, (url.clone(), topics.clone(), "REVOKED".into()));
    let deleted = update("data:{status: INACTIVE} where:{id:\"ID\"}").await;
    assert_eq!(deleted, (url.clone(), topics.clone(), "INACTIVE".into()));
    assert_eq!(update("where: {id: \"ID\"}, data: {}").await, deleted);
    let again = update("where: {id: \"ID\"}, data: {status: ACTIVE}").await;
    assert_eq!(again, (url, topics, "ACTIVE".into()));
}

#[tokio::test]
async fn an_update_that_changes_nothing_leaves_updated_at_alone() {
    let clock = Clock::mock(Timestamp(1_800_000_000_000_000));
    let app = TestApp::with(Start {
        paused: true,
        clock: clock.clone(),
        ..Start::default()
    })
    .await;
    let desk = Desk::set(&app.client).await;
    let id = desk
        .webhook(
            "https://example.com/a",
            &["LABEL_CREATED"],
            json!({"description": "first"}),
        )
        .await;
    let before = shown(&app, &id).await;
    clock.advance(Duration::from_secs(3600));
    for same in [
        json!({}),
        json!({"status": "ACTIVE", "url": "https://example.com/a"}),
        json!({"topics": {"set": ["LABEL_CREATED"]}, "description": "first", "timeoutMs": 15_000}),
    ] {
        update_webhook(&app.client, &id, same).await;
        assert_eq!(shown(&app, &id).await, before);
    }
    update_webhook(&app.client, &id, json!({"description": "second"})).await;
    let after = shown(&app, &id).await;
    assert_eq!(after["description"], "second");
    assert_eq!(after["updatedAt"], "2027-01-15T09:00:00.000000Z");
    assert_eq!(after["createdAt"], before["createdAt"]);
}

/// Returns all visible fields of a webhook.
async fn shown(app: &TestApp, id: &str) -> Value {
    app.query(
        "query($id: ID!) {webhook(where: {id: $id}) {id url topics status statusReason project {id} organization {id}
            createdBy {id} createdAt updatedAt description payloadFormat authType headers
            retryPolicy {maxAttempts delaysMs jitter} timeoutMs maxInFlight rateLimit {requests perMs} secrets {id createdAt expiresAt}}}",
        json!({ "id": id }),
    )
    .await["webhook"]
        .take()
}

#[tokio::test]
async fn a_webhook_has_the_documented_defaults() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    let id = desk
        .webhook("https://example.com/a", &["LABEL_CREATED"], json!({}))
        .await;
    let shown = shown(&app, &id).await;
    assert_eq!(shown["project"]["id"], desk.project);
    assert_eq!(
        (&shown["payloadFormat"], &shown["authType"]),
        (&json!("LABELBOX"), &json!("SECRET"))
    );
    assert_eq!(
        (&shown["timeoutMs"], &shown["description"]),
        (&json!(15_000), &Value::Null)
    );
    assert_eq!(
        (&shown["headers"], &shown["statusReason"]),
        (&Value::Null, &Value::Null)
    );
    let minutes = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(|seconds| seconds * 1_000);
    let policy = json!({"maxAttempts": 10, "delaysMs": minutes, "jitter": 0.2});
    assert_eq!(shown["retryPolicy"], policy);
    assert_eq!(shown["rateLimit"], Value::Null);
    assert_eq!(shown["secrets"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_rate_limit_is_shown_kept_changed_and_cleared() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    let (slow, fast) = (
        json!({"requests": 1, "perMs": 3_600_000}),
        json!({"requests": 100_000, "perMs": 1}),
    );
    let more = json!({ "rateLimit": slow });
    let id = desk.webhook("https://example.com/a", &["LABEL_CREATED"], more).await;
    assert_eq!(shown(&app, &id).await["rateLimit"], slow);
    for (update, expected) in [
        (json!({"description": "another"}), &slow),
        (json!({ "rateLimit": fast }), &fast),
        (json!({ "rateLimit": null }), &Value::Null),
        (json!({ "rateLimit": slow }), &slow),
    ] {
        update_webhook(&app.client, &id, update.clone()).await;
        assert_eq!(&shown(&app, &id).await["rateLimit"], expected, "{update}");
    }
    let literal = "mutation($id: ID!) {updateWebhook(where: {id: $id}, data: {rateLimit: null}) {rateLimit {perMs}}}";
    let cleared = app.query(literal, json!({ "id": id })).await;
    assert_eq!(cleared["updateWebhook"]["rateLimit"], Value::Null);
}

#[tokio::test]
async fn a_topic_given_twice_is_kept_once_at_its_first_place() {
    let app = paused().await;
    let topics = ["REVIEW_UPDATED", "LABEL_CREATED", "REVIEW_UPDATED", "LABEL_DELETED"];
    let data = json!({"url": "https://example.com/a", "secret": "s", "topics": {"set": topics}});
    let id = create_webhook(&app.client, data).await;
    let expected = json!(["REVIEW_UPDATED", "LABEL_CREATED", "LABEL_DELETED"]);
    assert_eq!(shown(&app, &id).await["topics"], expected);
}

#[tokio::test]
async fn webhooks_are_listed_by_project_by_organization_and_by_filter() {
    let app = paused().await;
    let (desk, other) = (Desk::set(&app.client).await, Desk::set(&app.client).await);
    let topics = ["LABEL_CREATED"];
    let first = desk.webhook("https://example.com/1", &topics, json!({})).await;
    let second = desk.webhook("https://example.com/2", &topics, json!({})).await;
    let third = other.webhook("https://example.com/3", &topics, json!({})).await;
    let wide = desk
        .webhook("https://example.com/4", &topics, json!({"project": null}))
        .await;
    update_webhook(&app.client, &second, json!({"status": "INACTIVE"})).await;

    let lists = "query($id: ID!) {
        project(where: {id: $id}) {webhooks(skip: 0 first: 100) {id}
            newest: webhooks(skip: 0 first: 100 orderBy: createdAt_DESC) {id}}
        organization {webhooks(skip: 0 first: 100) {id}}
        webhooks {id} inactive: webhooks(where: {status: INACTIVE}) {id}
        page: webhooks(orderBy: createdAt_ASC, skip: 1, first: 2) {id} none: webhooks(first: 0) {id}}";
    let lists = app.query(lists, json!({"id": desk.project})).await;
    let (own, all) = ([&first, &second], [&first, &second, &third, &wide]);
    assert_eq!(ids(&lists["project"]["webhooks"]), own);
    assert_eq!(ids(&lists["project"]["newest"]), [&second, &first]);
    assert_eq!(ids(&lists["organization"]["webhooks"]), all);
    assert_eq!(ids(&lists["webhooks"]), all);
    assert_eq!(ids(&lists["inactive"]), [&second]);
    assert_eq!(ids(&lists["page"]), [&second, &third]);
    assert!(ids(&lists["none"]).is_empty());
    let document = "query GetWebhookProjectPyApi($param_0: ID!){webhook(where: {id: $param_0}){project{id}}}";
    let found = app.query(document, json!({ "param_0": wide })).await;
    assert_eq!(found, json!({"webhook": {"project": null}}));
}

#[tokio::test]
async fn what_is_secret_about_a_webhook_is_in_no_answer_and_not_in_the_database() {
    let app = paused().await;
    let receiver = TestReceiver::start().await;
    receiver.then([Answer::status(500)]);
    let desk = Desk::set(&app.client).await;
    let secrets = ["s3cr3t-of-the-webhook", "t0ken-of-the-bearer", "v4lue-of-a-header"];
    let more = json!({"secret": secrets[0], "authType": "BEARER", "bearerToken": secrets[1],
        "headers": {"X-Team": secrets[2]}});
    let id = desk.webhook(&receiver.url("hook"), &["LABEL_CREATED"], more).await;
    desk.submit("{}").await;
    app.deliver().await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].header("x-team"), secrets[2], "it was sent all the same");

    let log = "{notifications {nodes {requestHeaders responseHeaders responseBody
        attempts {request {url headers body} response {headers body} error {message}}}}}";
    let preview = "query($id: ID!) {previewRequest(data: {webhook: {id: $id}}) {url headers body}}";
    let answers = [
        shown(&app, &id).await,
        app.query(log, json!({})).await,
        app.query(preview, json!({ "id": id })).await,
    ];
    assert_eq!(answers[0]["headers"], json!(["X-Team"]), "names are shown");
    for (answer, secret) in answers.iter().flat_map(|answer| secrets.map(|secret| (answer, secret))) {
        assert!(!answer.to_string().contains(secret), "{secret} in {answer:#}");
    }
    let stored = app.stored().await;
    for secret in secrets {
        assert!(!contains(&stored, secret), "{secret} lies open in the database");
    }
    assert!(!contains(&stored, harness::KEY), "API keys are kept hashed");
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn the_secret_is_shown_once_in_the_form_that_standard_webhooks_libraries_take() {
    let app = paused().await;
    let create = |more: &str| {
        format!(
            "mutation {{createWebhook(data: {{url: \"https://example.com/a\", topics: {{set: [LABEL_CREATED]}} {more}}}) \
             {{id signingSecret}}}}"
        )
    };
    let made = &app.query(&create("secret: \"example_secret\""), json!({})).await["createWebhook"];
    assert_eq!(made["signingSecret"], "whsec_ZXhhbXBsZV9zZWNyZXQ=");
    let again = "query($id: ID!) {webhook(where: {id: $id}) {signingSecret}}";
    let found = app.query(again, json!({"id": made["id"]})).await;
    assert_eq!(found["webhook"]["signingSecret"], json!(null));
    let update = "mutation($id: ID!) {updateWebhook(where: {id: $id}, data: {description: \"d\"}) {signingSecret}}";
    let changed = app.query(update, json!({"id": made["id"]})).await;
    assert_eq!(changed["updateWebhook"]["signingSecret"], json!(null));
    for unsigned in ["authType: NONE", "authType: NONE, secret: \"s\""] {
        let made = &app.query(&create(unsigned), json!({})).await["createWebhook"];
        assert_eq!(made["signingSecret"], json!(null), "{unsigned}");
    }
}
