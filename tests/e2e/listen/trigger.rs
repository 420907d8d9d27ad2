//! Tests of `labelhook trigger`: a sample of every topic arrives at the running listeners.

use harness::{KEY, TestApp, TestReceiver};
use serde_json::json;

use super::{Listening, run};
use crate::desk::Desk;

const TOPICS: [&str; 11] = [
    "LABEL_CREATED",
    "LABEL_UPDATED",
    "LABEL_DELETED",
    "REVIEW_CREATED",
    "REVIEW_UPDATED",
    "WORKFLOW_ACTION",
    "PING",
    "WEBHOOK_DISABLED",
    "WEBHOOK_FAILING",
    "WEBHOOK_RECOVERED",
    "NOTIFICATION_FAILED",
];

/// Runs `labelhook trigger` to its end. Returns whether it succeeded, and its output.
async fn triggered(app: &TestApp, arguments: &[&str]) -> (bool, String) {
    let mut process = run(&app.url(), KEY, &[&["trigger"], arguments].concat());
    let success = process.ended().await.success();
    (success, process.said().join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_every_topic_is_heard_and_is_a_test() {
    let (app, local) = (TestApp::start().await, TestReceiver::start().await);
    let listening = Listening::start(&app.client, &app.url(), &local, &["--topics", "LABEL_CREATED"]).await;
    for (index, topic) in TOPICS.into_iter().enumerate() {
        let (success, said) = triggered(&app, &[&topic.to_lowercase()]).await;
        assert!(success && said.contains(topic), "{said}");
        let request = local.wait_for(index + 1).await.remove(index);
        assert_eq!(request.header("x-labelbox-event"), topic);
        harness::signature::assert_standard(&listening.secret, &request.headers, &request.body);
        listening.process.line_with(topic).await;
    }
    let log = app
        .query("{events(first: 100) {nodes {topic isTest}}}", json!({}))
        .await;
    let events = log["events"]["nodes"].as_array().expect("a list");
    assert_eq!(events.len(), TOPICS.len());
    assert!(events.iter().all(|event| event["isTest"] == true), "{log:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_goes_to_one_webhook_or_to_the_listeners_of_a_project() {
    let (app, local, other) = (
        TestApp::start().await,
        TestReceiver::start().await,
        TestReceiver::start().await,
    );
    let (desk, elsewhere) = (Desk::set(&app.client).await, Desk::set(&app.client).await);
    let webhook = desk.listener(&other, json!({})).await;
    let (success, said) = triggered(&app, &["LABEL_CREATED", "--webhook", &webhook]).await;
    assert!(success, "{said}");
    assert_eq!(other.wait_for(1).await[0].header("x-labelbox-event"), "LABEL_CREATED");
    let more = ["--project", &desk.project];
    let _listening = Listening::start(&app.client, &app.url(), &local, &more).await;
    let (success, said) = triggered(&app, &["LABEL_DELETED", "--project", &desk.project]).await;
    assert!(success, "{said}");
    local.wait_for(1).await;
    let (success, said) = triggered(&app, &["LABEL_DELETED", "--project", &elsewhere.project]).await;
    assert!(!success && said.contains("nobody listens"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_known_is_answered_with_those_that_are() {
    let app = TestApp::start().await;
    let (success, said) = triggered(&app, &["LABEL_PAINTED"]).await;
    assert!(!success && TOPICS.iter().all(|topic| said.contains(topic)), "{said}");
    let query = "mutation {triggerEvent(data: {topic: REVIEW_DELETED}) {id}}";
    let refused = app.client.expect_error(query, json!({}), "BAD_USER_INPUT").await;
    let reason = refused["extensions"]["reason"].as_str().expect("a reason");
    assert!(TOPICS.iter().all(|topic| reason.contains(topic)), "{reason}");
    let query = "mutation {triggerEvent(data: {topic: PING}) {id}}";
    app.client.expect_error(query, json!({}), "OPERATION_NOT_ALLOWED").await;
}
