//! Every attempt is on record: what was sent, what came back or why nothing did, and how long it took.

use std::time::Duration;

use harness::{Answer, Start, TestApp};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Scene;
use crate::desk::Desk;

const ATTEMPTS: &str = "{notifications(first: 1) {nodes {status responseCode attempts {number startedAt durationMs
    request {method url headers body} response {status headers body bodyTruncated} error {kind message}}}}}";

async fn recorded(app: &TestApp) -> Value {
    app.query(ATTEMPTS, json!({})).await["notifications"]["nodes"][0].take()
}

#[tokio::test]
async fn request_and_response_are_recorded_as_they_were() {
    let scene = Scene::set().await;
    let answer = Answer::status(500)
        .header("x-tag", "a")
        .header("x-tag", "b")
        .body("out of order");
    scene.receiver.then([answer]);
    let more = json!({"authType": "BEARER", "bearerToken": "token", "headers": {"X-Team": "blue"},
        "retryPolicy": {"delaysMs": [1_000], "jitter": 0.0}});
    scene.desk.listener(&scene.receiver, more).await;
    scene.desk.submit("{\"a\": \"ü\"}").await;
    scene.deliver().await;
    let received = scene.later(Duration::from_secs(1)).await;
    let recorded = recorded(&scene.app).await;
    assert_eq!(
        (&recorded["status"], &recorded["responseCode"]),
        (&json!("SUCCEEDED"), &json!(200))
    );
    let attempts = recorded["attempts"].as_array().expect("a list");
    assert_eq!(attempts.len(), 2);
    for (index, (attempt, one)) in attempts.iter().zip(&received).enumerate() {
        assert_eq!(attempt["number"], index + 1);
        assert_eq!(attempt["startedAt"], format!("2027-01-15T08:00:0{index}.000000Z"));
        assert!(attempt["durationMs"].as_u64().is_some() && attempt["error"].is_null());
        let request = &attempt["request"];
        assert_eq!(
            (&request["method"], &request["url"]),
            (&json!("POST"), &json!(scene.receiver.url("hook")))
        );
        assert_eq!(request["body"].as_str().expect("a body").as_bytes(), &one.body[..]);
        for name in [
            "webhook-id",
            "webhook-signature",
            "x-hub-signature",
            "x-labelbox-id",
            "content-type",
        ] {
            assert_eq!(request["headers"][name], one.header(name), "{name}");
        }
        assert_eq!(
            (&request["headers"]["authorization"], &request["headers"]["x-team"]),
            (&json!("***"), &json!("***"))
        );
    }
    let first = &attempts[0]["response"];
    assert_eq!(
        (&first["status"], &first["body"]),
        (&json!(500), &json!("out of order"))
    );
    assert_eq!(
        (&first["headers"]["x-tag"], &first["bodyTruncated"]),
        (&json!("a, b"), &json!(false))
    );
}

#[tokio::test]
async fn a_long_answer_is_kept_to_64_kib_and_an_endless_one_is_not_read_on() {
    let scene = Scene::set().await;
    scene.receiver.then([
        Answer::status(200).body("x".repeat(100 << 10)),
        Answer::status(200).endless_body("y".repeat(1 << 10)),
    ]);
    scene.desk.listener(&scene.receiver, json!({})).await;
    for filling in ["x", "y"] {
        scene.desk.submit("{}").await;
        scene.deliver().await;
        let recorded = recorded(&scene.app).await;
        assert_eq!(recorded["status"], "SUCCEEDED", "what came was a delivery");
        let response = &recorded["attempts"][0]["response"];
        assert_eq!(
            (&response["body"], &response["bodyTruncated"]),
            (&json!(filling.repeat(64 << 10)), &json!(true))
        );
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_shown_with_replacements() {
    let scene = Scene::set().await;
    let answer = Answer::status(200)
        .header("x-raw", b"caf\xe9")
        .header("content-encoding", "gzip");
    scene.receiver.then([answer.body(&b"\x1f\x8b\x08ok\xff"[..])]);
    scene.desk.listener(&scene.receiver, json!({})).await;
    scene.desk.submit("{}").await;
    scene.deliver().await;
    let response = &recorded(&scene.app).await["attempts"][0]["response"];
    assert_eq!(response["headers"]["x-raw"], "caf\u{fffd}");
    assert_eq!(
        response["body"], "\u{1f}\u{fffd}\u{8}ok\u{fffd}",
        "kept as it came, never decompressed"
    );
}

#[tokio::test]
async fn a_redirect_is_recorded_and_never_followed() {
    let scene = Scene::set().await;
    scene
        .receiver
        .then([Answer::status(302).header("location", scene.receiver.url("elsewhere"))]);
    scene.desk.listener(&scene.receiver, json!({})).await;
    scene.desk.submit("{}").await;
    assert_eq!(scene.deliver().await.len(), 1);
    let recorded = recorded(&scene.app).await;
    assert_eq!(
        (&recorded["status"], &recorded["responseCode"]),
        (&json!("RETRYING"), &json!(302))
    );
    let attempt = &recorded["attempts"][0];
    assert_eq!(
        (&attempt["error"]["kind"], &attempt["response"]["status"]),
        (&json!("REDIRECT"), &json!(302))
    );
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_has_a_kind() {
    let scene = Scene::set().await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address");
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let quiet = silent.local_addr().expect("an address");
    let cases = [
        (format!("http://{closed}/hook"), "CONNECT"),
        ("http://no-such-host.invalid/hook".to_owned(), "DNS"),
        ("http://169.254.169.254/latest".to_owned(), "BLOCKED_ADDRESS"),
        ("http://10.0.0.1/hook".to_owned(), "BLOCKED_ADDRESS"),
        ("http://[::ffff:10.0.0.1]/hook".to_owned(), "BLOCKED_ADDRESS"),
        (format!("http://{quiet}/hook"), "TIMEOUT"),
        (format!("https://{}/hook", scene.receiver.address()), "TLS"),
    ];
    for (url, kind) in cases {
        let limit = if kind == "TIMEOUT" { 1_000 } else { 30_000 };
        let id = scene
            .desk
            .webhook(&url, &["LABEL_CREATED"], json!({ "timeoutMs": limit }))
            .await;
        scene.desk.submit("{}").await;
        scene.deliver().await;
        let recorded = recorded(&scene.app).await;
        let attempt = &recorded["attempts"][0];
        assert_eq!(attempt["error"]["kind"], kind, "{url}: {attempt:#}");
        assert!(attempt["response"].is_null() && !attempt["error"]["message"].as_str().expect("text").is_empty());
        assert_eq!(
            (&recorded["status"], &recorded["responseCode"]),
            (&json!("RETRYING"), &Value::Null)
        );
        crate::desk::update_webhook(&scene.app.client, &id, json!({"status": "INACTIVE"})).await;
    }
}

#[tokio::test]
async fn records_and_what_is_due_survive_a_restart() {
    let app = TestApp::with(Start {
        paused: true,
        ..Start::default()
    })
    .await;
    let receiver = harness::TestReceiver::start().await;
    receiver.then([Answer::status(500)]);
    let desk = Desk::set(&app.client).await;
    desk.listener(&receiver, json!({"retryPolicy": {"delaysMs": [0]}}))
        .await;
    desk.submit("{}").await;
    assert!(receiver.received().is_empty(), "nobody delivers yet");
    let app = app.restarted(Start::default()).await;
    let received = receiver.wait_for(2).await;
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    harness::deadline::until("the second attempt is recorded", || async {
        recorded(&app).await["attempts"].as_array().map(Vec::len) == Some(2)
    })
    .await;
}
