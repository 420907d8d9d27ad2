//! Tests of the authentication of deliveries: every `authType` in both dialects, verified by third-party code.

use harness::{Received, Start, TestApp, TestReceiver, signature};
use serde_json::{Value, json};

use crate::desk::{Desk, SECRET, merge, text};

/// A label with text that is easily corrupted: characters beyond ASCII, quotes, spaces.
const LABEL: &str = r#"{"tools": [], "classifications": [{"title": "Croissànt \"frais\"", "answer": "yes"}]}"#;

/// Submits a label and returns its delivery to a webhook with these inputs, by a service with default settings.
async fn delivered(more: Value) -> (TestApp, Desk, String, Received) {
    let (app, receiver) = (TestApp::start().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    desk.webhook(&receiver.url("hook?to=us"), &["LABEL_CREATED"], more)
        .await;
    let label = desk.submit(LABEL).await;
    let received = receiver.wait_for(1).await.remove(0);
    (app, desk, label, received)
}

#[tokio::test]
async fn a_submitted_label_arrives_in_labelboxes_form() {
    let (app, desk, label, received) = delivered(json!({})).await;
    let body = received.json();
    assert_eq!(
        (received.method.as_str(), received.path.as_str()),
        ("POST", "/hook?to=us")
    );
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(received.header("x-labelbox-event"), "LABEL_CREATED");
    let digest = signature::hub_sha1(SECRET, &received.body);
    assert_eq!(received.header("x-hub-signature"), format!("sha1={digest}"));
    assert_eq!(
        received.header("x-hub-signature-256"),
        signature::hub_sha256(SECRET, &received.body)
    );
    signature::assert_standard(SECRET, &received.headers, &received.body);
    assert!(received.headers.get("authorization").is_none());

    assert_eq!((&body["id"], &body["label"]), (&json!(label), &json!(LABEL)));
    assert_eq!(
        (&body["secondsToLabel"], &body["deleted"]),
        (&json!(9.581), &json!(false))
    );
    assert_eq!(
        (&body["project"]["id"], &body["project"]["name"]),
        (&json!(desk.project), &json!("Trees"))
    );
    assert_eq!(
        (&body["dataRow"]["id"], &body["dataRow"]["externalId"]),
        (&json!(desk.row), &json!("tree.jpg"))
    );
    assert_eq!(
        (&body["dataset"]["id"], &body["dataset"]["description"]),
        (&json!(desk.dataset), &json!(""))
    );
    assert!(text(&body["user"]["email"]).contains('@'));
    let created = text(&body["createdAt"]);
    assert!(
        created.len() == 20 && created.ends_with('Z'),
        "whole seconds: {created}"
    );

    let log = app.query("{notifications {nodes {id event {id}}}}", json!({})).await;
    let recorded = &log["notifications"]["nodes"][0];
    assert_eq!(recorded["id"], received.header("x-labelbox-id"));
    assert_eq!(recorded["event"]["id"], received.header("webhook-id"));
}

#[tokio::test]
async fn a_submitted_label_arrives_in_angos_form() {
    let (_app, desk, label, received) = delivered(json!({"payloadFormat": "ANGO"})).await;
    let body = received.json();
    assert_eq!(
        received.header("x-hub-signature"),
        signature::hub_sha1(SECRET, &received.body),
        "bare hex"
    );
    assert_eq!(
        received.header("x-hub-signature-256"),
        signature::hub_sha256(SECRET, &received.body)
    );
    signature::assert_standard(SECRET, &received.headers, &received.body);
    assert!(received.headers.get("x-labelbox-id").is_none() && received.headers.get("x-labelbox-event").is_none());
    assert_eq!(
        (&body["projectId"], &body["assetId"]),
        (&json!(desk.project), &json!(desk.row))
    );
    assert_eq!(
        (&body["externalId"], &body["task"]["taskId"]),
        (&json!("tree.jpg"), &json!(label))
    );
    assert_eq!(body["task"]["classifications"][0]["title"], "Croissànt \"frais\"");
    assert_eq!((&body["dataset"], &body["overlay"]), (&json!([]), &json!([])));
    assert_eq!(body["task"]["totalDuration"], 9_581);
}

#[tokio::test]
async fn none_sends_nothing_to_verify() {
    for format in ["LABELBOX", "ANGO"] {
        let (_app, _, _, received) = delivered(json!({"authType": "NONE", "payloadFormat": format})).await;
        let proofs = [
            "authorization",
            "x-hub-signature",
            "x-hub-signature-256",
            "webhook-signature",
        ];
        assert!(
            proofs.iter().all(|name| received.headers.get(*name).is_none()),
            "{:#?}",
            received.headers
        );
        assert!(!received.header("webhook-id").is_empty() && !received.header("webhook-timestamp").is_empty());
    }
}

#[tokio::test]
async fn bearer_and_header_send_their_value_and_sign_when_there_is_a_secret() {
    let bearer = json!({"authType": "BEARER", "bearerToken": "a token"});
    let header = json!({"authType": "HEADER", "authorizationHeader": "Basic dXNlcjpwYXNz"});
    for (input, value) in [(bearer, "Bearer a token"), (header, "Basic dXNlcjpwYXNz")] {
        let (_app, _, _, received) = delivered(input.clone()).await;
        assert_eq!(received.header("authorization"), value);
        signature::assert_standard(SECRET, &received.headers, &received.body);
        let mut unsigned = input;
        merge(&mut unsigned, json!({"payloadFormat": "ANGO"}));
        let (app, desk, ..) = delivered(unsigned).await;
        drop((app, desk));
    }
}

#[tokio::test]
async fn a_bearer_webhook_without_a_secret_is_not_signed() {
    let (app, receiver) = (TestApp::start().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    let make = "mutation($url: String!, $project: ID!) {createWebhook(data: {project: {id: $project}, url: $url,
        topics: {set: [LABEL_CREATED]}, authType: BEARER, bearerToken: \"token\"}) {id}}";
    let variables = json!({"url": receiver.url("hook"), "project": desk.project});
    app.query(make, variables).await;
    desk.submit(LABEL).await;
    let received = receiver.wait_for(1).await.remove(0);
    assert_eq!(received.header("authorization"), "Bearer token");
    assert!(received.headers.get("x-hub-signature").is_none() && received.headers.get("webhook-signature").is_none());
}

#[tokio::test]
async fn custom_headers_are_sent_beside_ours() {
    let headers = json!({"X-Team": "blue", "User-Agent": "theirs", "x-empty": ""});
    let (_app, _, _, received) = delivered(json!({ "headers": headers })).await;
    assert_eq!((received.header("x-team"), received.header("x-empty")), ("blue", ""));
    assert_eq!(received.header("user-agent"), "theirs");
    let (_app, _, _, plain) = delivered(json!({})).await;
    assert!(plain.header("user-agent").starts_with("Labelhook/"));
}

#[tokio::test]
async fn a_standard_webhooks_secret_is_read_in_both_of_its_ways() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (_app, _, _, received) = delivered(json!({ "secret": secret })).await;
    signature::assert_standard(secret, &received.headers, &received.body);
    let digest = signature::hub_sha1(secret, &received.body);
    assert_eq!(
        received.header("x-hub-signature"),
        format!("sha1={digest}"),
        "the bytes as typed"
    );
}

#[tokio::test]
async fn a_changed_webhook_signs_and_sends_by_its_new_settings_at_once() {
    let (app, receiver) = (TestApp::start().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    let id = desk.webhook(&receiver.url("old"), &["LABEL_CREATED"], json!({})).await;
    desk.submit(LABEL).await;
    receiver.wait_for(1).await;
    let change = json!({"url": receiver.url("new"), "payloadFormat": "ANGO", "authType": "BEARER", "bearerToken": "t"});
    crate::desk::update_webhook(&app.client, &id, change).await;
    desk.submit(LABEL).await;
    let received = receiver.wait_for(2).await.remove(1);
    assert_eq!(
        (received.path.as_str(), received.header("authorization")),
        ("/new", "Bearer t")
    );
    assert_eq!(
        received.header("x-hub-signature"),
        signature::hub_sha1(SECRET, &received.body)
    );
}

#[tokio::test]
async fn the_bytes_of_a_label_of_two_mebibytes_arrive_whole() {
    let start = Start {
        paused: true,
        ..Start::default()
    };
    let (app, receiver) = (TestApp::with(start).await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    desk.listener(&receiver, json!({})).await;
    let label = "ü".repeat(1 << 20);
    desk.submit(&label).await;
    app.deliver().await;
    let [received] = <[_; 1]>::try_from(receiver.received()).expect("one request");
    assert_eq!(received.json()["label"], label);
    signature::assert_standard(SECRET, &received.headers, &received.body);
}
