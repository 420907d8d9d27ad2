//! Tests of the retention of logs and of captured responses, through the API and the settings.

use std::time::Duration;

use entity::Role;
use harness::{ORGANIZATION, Start, TestApp, TestReceiver};
use labelhook_core::{Clock, background};
use serde_json::{Value, json};

use crate::desk::{Desk, update_webhook};

const DAYS: &str = "mutation($days: Int) {updateOrganization(data: {retentionDays: $days}) {retentionDays}}";
const CAPTURE: &str = "query($id: ID!) {webhook(where: {id: $id}) {capture capturePercent}}";

async fn paused(clock: Clock) -> TestApp {
    TestApp::with(Start {
        paused: true,
        clock,
        ..Start::default()
    })
    .await
}

#[tokio::test]
async fn an_organization_says_for_how_many_days_it_keeps_its_log() {
    let app = paused(Clock::default()).await;
    let shown =
        async || app.query("{organization {retentionDays}}", json!({})).await["organization"]["retentionDays"].take();
    assert_eq!(shown().await, Value::Null);
    let set = app.query(DAYS, json!({"days": 7})).await;
    assert_eq!(set["updateOrganization"]["retentionDays"], 7);
    app.query("mutation {updateOrganization(data: {}) {id}}", json!({}))
        .await;
    assert_eq!(shown().await, 7, "what is absent stays");
    for days in [0, 3_651] {
        let error = app
            .client
            .expect_error(DAYS, json!({"days": days}), "BAD_USER_INPUT")
            .await;
        assert!(error.to_string().contains("retentionDays"), "{error}");
    }
    let user = app.as_role(ORGANIZATION, Role::User).await;
    user.expect_error(DAYS, json!({"days": 1}), "AUTHORIZATION_ERROR").await;
    assert_eq!(shown().await, 7);
    let admin = app.as_role(ORGANIZATION, Role::Admin).await;
    admin.query(DAYS, json!({"days": null})).await;
    assert_eq!(shown().await, Value::Null);
    let stranger = app.as_role("Another organization", Role::Owner).await;
    stranger.query(DAYS, json!({"days": 3})).await;
    assert_eq!(shown().await, Value::Null, "each its own");
}

#[tokio::test]
async fn what_was_removed_is_gone_from_the_api() {
    let clock = Clock::mock(Clock::default().now());
    let app = paused(clock.clone()).await;
    let desk = Desk::set(&app.client).await;
    let receiver = TestReceiver::start().await;
    desk.listener(&receiver, json!({})).await;
    desk.submit("{}").await;
    app.deliver().await;
    let log = "{notifications {nodes {id event {id}}} events(first: 10) {edges {cursor}}}";
    let before = app.query(log, json!({})).await;
    let id = &before["notifications"]["nodes"][0]["id"];
    app.query(DAYS, json!({"days": 2})).await;
    app.as_role("Another organization", Role::Owner).await;
    clock.advance(Duration::from_secs(3 * 24 * 3_600));
    background::retention::run_until_idle(&app.app)
        .await
        .expect("the database answers");
    let after = app.query(log, json!({})).await;
    assert_eq!(after["notifications"]["nodes"], json!([]));
    let show = "query($id: ID!) {notification(where: {id: $id}) {id}}";
    app.client
        .expect_error(show, json!({"id": id}), "RESOURCE_NOT_FOUND")
        .await;
    let again = "mutation($id: ID!) {redeliverNotification(where: {id: $id}) {id}}";
    app.client
        .expect_error(again, json!({"id": id}), "RESOURCE_NOT_FOUND")
        .await;
}

#[tokio::test]
async fn which_answers_are_kept_is_set_shown_and_changed() {
    let app = paused(Clock::default()).await;
    let desk = Desk::set(&app.client).await;
    let plain = desk
        .webhook("https://example.com/a", &["LABEL_CREATED"], json!({}))
        .await;
    let given = json!({"capture": "SAMPLE", "capturePercent": 10});
    let set = desk.webhook("https://example.com/b", &["LABEL_CREATED"], given).await;
    let shown = async |id: &str| app.query(CAPTURE, json!({"id": id})).await["webhook"].take();
    assert_eq!(shown(&plain).await, json!({"capture": "FULL", "capturePercent": null}));
    assert_eq!(shown(&set).await, json!({"capture": "SAMPLE", "capturePercent": 10}));
    update_webhook(&app.client, &set, json!({"capture": "FAILURES"})).await;
    assert_eq!(
        shown(&set).await,
        json!({"capture": "FAILURES", "capturePercent": null})
    );
    let change = "mutation($id: ID!, $data: WebhookUpdateInput!) {updateWebhook(where: {id: $id}, data: $data) {id}}";
    for data in [
        json!({"capture": "SAMPLE"}),
        json!({"capturePercent": 5}),
        json!({"capture": "SAMPLE", "capturePercent": 101}),
    ] {
        let variables = json!({"id": set, "data": data});
        let error = app.client.expect_error(change, variables, "BAD_USER_INPUT").await;
        assert!(error.to_string().contains("capturePercent"), "{error}");
    }
    assert_eq!(
        shown(&set).await,
        json!({"capture": "FAILURES", "capturePercent": null})
    );
}

#[tokio::test]
async fn an_answer_that_is_not_kept_says_so() {
    let app = paused(Clock::default()).await;
    let desk = Desk::set(&app.client).await;
    let receiver = TestReceiver::start().await;
    desk.listener(&receiver, json!({"capture": "FAILURES"})).await;
    desk.submit("{}").await;
    app.deliver().await;
    let log =
        "{notifications {nodes {status attempts {request {body headers} response {status captured headers body}}}}}";
    let data = app.query(log, json!({})).await;
    let row = &data["notifications"]["nodes"][0];
    assert_eq!(row["status"], "SUCCEEDED");
    let response = json!({"status": 200, "captured": false, "headers": {}, "body": ""});
    assert_eq!(row["attempts"][0]["response"], response);
    assert!(
        row["attempts"][0]["request"]["body"]
            .as_str()
            .is_some_and(|body| body.len() > 100)
    );
}
