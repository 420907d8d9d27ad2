//! Tests of faults during a delivery: of the listener, the local server, the service, and the connection.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::time::Duration;

use harness::{Answer, Gate, Home, KEY, Process, Socket, TestApp, TestReceiver, binary};
use serde_json::{Value, json};

use super::{Listening, clock, logged, run, stepped, there};
use crate::desk::Desk;

const DELIVERIES: &str = "subscription($id: ID!) {deliveries(where: {id: $id}) {id attempt}}";
const ANSWER: &str = "mutation($id: ID!) {answerDelivery(data: {delivery: $id, status: 200})}";

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_killed_mid_delivery_has_failed_it_and_the_next_one_gets_it_again() {
    let (clock, local, gate) = (clock(), TestReceiver::start().await, Gate::default());
    let app = stepped(&clock).await;
    local.answer(Answer::status(200).behind(&gate));
    let mut listening = Listening::start(&app.client, &app.url(), &local, &[]).await;
    Desk::set(&app.client).await.submit("{}").await;
    let killed = async {
        local.wait_for(1).await;
        listening.process.kill();
    };
    tokio::join!(killed, app.deliver());
    let sent = logged(&app.client).await;
    let error = &sent["attempts"][0]["error"];
    assert_eq!(
        (&sent["status"], &error["kind"]),
        (&json!("RETRYING"), &json!("LISTENER_GONE")),
        "{sent:#}"
    );
    clock.advance(Duration::from_secs(7));
    app.deliver().await;
    let waiting = logged(&app.client).await;
    assert_eq!(
        (&waiting["attemptCount"], &waiting["waitReason"]),
        (&json!(1), &json!("LISTENER"))
    );

    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    socket
        .subscribe("1", DELIVERIES, json!({"id": listening.webhook}))
        .await;
    there(&app.client, &listening.webhook).await;
    let answered = async {
        let delivery = socket.data().await["deliveries"].take();
        assert_eq!(delivery["attempt"], 2);
        socket.subscribe("2", ANSWER, json!({"id": delivery["id"]})).await;
    };
    tokio::join!(answered, app.deliver());
    assert_eq!(logged(&app.client).await["status"], "SUCCEEDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_server_that_is_not_there_or_does_not_answer_is_an_attempt_error() {
    let (clock, local) = (clock(), TestReceiver::start().await);
    let app = stepped(&clock).await;
    let listening = Listening::start(&app.client, &app.url(), &local, &[]).await;
    local.then([Answer::reset(), Answer::hang()]);
    Desk::set(&app.client).await.submit("{}").await;
    for (kind, place, limit) in [("CONNECT", 0, 30_000), ("TIMEOUT", 1, 1_000)] {
        let change = json!({ "timeoutMs": limit });
        crate::desk::update_webhook(&app.client, &listening.webhook, change).await;
        app.deliver().await;
        let sent = logged(&app.client).await;
        assert_eq!(sent["attempts"][place]["error"]["kind"], kind, "{sent:#}");
        clock.advance(Duration::from_secs(400));
    }
    let change = json!({"timeoutMs": 30_000});
    crate::desk::update_webhook(&app.client, &listening.webhook, change).await;
    listening.process.line_with("→ CONNECT (").await;
    listening.process.line_with("→ TIMEOUT (").await;
    drop(local);
    app.deliver().await;
    let sent = logged(&app.client).await;
    let error = &sent["attempts"][2]["error"];
    assert_eq!(
        (&error["kind"], &error["message"]),
        (&json!("CONNECT"), &json!("the receiver refused the connection"))
    );
}

/// Returns the address of a free port, to be used again later.
fn port() -> String {
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    taken.local_addr().expect("an address").to_string()
}

fn serve(home: &Home, listen: &str) -> Process {
    let arguments = ["serve", "--listen", listen];
    let settings = [("LABELHOOK_BOOTSTRAP_KEY", KEY), ("LABELHOOK_LOG", "warn")];
    let environment = home.environment().into_iter().chain(settings);
    let environment: Vec<_> = environment.map(|(name, value)| (name, OsStr::new(value))).collect();
    Process::start(binary(), &arguments, &environment)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_comes_back_after_the_server_was_killed_and_nothing_is_lost() {
    let home = Home::new().await;
    let (local, gate, listen) = (TestReceiver::start().await, Gate::default(), port());
    let mut service = serve(&home, &listen);
    let client = service.client(KEY).await;
    let listening = Listening::start(&client, &format!("http://{listen}"), &local, &[]).await;
    local.then([Answer::status(200).behind(&gate)]);
    let desk = Desk::set(&client).await;
    desk.submit("{}").await;
    local.wait_for(1).await;
    service.kill();
    listening.process.line_with("the connection is lost").await;
    gate.open();
    let service = serve(&home, &listen);
    let client = service.client(KEY).await;
    listening.process.line_with("connected again").await;
    let requests = local.wait_for(2).await;
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    assert_eq!(requests[0].body, requests[1].body);
    listening.process.line_with("→ 200").await;
    harness::deadline::until("it is recorded", || async {
        logged(&client).await["status"] == "SUCCEEDED"
    })
    .await;
    desk.submit_of(&desk.row("b.jpg").await, "{}").await;
    local.wait_for(3).await;
    let found = client.query("{webhooks {id}}", json!({})).await["webhooks"].take();
    assert_eq!(found, json!([{"id": listening.webhook}]), "one webhook, and the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_was_away_for_too_long_makes_another_webhook_with_the_same_secret() {
    let (clock, local) = (clock(), TestReceiver::start().await);
    let app = stepped(&clock).await;
    let through = Relay::start(app.url()).await;
    let listening = Listening::start(&app.client, &through.url, &local, &[]).await;
    through.cut();
    listening.process.line_with("the connection is lost").await;
    harness::deadline::until("it is gone", || async {
        let gone = "query($id: ID!) {webhook(where: {id: $id}) {listening}}";
        app.query(gone, json!({"id": listening.webhook})).await["webhook"]["listening"] == false
    })
    .await;
    app.deliver().await;
    clock.advance(Duration::from_secs(300));
    app.deliver().await;
    assert_eq!(app.query("{webhooks {id}}", json!({})).await["webhooks"], json!([]));
    through.mend();
    listening.process.line_with("making another with the same secret").await;
    harness::deadline::until("it listens again", || async {
        let found = app.query("{webhooks {listening}}", json!({})).await;
        found["webhooks"] == json!([{"listening": true}])
    })
    .await;
    Desk::set(&app.client).await.submit("{}").await;
    app.deliver().await;
    let request = local.wait_for(1).await.remove(0);
    harness::signature::assert_standard(&listening.secret, &request.headers, &request.body);
}

/// A proxy in front of a service, whose connections can be cut.
struct Relay {
    url: String,
    open: tokio::sync::watch::Sender<bool>,
}

impl Relay {
    async fn start(to: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (open, seen) = tokio::sync::watch::channel(true);
        let address = to.trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (address, mut seen) = (address.clone(), seen.clone());
                tokio::spawn(async move {
                    if !*seen.borrow() {
                        return;
                    }
                    let Ok(mut far) = tokio::net::TcpStream::connect(&address).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = seen.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { url, open }
    }

    fn cut(&self) {
        self.open.send_replace(false);
    }

    fn mend(&self) {
        self.open.send_replace(true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_listener_on_the_same_webhook_ends_the_first_which_says_why() {
    let (app, local) = (TestApp::start().await, TestReceiver::start().await);
    let mut listening = Listening::start(&app.client, &app.url(), &local, &[]).await;
    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    socket
        .subscribe("1", DELIVERIES, json!({"id": listening.webhook}))
        .await;
    assert!(!listening.process.ended().await.success());
    let said = listening.process.said().join("\n");
    assert!(said.contains("another listener has taken this webhook over"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_wrong_is_told_and_ends_the_command() {
    let app = TestApp::start().await;
    let worker = app.as_role("Other", entity::Role::Worker).await;
    let make = "mutation {createApiKey(data: {name: \"k\"}) {key}}";
    let key = worker.answer(make, json!({})).await.body["data"]["createApiKey"]["key"].take();
    let worker_key = key.as_str().unwrap_or_default().to_owned();
    let listen = ["listen", "--forward-to", "http://localhost:1/"];
    let cases: Vec<(String, &str, Vec<&str>, &str)> = vec![
        (app.url(), "lh_wrong", listen.to_vec(), "does not know the API key"),
        (
            app.url(),
            KEY,
            vec!["listen", "--forward-to", "localhost"],
            "--forward-to",
        ),
        (
            app.url(),
            KEY,
            [&listen[..], &["--topics", "NOPE"]].concat(),
            "LABEL_CREATED",
        ),
        (
            app.url(),
            KEY,
            [&listen[..], &["--project", "nope"]].concat(),
            "RESOURCE_NOT_FOUND",
        ),
        (
            app.url(),
            KEY,
            [&listen[..], &["--filter", "event.nope"]].concat(),
            "filter",
        ),
        ("http://127.0.0.1:1".into(), KEY, listen.to_vec(), "cannot be reached"),
        ("ftp://x".into(), KEY, listen.to_vec(), "--server"),
        (app.url(), &worker_key, listen.to_vec(), "AUTHORIZATION_ERROR"),
    ];
    for (server, key, arguments, reason) in cases {
        let mut process = run(&server, key, &arguments);
        let ended = process.ended().await;
        let said = process.said().join("\n");
        assert!(!ended.success() && said.contains(reason), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    let none: Value = app.query("{webhooks {id}}", json!({})).await;
    assert_eq!(none["webhooks"], json!([]));
}
