//! graphql-sse in distinct connections mode.

use harness::{EventStream, KEY, ORGANIZATION, Start, TestApp};
use serde_json::json;

use super::EVENTS;
use crate::desk::{Desk, text};

#[tokio::test]
async fn events_are_told_as_events_and_a_cursor_goes_on() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    desk.submit("{}").await;
    let found = app.query(super::LOG, json!({})).await["events"]["edges"][0].take();
    desk.submit("{}").await;
    let after = json!({"after": found["cursor"]});
    let mut stream = EventStream::open(app.client.endpoint(), Some(KEY), EVENTS, after).await;
    assert_eq!(stream.head(), (200, "text/event-stream; charset=utf-8"));
    let (name, told) = stream.event().await.expect("an event");
    assert_eq!(
        (name.as_str(), &told["data"]["events"]["node"]["topic"]),
        ("next", &json!("LABEL_CREATED"))
    );
    desk.review(&desk.submit("{}").await, 1.0).await;
    stream.event().await.expect("an event");
    let (_, told) = stream.event().await.expect("an event");
    assert_eq!(told["data"]["events"]["node"]["topic"], "REVIEW_CREATED");
    drop(app.restarted(Start::default()).await);
    assert!(stream.event().await.is_none(), "a shutdown ends the stream");
}

#[tokio::test]
async fn a_query_is_one_event_and_a_fault_is_an_event_too() {
    let app = TestApp::start().await;
    let open = |query| EventStream::open(app.client.endpoint(), Some(KEY), query, json!({}));
    let mut stream = open("{organization {name}}").await;
    assert_eq!(
        stream.event().await.expect("an event").1["data"]["organization"]["name"],
        ORGANIZATION
    );
    assert_eq!(stream.event().await.expect("an event").0, "complete");
    assert!(stream.event().await.is_none());
    for (query, code) in [
        ("{unknown}", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription {events(after: \"x\") {cursor}}", "BAD_USER_INPUT"),
    ] {
        let mut stream = open(query).await;
        assert_eq!(stream.head().0, 200);
        let (name, told) = stream.event().await.expect("an event");
        assert_eq!(
            (name.as_str(), &told["errors"][0]["extensions"]["code"]),
            ("next", &json!(code))
        );
        assert_eq!(stream.event().await.expect("an event").0, "complete");
    }
}

#[tokio::test]
async fn nobody_without_a_key_gets_a_stream_and_a_revoked_one_loses_it() {
    let app = TestApp::start().await;
    let stream = EventStream::open(app.client.endpoint(), None, EVENTS, json!({})).await;
    assert_eq!(stream.head().0, 401);
    assert_eq!(
        stream.rest().await["errors"][0]["extensions"]["code"],
        "AUTHENTICATION_ERROR"
    );
    let make = "mutation {createApiKey(data: {name: \"k\"}) {key apiKey {id}}}";
    let made = app.query(make, json!({})).await["createApiKey"].take();
    let mut stream = EventStream::open(app.client.endpoint(), Some(&text(&made["key"])), EVENTS, json!({})).await;
    let revoke = "mutation($id: ID!) {revokeApiKey(where: {id: $id}) {id}}";
    app.query(revoke, json!({"id": made["apiKey"]["id"]})).await;
    let (_, told) = stream.event().await.expect("an event");
    assert_eq!(told["errors"][0]["extensions"]["code"], "AUTHENTICATION_ERROR");
    assert_eq!(stream.event().await.expect("an event").0, "complete");
}
