//! Tests of `Idempotency-Key` over HTTP: a mutation is executed once, and its repeats get the first response byte for
//! byte.

use axum::http::{HeaderMap, Request, StatusCode};
use entity::Timestamp;
use harness::{Answer, Client, Gate, Home, KEY, Service, Start, TestApp, TestReceiver};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use labelhook_core::Clock;
use serde_json::{Value, json};
use std::time::Duration;

use crate::desk::{Desk, text};

/// A response.
#[derive(Debug)]
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    fn code(&self) -> String {
        text(&self.json()["errors"][0]["extensions"]["code"])
    }

    fn replayed(&self) -> bool {
        self.headers
            .get("idempotency-replayed")
            .is_some_and(|value| value == "true")
    }
}

/// Sends a request with this API key and these further headers.
async fn ask(client: &Client, api_key: &str, headers: &[(&str, &[u8])], body: &Value) -> Answered {
    let mut request = Request::post(client.endpoint())
        .header("content-type", "application/json")
        .header("accept", "application/graphql-response+json")
        .header("authorization", format!("Bearer {api_key}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(bytes::Bytes::from(body.to_string())))
        .expect("a request");
    let http = legacy::Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = http.request(request).await.expect("an answer").into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    Answered {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).expect("UTF-8"),
    }
}

async fn once(client: &Client, key: &str, body: &Value) -> Answered {
    ask(client, KEY, &[("idempotency-key", key.as_bytes())], body).await
}

fn project(name: &str) -> Value {
    json!({
        "query": "mutation($name: String!) {createProject(data: {name: $name}) {id name createdAt}}",
        "variables": {"name": name}
    })
}

async fn projects(client: &Client) -> usize {
    let found = client.query("{projects {id}}", json!({})).await;
    found["projects"].as_array().expect("a list").len()
}

async fn paused() -> TestApp {
    TestApp::with(Start {
        paused: true,
        ..Start::default()
    })
    .await
}

#[tokio::test]
async fn the_same_request_is_carried_out_once_and_answered_the_same() {
    let app = paused().await;
    let first = once(&app.client, "k1", &project("Trees")).await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(!first.replayed());
    let again = once(&app.client, "k1", &project("Trees")).await;
    assert!(again.replayed());
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["content-type"], first.headers["content-type"]);
    assert_eq!(projects(&app.client).await, 1);
    let other = once(&app.client, "k2", &project("Trees")).await;
    assert_ne!(other.body, first.body, "another key is another request");
    assert_eq!(projects(&app.client).await, 2);
    ask(&app.client, KEY, &[], &project("Trees")).await;
    ask(&app.client, KEY, &[], &project("Trees")).await;
    assert_eq!(projects(&app.client).await, 4, "without a key nothing is remembered");
}

#[tokio::test]
async fn a_label_is_submitted_and_told_of_once() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    desk.webhook("https://example.com", &["LABEL_CREATED"], json!({})).await;
    let submit = json!({
        "query": "mutation($row: ID!, $project: ID!) {createLabel(data: {dataRow: {connect: {id: $row}}, label: \"{}\",
            secondsToLabel: 1, project: {connect: {id: $project}}}) {id}}",
        "variables": {"row": desk.row, "project": desk.project}
    });
    let first = once(&app.client, "k", &submit).await;
    assert!(first.json()["data"]["createLabel"]["id"].is_string(), "{}", first.body);
    let again = once(&app.client, "k", &submit).await;
    assert!(again.replayed() && again.body == first.body);
    let log = app.query("{notifications {nodes {id}}}", json!({})).await;
    assert_eq!(log["notifications"]["nodes"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_request_is_a_conflict() {
    let app = paused().await;
    once(&app.client, "k", &project("Trees")).await;
    let mut document = project("Trees");
    document["query"] = json!("mutation($name: String!) {createProject(data: {name: $name}) {id}}");
    let mut named = project("Trees");
    named["query"] = json!(format!(
        "{} query Q {{__typename}}",
        text(&named["query"]).replacen("mutation", "mutation M", 1)
    ));
    named["operationName"] = json!("M");
    for other in [project("Cars"), document, named] {
        let refused = once(&app.client, "k", &other).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert_eq!(refused.code(), "RESOURCE_CONFLICT");
    }
    assert_eq!(projects(&app.client).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_the_api_key_that_sent_it() {
    let app = paused().await;
    let first = once(&app.client, "k", &project("Trees")).await;
    let make = json!({"query": "mutation {createApiKey(data: {name: \"second\"}) {key}}"});
    let second = ask(&app.client, KEY, &[], &make).await.json();
    let second = text(&second["data"]["createApiKey"]["key"]);
    let own = ask(&app.client, &second, &[("idempotency-key", b"k")], &project("Trees")).await;
    assert!(!own.replayed() && own.body != first.body);
    assert_eq!(projects(&app.client).await, 2);
}

#[tokio::test]
async fn a_key_at_fault_is_refused_by_name_and_queries_ignore_it() {
    let app = paused().await;
    let long = "x".repeat(256);
    let twice: [(&str, &[u8]); 2] = [("idempotency-key", b"a"), ("idempotency-key", b"a")];
    let bad: [&[(&str, &[u8])]; 5] = [
        &[("idempotency-key", b"")],
        &[("idempotency-key", long.as_bytes())],
        &[("idempotency-key", b"a\tb")],
        &[("idempotency-key", b"\xff")],
        &twice,
    ];
    for headers in bad {
        let refused = ask(&app.client, KEY, headers, &project("Trees")).await;
        let error = refused.json();
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::BAD_REQUEST, "BAD_USER_INPUT")
        );
        assert_eq!(error["errors"][0]["extensions"]["field"], "Idempotency-Key");
        let query = ask(&app.client, KEY, headers, &json!({"query": "{__typename}"})).await;
        assert_eq!(query.body, r#"{"data":{"__typename":"Query"}}"#);
    }
    assert_eq!(projects(&app.client).await, 0);
    once(&app.client, "q", &json!({"query": "{projects {id}}"})).await;
    once(&app.client, "q", &project("Trees")).await;
    let seen = once(&app.client, "q", &json!({"query": "{projects {id}}"})).await;
    assert!(!seen.replayed() && seen.json()["data"]["projects"][0]["id"].is_string());
}

#[tokio::test]
async fn what_was_carried_out_and_refused_is_remembered_and_what_never_began_is_not() {
    let app = paused().await;
    let update = json!({"query": "mutation {updateProject(where: {id: \"unknown\"}, data: {name: \"x\"}) {id}}"});
    let refused = once(&app.client, "k", &update).await;
    assert_eq!(refused.code(), "RESOURCE_NOT_FOUND");
    let again = once(&app.client, "k", &update).await;
    assert!(again.replayed() && again.body == refused.body);

    for invalid in [
        json!({"query": "mutation {createProject(data: {name: 1}) {id}}"}),
        json!({"query": "mutation {createProject(data: {name: \"x\"}) {nothing}}"}),
        json!({"query": "mutation($n: String!) {createProject(data: {name: $n}) {id}}", "variables": {"n": 1}}),
        json!({"query": "mutation {"}),
    ] {
        let refused = once(&app.client, "fresh", &invalid).await;
        assert!(refused.json()["errors"].is_array(), "{}", refused.body);
    }
    let made = once(&app.client, "fresh", &project("Trees")).await;
    assert!(made.json()["data"]["createProject"]["id"].is_string(), "{}", made.body);
}

#[tokio::test]
async fn an_answer_is_forgotten_after_a_day() {
    let clock = Clock::mock(Timestamp(1_800_000_000_000_000));
    let app = TestApp::with(Start {
        paused: true,
        clock: clock.clone(),
        ..Start::default()
    })
    .await;
    once(&app.client, "k", &project("Trees")).await;
    clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert!(once(&app.client, "k", &project("Trees")).await.replayed());
    clock.advance(Duration::from_secs(1));
    assert!(!once(&app.client, "k", &project("Trees")).await.replayed());
    assert_eq!(projects(&app.client).await, 2);
}

/// Creates a webhook that does not answer until the gate opens. Returns the request that pings it.
async fn slow(client: &Client, receiver: &TestReceiver, gate: &Gate) -> Value {
    receiver.answer(Answer::status(200).body("at last").behind(gate));
    let id = Desk::set(client).await.listener(receiver, json!({})).await;
    json!({
        "query": "mutation($id: ID!) {pingWebhook(where: {id: $id}) {id status}}",
        "variables": {"id": id}
    })
}

#[tokio::test]
async fn a_repeat_while_the_first_still_runs_is_told_so_and_later_gets_its_answer() {
    let (app, receiver, gate) = (TestApp::start().await, TestReceiver::start().await, Gate::default());
    let ping = slow(&app.client, &receiver, &gate).await;
    let first = tokio::spawn({
        let (client, ping) = (app.client.clone(), ping.clone());
        async move { once(&client, "k", &ping).await }
    });
    receiver.wait_for(1).await;
    let early = once(&app.client, "k", &ping).await;
    assert_eq!(
        (early.status, early.code().as_str()),
        (StatusCode::CONFLICT, "RESOURCE_CONFLICT")
    );
    assert_eq!(early.headers["retry-after"], "1");
    gate.open();
    let first = first.await.expect("no panic");
    assert_eq!(first.json()["data"]["pingWebhook"]["status"], "SUCCEEDED");
    let again = once(&app.client, "k", &ping).await;
    assert!(again.replayed() && again.body == first.body);
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_comes_back_for_the_answer() {
    let (app, receiver, gate) = (TestApp::start().await, TestReceiver::start().await, Gate::default());
    let ping = slow(&app.client, &receiver, &gate).await;
    let gone = tokio::spawn({
        let (client, ping) = (app.client.clone(), ping.clone());
        async move { once(&client, "k", &ping).await }
    });
    receiver.wait_for(1).await;
    gone.abort();
    assert!(gone.await.expect_err("it is gone").is_cancelled());
    gate.open();
    harness::deadline::until("the answer is there", || async {
        let again = once(&app.client, "k", &ping).await;
        again.status == StatusCode::OK && again.replayed()
    })
    .await;
    assert_eq!(receiver.received().len(), 1, "it was carried out once");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_outlive_the_process_and_their_secrets_are_not_in_the_database() {
    let home = Home::new().await;
    let service = Service::start(&home).await;
    let make = json!({"query": "mutation {createApiKey(data: {name: \"second\"}) {key}}"});
    let first = once(&service.client, "k", &make).await;
    let key = text(&first.json()["data"]["createApiKey"]["key"]);
    service.kill();
    let stored = home.stored().await;
    assert!(!stored.windows(key.len()).any(|window| window == key.as_bytes()));
    let service = Service::start(&home).await;
    let again = once(&service.client, "k", &make).await;
    assert!(again.replayed() && again.body == first.body, "{}", again.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_process_died_after_its_commit_is_not_carried_out_again() {
    let home = Home::new().await;
    let (receiver, gate) = (TestReceiver::start().await, Gate::default());
    let service = Service::start(&home).await;
    let ping = slow(&service.client, &receiver, &gate).await;
    let asked = tokio::spawn({
        let (client, ping) = (service.client.clone(), ping.clone());
        async move {
            let body = Full::new(bytes::Bytes::from(ping.to_string()));
            let request = Request::post(client.endpoint())
                .header("content-type", "application/json")
                .header("authorization", format!("Bearer {KEY}"))
                .header("idempotency-key", "k");
            let http = legacy::Client::builder(TokioExecutor::new()).build_http();
            http.request(request.body(body).expect("a request")).await.is_err()
        }
    });
    receiver.wait_for(1).await;
    service.kill();
    assert!(asked.await.expect("no panic"), "no answer came");
    let service = Service::start(&home).await;
    for _ in 0..2 {
        let again = once(&service.client, "k", &ping).await;
        assert_eq!(
            (again.status, again.code().as_str()),
            (StatusCode::CONFLICT, "RESOURCE_CONFLICT")
        );
        // If there may be other nodes, a silent one counts as alive for a while.
        let is_other = servers::Database::is_postgres() && again.body.contains("is still being carried out");
        assert!(
            is_other || again.body.contains("its answer was not kept"),
            "{}",
            again.body
        );
    }
    let log = service.client.query("{notifications {nodes {id}}}", json!({})).await;
    assert_eq!(
        log["notifications"]["nodes"].as_array().expect("a list").len(),
        1,
        "one ping was made"
    );
    gate.open();
}
