//! Tests of the limit on open connections, and of clients that do not read.

use std::time::Duration;

use harness::deadline::until;
use harness::{Client, EventStream, KEY, Socket, Start, TestApp};
use serde_json::{Value, json};

use super::{EVENTS, listening, next_event};
use crate::desk::Desk;

/// The number of labels, of a megabyte each, that fill the buffers of the operating system if a client does not read.
const HELD: usize = 24;
/// The number of labels that is also more than a subscriber may lag behind.
const TOO_MANY: usize = 52;

async fn large(desk: &Desk) {
    desk.submit(&format!("\"{}\"", "x".repeat(1 << 20))).await;
}

async fn stream(app: &TestApp) -> EventStream {
    EventStream::open(app.client.endpoint(), Some(KEY), EVENTS, json!({})).await
}

/// Returns whether a key that may have one connection may open it now.
async fn is_free(client: &Client) -> bool {
    let stream = EventStream::open(client.endpoint(), Some(KEY), "{organization {id}}", json!({})).await;
    match stream.head().0 {
        200 => true,
        429 => false,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_key_may_have_so_many_sockets_and_streams_and_gets_their_places_back() {
    let app = TestApp::with(Start {
        sockets_per_key: Some(2),
        ..Start::default()
    })
    .await;
    let (first, _second) = (listening(&app, KEY, EVENTS, json!({})).await, stream(&app).await);
    let mut third = Socket::silent(app.client.endpoint()).await;
    let init = json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {KEY}")}});
    third.say(init).await;
    assert_eq!(third.close_code().await, 4429);
    let refused = stream(&app).await;
    assert_eq!(refused.head().0, 429);
    assert_eq!(
        refused.rest().await["errors"][0]["extensions"]["code"],
        "OPERATION_NOT_ALLOWED"
    );
    first.close().await;
    listening(&app, KEY, EVENTS, json!({})).await;
}

#[tokio::test]
async fn a_stream_and_a_socket_that_are_not_read_are_cut_off() {
    let app = TestApp::with(Start {
        // The test asks repeatedly whether the connection may be opened.
        rate_limit: Some(0),
        sockets_per_key: Some(1),
        write_timeout: Some(Duration::from_millis(200)),
        ..Start::default()
    })
    .await;
    let desk = Desk::set(&app.client).await;
    let mut stream = stream(&app).await;
    for _ in 0..HELD {
        large(&desk).await;
    }
    until("the stream is cut off", || is_free(&app.client)).await;
    let mut told = 0;
    while let Some((name, _)) = stream.event().await {
        assert_eq!(name, "next");
        told += 1;
    }
    assert!(told < HELD, "it ends in the middle: {told}");

    let socket = listening(&app, KEY, EVENTS, json!({})).await;
    for _ in 0..HELD {
        large(&desk).await;
    }
    until("the socket is cut off", || is_free(&app.client)).await;
    drop(socket);
}

#[tokio::test]
async fn a_subscriber_that_reads_too_late_is_told_its_cursor_and_holds_up_nobody() {
    // Here the subscriber lags behind the ring buffer, however long the machine takes to fill it, and no timeout ends
    // it first.
    let app = TestApp::with(Start {
        write_timeout: Some(Duration::from_secs(600)),
        silence: Some(Duration::from_secs(600)),
        ..Start::default()
    })
    .await;
    let desk = Desk::set(&app.client).await;
    let mut slow = listening(&app, KEY, EVENTS, json!({})).await;
    let mut quick = listening(&app, KEY, EVENTS, json!({})).await;
    let mut published = Vec::new();
    for _ in 0..TOO_MANY {
        large(&desk).await;
        published.push(next_event(&mut quick).await.0);
    }
    let mut heard = Vec::new();
    let cursor = loop {
        let mut message = slow.hear().await;
        if message["type"] == "error" {
            let extensions = message["payload"][0]["extensions"].take();
            assert_eq!(extensions["code"], "SUBSCRIBER_TOO_SLOW");
            break extensions["cursor"].clone();
        }
        heard.push(message["payload"]["data"]["events"]["node"]["id"].take());
    };
    assert!(heard.len() < TOO_MANY);
    slow.subscribe("again", EVENTS, json!({ "after": cursor })).await;
    while heard.len() < TOO_MANY {
        heard.push(json!(next_event(&mut slow).await.0));
    }
    assert_eq!(Value::from(heard), json!(published));
}
