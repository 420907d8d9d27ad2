//! `labelhook listen` and `labelhook trigger`, the real binary against a service, with a receiver as the local server. What
//! a client of its own meets stands in [`protocol`], what breaks on the way in [`faults`].

mod faults;
mod protocol;
mod trigger;

use std::ffi::OsStr;

use harness::{Answer, Client, KEY, Process, Start, TestApp, TestReceiver, binary, signature};
use labelhook_core::Clock;
use serde_json::{Value, json};

use crate::desk::{Desk, text};

pub const LOG: &str = "{notifications {nodes {id status waitReason attemptCount webhook {id}
    attempts {response {status headers body bodyTruncated} request {url headers body} error {kind message}}}}}";

/// The clock of tests that move it: a moment of today, since signatures are checked by the real one.
pub fn clock() -> Clock {
    Clock::mock(Clock::default().now())
}

/// A command that asks this service.
pub fn run(server: &str, key: &str, arguments: &[&str]) -> Process {
    let settings = [
        ("LABELHOOK_SERVER", server),
        ("LABELHOOK_API_KEY", key),
        ("LABELHOOK_LOG", "warn"),
    ];
    let environment = settings.map(|(name, value)| (name, OsStr::new(value)));
    Process::start(binary(), arguments, &environment)
}

/// A running `labelhook listen` with the id of its webhook and its secret.
pub struct Listening {
    pub process: Process,
    pub webhook: String,
    pub secret: String,
}

impl Listening {
    /// Starts it, and waits until it is told what happens.
    pub async fn start(client: &Client, server: &str, receiver: &TestReceiver, more: &[&str]) -> Self {
        let url = receiver.url("local?a=b");
        let arguments = [&["listen", "--forward-to", &url][..], more].concat();
        let process = run(server, KEY, &arguments);
        let word = |line: String| line.split_whitespace().nth(1).expect("a word").replace(',', "");
        let webhook = word(process.line_with("webhook ").await);
        let secret = word(process.line_with("secret ").await);
        there(client, &webhook).await;
        Self {
            process,
            webhook,
            secret,
        }
    }
}

/// Waits until a webhook's listener is there.
pub async fn there(client: &Client, webhook: &str) {
    let ask = "query($id: ID!) {webhook(where: {id: $id}) {listening}}";
    harness::deadline::until("the listener is there", || async {
        client.query(ask, json!({ "id": webhook })).await["webhook"]["listening"] == true
    })
    .await;
}

/// A service that delivers when the test says so, by the test's clock.
pub async fn stepped(clock: &Clock) -> TestApp {
    TestApp::with(Start {
        clock: clock.clone(),
        paused: true,
        ..Start::default()
    })
    .await
}

/// The one notification of the log.
pub async fn logged(client: &Client) -> Value {
    let mut log = client.query(LOG, json!({})).await["notifications"]["nodes"].take();
    assert_eq!(log.as_array().map(Vec::len), Some(1), "{log:#}");
    log[0].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_server_gets_what_an_address_would_get_and_its_answer_is_on_record() {
    let (app, local, other) = (
        TestApp::start().await,
        TestReceiver::start().await,
        TestReceiver::start().await,
    );
    let desk = Desk::set(&app.client).await;
    let answer = Answer::status(201).header("x-answer", "yes").body("thanks");
    local.answer(answer);
    let more = [
        "--project",
        &desk.project,
        "--secret",
        "example_secret",
        "--topics",
        "label_created,REVIEW_CREATED",
    ];
    let listening = Listening::start(&app.client, &app.url(), &local, &more).await;
    desk.webhook(&other.url("hook"), &["LABEL_CREATED"], json!({})).await;
    desk.submit("{\"trees\": \"Croissànt\"}").await;
    let (here, there) = (local.wait_for(1).await.remove(0), other.wait_for(1).await.remove(0));
    assert_eq!((&here.body, &*here.path), (&there.body, "/local?a=b"));
    let names = |headers: &http::HeaderMap| {
        headers
            .keys()
            .map(|name| name.to_string())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(&here.headers), names(&there.headers));
    for same in [
        "webhook-id",
        "x-hub-signature",
        "x-hub-signature-256",
        "content-type",
        "user-agent",
        "x-labelbox-event",
    ] {
        assert_eq!(here.header(same), there.header(same), "{same}");
    }
    signature::assert_standard(&listening.secret, &here.headers, &here.body);
    let line = listening.process.line_with("→ 201").await;
    let id = here.header("x-labelbox-id");
    assert!(
        line.contains("LABEL_CREATED") && line.contains(id) && line.contains(" ms"),
        "{line}"
    );

    let query = "query($id: ID!) {notification(where: {id: $id}) {status attempts {
        request {url headers body} response {status headers body bodyTruncated} error {kind}}}}";
    harness::deadline::until("the answer is recorded", || async {
        let found = app.query(query, json!({ "id": id })).await;
        found["notification"]["status"] == "SUCCEEDED"
    })
    .await;
    let attempt = app.query(query, json!({ "id": id })).await["notification"]["attempts"][0].take();
    assert_eq!(attempt["request"]["url"], local.url("local?a=b"));
    assert_eq!(
        attempt["request"]["headers"]["webhook-signature"],
        here.header("webhook-signature")
    );
    let response = &attempt["response"];
    assert_eq!(
        (&response["status"], &response["body"]),
        (&json!(201), &json!("thanks")),
        "{attempt:#}"
    );
    assert_eq!(response["headers"]["x-answer"], "yes");
    assert_eq!(
        (&response["bodyTruncated"], &attempt["error"]),
        (&json!(false), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_fails_is_tried_again_by_the_ordinary_policy() {
    let (clock, local) = (clock(), TestReceiver::start().await);
    let app = stepped(&clock).await;
    local.then([
        Answer::status(500).body(vec![b'x'; 70_000]),
        Answer::status(503).header("retry-after", "600"),
        Answer::status(200).body(vec![0xff, 0xfe]),
    ]);
    let listening = Listening::start(&app.client, &app.url(), &local, &[]).await;
    let desk = Desk::set(&app.client).await;
    desk.submit("{}").await;
    app.deliver().await;
    let sent = logged(&app.client).await;
    let response = &sent["attempts"][0]["response"];
    assert_eq!(
        (&sent["status"], &response["status"]),
        (&json!("RETRYING"), &json!(500))
    );
    assert_eq!(
        (text(&response["body"]).len(), &response["bodyTruncated"]),
        (64 * 1024, &json!(true))
    );
    clock.advance(std::time::Duration::from_secs(7));
    app.deliver().await;
    clock.advance(std::time::Duration::from_secs(599));
    app.deliver().await;
    assert_eq!(local.received().len(), 2, "Retry-After holds");
    clock.advance(std::time::Duration::from_secs(1));
    app.deliver().await;
    let sent = logged(&app.client).await;
    assert_eq!(
        (&sent["status"], &sent["attemptCount"]),
        (&json!("SUCCEEDED"), &json!(3))
    );
    assert_eq!(sent["attempts"][2]["response"]["body"], "\u{fffd}\u{fffd}");
    listening.process.line_with("attempt 3").await;
    let ids: Vec<_> = local
        .received()
        .iter()
        .map(|request| request.header("webhook-id").to_owned())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_removes_the_webhook_and_cancels_what_waited() {
    let (clock, local) = (clock(), TestReceiver::start().await);
    let app = stepped(&clock).await;
    let mut listening = Listening::start(&app.client, &app.url(), &local, &[]).await;
    let listed = "{webhooks {id isListener listening url}}";
    let found = app.query(listed, json!({})).await["webhooks"].take();
    assert_eq!(
        found,
        json!([{"id": listening.webhook, "isListener": true, "listening": true, "url": local.url("local?a=b")}])
    );
    Desk::set(&app.client).await.submit("{}").await;
    listening.process.interrupt();
    assert!(listening.process.ended().await.success());
    listening.process.line_with("removed the webhook").await;
    assert_eq!(app.query(listed, json!({})).await["webhooks"], json!([]));
    app.deliver().await;
    assert_eq!(logged(&app.client).await["status"], "CANCELED");
    let gone = "query($id: ID!) {webhook(where: {id: $id}) {status statusReason listening}}";
    let gone = app.query(gone, json!({"id": listening.webhook})).await;
    let expected = json!({"status": "REVOKED", "statusReason": "its listener was closed", "listening": false});
    assert_eq!(gone["webhook"], expected);
    assert!(local.received().is_empty());
}
