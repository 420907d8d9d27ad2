//! Tests that subscribers share the results of an event and nothing else: rights, filters and ids remain separate.

use entity::Role;
use harness::{EventStream, KEY, ORGANIZATION, Socket, TestApp};
use serde_json::{Value, json};

use super::{EVENTS, listening};
use crate::desk::{Desk, text};

/// A subscription whose result depends on the subscriber: those who manage keys see everybody's.
const KEYS: &str = "subscription {events {cursor node {id organization {apiKeys {id}}}}}";

async fn key_of(app: &TestApp, role: Role) -> String {
    let made = labelhook_core::api_key::issue(&app.app, ORGANIZATION.to_owned(), role, None).await;
    made.expect("a key can be made").key
}

async fn limited(app: &TestApp, project: &str) -> String {
    let make = "mutation($project: ID!) {createApiKey(data: {name: \"k\", projects: [$project]}) {key}}";
    text(&app.query(make, json!({ "project": project })).await["createApiKey"]["key"])
}

fn keys(event: &Value) -> usize {
    let keys = &event["node"]["organization"]["apiKeys"];
    keys.as_array().expect("keys").len()
}

#[tokio::test]
async fn of_one_event_each_role_is_shown_what_it_may_see() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let user = key_of(&app, Role::User).await;
    let mut owners = [
        listening(&app, KEY, KEYS, json!({})).await,
        listening(&app, KEY, KEYS, json!({})).await,
    ];
    let mut users = [
        listening(&app, &user, KEYS, json!({})).await,
        listening(&app, &user, KEYS, json!({})).await,
    ];
    let mut streams = Vec::new();
    for key in [KEY, &user] {
        streams.push(EventStream::open(app.client.endpoint(), Some(key), KEYS, json!({})).await);
    }
    for _ in 0..5 {
        desk.submit("{}").await;
        let mut told = Vec::new();
        for socket in owners.iter_mut().chain(&mut users) {
            told.push(socket.data().await["events"].take());
        }
        assert_eq!(told.iter().map(keys).collect::<Vec<_>>(), [2, 2, 1, 1]);
        assert_eq!(told[0], told[1]);
        assert_eq!(told[2], told[3]);
        assert_eq!(told[0]["cursor"], told[2]["cursor"], "it is the same event");
    }
    for (stream, count) in streams.iter_mut().zip([2, 1]) {
        let (_, told) = stream.event().await.expect("an event");
        assert_eq!(keys(&told["data"]["events"]), count);
    }
}

#[tokio::test]
async fn of_equal_subscriptions_each_key_hears_of_its_own_projects() {
    let app = TestApp::start().await;
    let (one, other) = (Desk::set(&app.client).await, Desk::set(&app.client).await);
    let (first, second) = (limited(&app, &one.project).await, limited(&app, &other.project).await);
    let mut all = listening(&app, KEY, EVENTS, json!({})).await;
    let mut ones = listening(&app, &first, EVENTS, json!({})).await;
    let mut others = listening(&app, &second, EVENTS, json!({})).await;
    let mut stream = EventStream::open(app.client.endpoint(), Some(&second), EVENTS, json!({})).await;
    for desk in [&one, &other, &one] {
        desk.submit("{}").await;
    }
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(all.data().await["events"]["node"].take());
    }
    assert_eq!(ones.data().await["events"]["node"], heard[0]);
    assert_eq!(ones.data().await["events"]["node"], heard[2]);
    assert_eq!(others.data().await["events"]["node"], heard[1]);
    let (_, told) = stream.event().await.expect("an event");
    assert_eq!(told["data"]["events"]["node"], heard[1]);
    one.submit("{}").await;
    other.submit("{}").await;
    assert_eq!(
        others.data().await["events"]["node"]["data"]["project"]["id"],
        other.project.as_str(),
        "nothing of the other project lies in between"
    );
}

#[tokio::test]
async fn equal_subscriptions_on_one_socket_are_told_under_their_ids() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    let ids = ["a", "b", "quote\"d", "filtered"];
    for id in &ids[..3] {
        socket.subscribe(id, EVENTS, json!({})).await;
    }
    let filtered = json!({"where": {"topics": ["REVIEW_CREATED"]}});
    socket.subscribe("filtered", EVENTS, filtered).await;
    socket.settle().await;
    let label = desk.submit("{}").await;
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(socket.hear().await);
    }
    told.sort_by_key(|message| text(&message["id"]));
    for (message, id) in told.iter().zip(ids) {
        assert_eq!((&message["id"], &message["type"]), (&json!(id), &json!("next")));
        assert_eq!(message["payload"], told[0]["payload"]);
    }
    socket.say(json!({"id": "b", "type": "complete"})).await;
    socket.settle().await;
    desk.review(&label, 1.0).await;
    let mut after = Vec::new();
    for _ in 0..3 {
        after.push(text(&socket.hear().await["id"]));
    }
    after.sort();
    assert_eq!(after, ["a", "filtered", "quote\"d"]);
}

#[tokio::test]
async fn what_is_selected_by_a_variable_is_each_ones_own() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let query = "subscription($topic: Boolean!, $where: EventWhereInput) {
        events(where: $where) {node {id topic @include(if: $topic) ...F}}} fragment F on Event {sequence @skip(if: $topic)}";
    let wide = json!({"topics": ["LABEL_CREATED", "REVIEW_CREATED"]});
    let mut sockets = Vec::new();
    for variables in [
        json!({"topic": true}),
        json!({"topic": true, "where": wide}),
        json!({"topic": false}),
        json!({"topic": false, "where": wide}),
    ] {
        sockets.push(listening(&app, KEY, query, variables).await);
    }
    desk.submit("{}").await;
    let mut told = Vec::new();
    for socket in &mut sockets {
        told.push(socket.data().await["events"]["node"].take());
    }
    assert_eq!((&told[0], &told[2]), (&told[1], &told[3]));
    assert_eq!(told[0]["topic"], "LABEL_CREATED");
    assert!(
        told[0].get("sequence").is_none() && told[2].get("topic").is_none(),
        "{told:?}"
    );
    assert!(told[2]["sequence"].is_string());
}
