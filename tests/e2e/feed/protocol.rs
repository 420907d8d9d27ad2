//! graphql-transport-ws to the letter: what is answered, and with which code a socket is closed.

use std::time::Duration;

use entity::Role;
use harness::{KEY, ORGANIZATION, Socket, Start, TestApp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{EVENTS, listening};
use crate::desk::{Desk, text};

async fn paused() -> TestApp {
    TestApp::with(Start {
        paused: true,
        ..Start::default()
    })
    .await
}

/// The code that a socket is closed with after these messages.
async fn closed_after(app: &TestApp, greeted: bool, messages: &[Message]) -> u16 {
    let mut socket = match greeted {
        true => Socket::greeted(app.client.endpoint(), KEY).await,
        false => Socket::silent(app.client.endpoint()).await,
    };
    for message in messages {
        socket.send(message.clone()).await;
    }
    socket.close_code().await
}

fn message(value: &Value) -> Message {
    Message::text(value.to_string())
}

#[tokio::test]
async fn each_breach_closes_the_socket_with_its_code() {
    let app = paused().await;
    let init =
        |key: &str| message(&json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {key}")}}));
    let start = || message(&json!({"id": "1", "type": "subscribe", "payload": {"query": EVENTS}}));
    let early = [
        (vec![message(&json!({"type": "connection_init"}))], 4401),
        (vec![init("unknown")], 4401),
        (
            vec![message(
                &json!({"type": "connection_init", "payload": {"Authorization": KEY}}),
            )],
            4401,
        ),
        (vec![start()], 4401),
        (vec![message(&json!({"type": "connection_init", "payload": "x"}))], 4400),
        (vec![Message::text("{")], 4400),
        (vec![Message::text("")], 4400),
        (vec![message(&json!({"type": "start", "id": "1", "payload": {}}))], 4400),
        (vec![Message::binary(vec![1, 2, 3])], 4400),
    ];
    for (messages, code) in early {
        assert_eq!(closed_after(&app, false, &messages).await, code, "{messages:?}");
    }
    let late = [
        (vec![init(KEY)], 4429),
        (vec![start(), start()], 4409),
        (vec![message(&json!({"id": "1", "type": "subscribe"}))], 4400),
        (
            vec![message(&json!({"id": "1", "type": "subscribe", "payload": []}))],
            4400,
        ),
        (
            vec![message(
                &json!({"id": "1", "type": "subscribe", "payload": {"query": 1}}),
            )],
            4400,
        ),
        (
            vec![message(&json!({"type": "subscribe", "payload": {"query": EVENTS}}))],
            4400,
        ),
        (vec![message(&json!({"type": "ü".repeat(10_000)}))], 4400),
        (vec![Message::binary(vec![0; 10])], 4400),
    ];
    for (messages, code) in late {
        let shown = format!("{messages:?}").chars().take(200).collect::<String>();
        assert_eq!(closed_after(&app, true, &messages).await, code, "{shown}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_its_socket() {
    let app = paused().await;
    let socket = Socket::greeted(app.client.endpoint(), KEY).await;
    let mut other = Socket::greeted(app.client.endpoint(), KEY).await;
    socket.ended_by(Message::text("x".repeat((4 << 20) + 1))).await;
    other.settle().await;
}

#[tokio::test]
async fn a_ping_is_answered_before_the_greeting() {
    let app = paused().await;
    let mut socket = Socket::silent(app.client.endpoint()).await;
    socket.say(json!({"type": "ping"})).await;
    assert_eq!(socket.hear().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn a_socket_that_does_not_say_who_it_is_is_closed() {
    let app = TestApp::with(Start {
        init_timeout: Some(Duration::from_millis(50)),
        ..Start::default()
    })
    .await;
    let mut socket = Socket::silent(app.client.endpoint()).await;
    // A ping says nothing of who it is. It may be answered, or come too late.
    socket.say(json!({"type": "ping"})).await;
    assert_eq!(socket.close_code().await, 4408);
}

#[tokio::test]
async fn only_our_subprotocol_is_spoken() {
    let app = paused().await;
    for headers in [vec![], vec![("sec-websocket-protocol", "graphql-ws")]] {
        match Socket::open(app.client.endpoint(), &headers)
            .await
            .map_err(|error| *error)
        {
            Err(Error::Http(response)) => assert_eq!(response.status(), 400),
            other => panic!("not refused: {:?}", other.err()),
        }
    }
}

#[tokio::test]
async fn the_key_may_come_with_the_handshake() {
    let app = paused().await;
    let key = format!("Bearer {KEY}");
    let headers = [
        ("sec-websocket-protocol", "graphql-transport-ws"),
        ("authorization", key.as_str()),
    ];
    let mut socket = Socket::open(app.client.endpoint(), &headers)
        .await
        .expect("a socket opens");
    socket.say(json!({"type": "connection_init"})).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
}

#[tokio::test]
async fn queries_and_mutations_are_answered_and_what_is_wrong_is_an_error() {
    let app = paused().await;
    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    socket.subscribe("q", "{organization {name}}", json!({})).await;
    assert_eq!(socket.data().await["organization"]["name"], ORGANIZATION);
    assert_eq!(socket.hear().await, json!({"id": "q", "type": "complete"}));
    socket
        .subscribe("q", "mutation {createProject(data: {name: \"A\"}) {name}}", json!({}))
        .await;
    assert_eq!(socket.data().await["createProject"]["name"], "A");
    assert_eq!(socket.hear().await["type"], "complete");
    let deep = format!(
        "{{ __type(name: {}{}) {{ name }} }}",
        "[".repeat(2000),
        "]".repeat(2000)
    );
    let refused = [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{unknown}", "GRAPHQL_VALIDATION_FAILED"),
        (deep.as_str(), "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription {a: events {cursor} b: events {cursor}}",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "subscription {...F} fragment F on Subscription {events {cursor}}",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("subscription {events(after: 1) {cursor}}", "GRAPHQL_VALIDATION_FAILED"),
        (
            "query A {organization {id}} query B {organization {id}}",
            "OPERATION_RESOLUTION_FAILURE",
        ),
    ];
    for (query, code) in refused {
        socket.subscribe("e", query, json!({})).await;
        let message = socket.hear().await;
        assert_eq!(
            (&message["id"], &message["type"]),
            (&json!("e"), &json!("error")),
            "{message}"
        );
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{query}");
    }
    socket.say(json!({"type": "ping", "payload": {"a": [1]}})).await;
    assert_eq!(socket.hear().await, json!({"type": "pong", "payload": {"a": [1]}}));
}

#[tokio::test]
async fn a_completed_operation_is_silent_and_its_id_is_free() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let mut socket = listening(&app, KEY, EVENTS, json!({})).await;
    socket.say(json!({"id": "1", "type": "complete"})).await;
    socket.say(json!({"id": "unknown", "type": "complete"})).await;
    socket.settle().await;
    desk.submit("{}").await;
    socket.subscribe("1", EVENTS, json!({})).await;
    socket.settle().await;
    desk.review(&desk.submit("{}").await, 1.0).await;
    assert_eq!(socket.data().await["events"]["node"]["topic"], "LABEL_CREATED");
    assert_eq!(socket.data().await["events"]["node"]["topic"], "REVIEW_CREATED");
}

#[tokio::test]
async fn ten_thousand_subscriptions_on_one_connection_are_refused_and_harm_nobody() {
    let app = TestApp::with(Start {
        rate_limit: Some(0),
        ..Start::default()
    })
    .await;
    let desk = Desk::set(&app.client).await;
    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    let mut refused = 0;
    for hundred in 0..100 {
        for one in 0..100 {
            let payload = json!({"query": EVENTS});
            let id = format!("{hundred}-{one}");
            socket
                .feed(json!({"id": id, "type": "subscribe", "payload": payload}))
                .await;
        }
        socket.say(json!({"type": "ping"})).await;
        loop {
            let message = socket.hear().await;
            if message["type"] == "pong" {
                break;
            }
            assert_eq!(message["payload"][0]["extensions"]["code"], "OPERATION_NOT_ALLOWED");
            refused += 1;
        }
    }
    assert_eq!(refused, 9_900);
    desk.submit("{}").await;
    for _ in 0..100 {
        assert_eq!(socket.data().await["events"]["node"]["topic"], "LABEL_CREATED");
    }
}

#[tokio::test]
async fn a_revoked_key_a_disabled_user_and_changed_rights_end_it() {
    let app = TestApp::start().await;
    let make = "mutation {createApiKey(data: {name: \"k\"}) {key apiKey {id}}}";
    let made = app.query(make, json!({})).await["createApiKey"].take();
    let socket = listening(&app, &text(&made["key"]), EVENTS, json!({})).await;
    let revoke = "mutation($id: ID!) {revokeApiKey(where: {id: $id}) {id}}";
    app.query(revoke, json!({"id": made["apiKey"]["id"]})).await;
    assert_eq!(socket.close_code().await, 4401);

    for (data, code) in [(json!({"disabled": true}), 4401), (json!({"role": "WORKER"}), 4403)] {
        let make = "mutation($email: String!) {createUser(data: {email: $email, name: \"N\", role: USER}) {id}}";
        let email = format!("{code}@example.com");
        let user = app.query(make, json!({ "email": email })).await["createUser"]["id"].take();
        let make = "mutation($user: ID!) {createApiKey(data: {name: \"k\", user: {connect: {id: $user}}}) {key}}";
        let made = app.client.answer(make, json!({ "user": user })).await.body;
        let made = match made.get("errors") {
            None => made["data"]["createApiKey"]["key"].clone(),
            Some(errors) => panic!("{errors:#}"),
        };
        let socket = listening(&app, &text(&made), EVENTS, json!({})).await;
        let change = "mutation($id: ID!, $data: UserUpdateInput!) {updateUser(where: {id: $id}, data: $data) {id}}";
        app.query(change, json!({"id": user, "data": data})).await;
        assert_eq!(socket.close_code().await, code);
    }
}

#[tokio::test]
async fn a_role_that_may_not_see_events_may_not_listen_to_them() {
    let app = paused().await;
    let worker = labelhook_core::api_key::issue(&app.app, ORGANIZATION.to_owned(), Role::Worker, None).await;
    let key = worker.expect("a key can be made").key;
    let mut socket = Socket::greeted(app.client.endpoint(), &key).await;
    socket.subscribe("1", EVENTS, json!({})).await;
    let refused = socket.hear().await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "AUTHORIZATION_ERROR");
    socket.subscribe("1", "subscription {tasks {id}}", json!({})).await;
    socket.settle().await;
}

#[tokio::test]
async fn a_close_of_the_client_is_answered_by_a_close_frame() {
    let app = TestApp::start().await;
    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "done".into(),
    };
    socket.send(Message::Close(Some(frame))).await;
    assert_eq!(socket.close_code().await, 1000);
}

#[tokio::test]
async fn the_key_is_taken_in_each_form_that_clients_send() {
    let app = TestApp::start().await;
    let bearer = format!("Bearer {KEY}");
    for payload in [
        json!({ "Authorization": bearer }),
        json!({ "authorization": bearer }),
        json!({"Authorization": bearer, "authorization": bearer}),
        json!({"headers": {"Authorization": bearer}}),
        json!({"headers": {"authorization": bearer, "X-Other": "1"}, "other": 1}),
    ] {
        let mut socket = Socket::silent(app.client.endpoint()).await;
        socket.say(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.hear().await, json!({"type": "connection_ack"}), "{payload}");
    }
}

#[tokio::test]
async fn the_subprotocol_is_spelled_as_the_specification_does() {
    let app = TestApp::start().await;
    let address = app.url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.expect("a connection");
    let request = format!(
        "GET /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("it is taken");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    let head = String::from_utf8(head).expect("text");
    assert!(
        head.contains("\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"),
        "{head}"
    );
}
