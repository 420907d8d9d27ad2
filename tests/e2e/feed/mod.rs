//! The live feed over real sockets: what is told, from where on, to whom. How a socket is closed stands in
//! [`protocol`], event streams in [`stream`].

mod limits;
mod protocol;
mod published;
mod shared;
mod stream;

use entity::Role;
use harness::{Answer, KEY, Socket, Start, TestApp, TestReceiver};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::desk::{Desk, ids, text};

pub const EVENTS: &str = "subscription($after: String, $where: EventWhereInput) {
    events(after: $after, where: $where) {cursor node {id sequence topic data}}}";
const NOTIFICATIONS: &str = "subscription($after: String, $where: NotificationWhereInput) {
    notifications(after: $after, where: $where) {cursor node {id status event {id}}}}";
const LOG: &str = "{events(first: 100) {edges {cursor node {id}}}}";

/// The ids of all events, oldest first.
async fn log(app: &TestApp) -> Vec<String> {
    let found = app.query("{events(first: 100) {nodes {id}}}", json!({})).await;
    let mut ids: Vec<String> = ids(&found["events"]["nodes"]).into_iter().map(str::to_owned).collect();
    ids.reverse();
    ids
}

/// A listener whose subscription certainly runs.
pub async fn listening(app: &TestApp, key: &str, query: &str, variables: Value) -> Socket {
    let mut socket = Socket::greeted(app.client.endpoint(), key).await;
    socket.subscribe("1", query, variables).await;
    socket.settle().await;
    socket
}

/// A listener that goes on after a cursor.
async fn replaying(app: &TestApp, query: &str, after: &Value) -> Socket {
    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    socket.subscribe("1", query, json!({ "after": after })).await;
    socket
}

async fn next_event(socket: &mut Socket) -> (String, String) {
    let edge = socket.data().await["events"].take();
    (text(&edge["node"]["id"]), text(&edge["cursor"]))
}

#[tokio::test]
async fn an_event_is_told_with_what_was_asked_for() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let mut socket = listening(&app, KEY, EVENTS, json!({})).await;
    desk.submit("{\"trees\": 2}").await;
    let edge = socket.data().await["events"].take();
    assert_eq!(edge["node"]["topic"], "LABEL_CREATED");
    assert_eq!(edge["node"]["data"]["label"]["label"], "{\"trees\": 2}", "{edge:#}");
    let found = app.query(LOG, json!({})).await["events"]["edges"][0].take();
    assert_eq!(found["node"]["id"], edge["node"]["id"]);
    assert_eq!(
        found["cursor"], edge["cursor"],
        "the query and the feed give the same cursor"
    );
}

#[tokio::test]
async fn a_notification_is_told_as_it_changes() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let receiver = TestReceiver::start().await;
    receiver.then([Answer::status(500)]);
    desk.listener(&receiver, json!({})).await;
    let mut socket = listening(&app, KEY, NOTIFICATIONS, json!({})).await;
    let mut failed = Socket::greeted(app.client.endpoint(), KEY).await;
    failed
        .subscribe("f", NOTIFICATIONS, json!({"where": {"statuses": ["RETRYING"]}}))
        .await;
    failed.settle().await;
    desk.submit("{}").await;
    let retrying = failed.data().await["notifications"].take();
    assert_eq!(retrying["node"]["status"], "RETRYING");
    let mut seen = socket.data().await["notifications"].take();
    if seen["node"]["status"] == "SENDING" {
        seen = socket.data().await["notifications"].take();
    }
    assert_eq!(seen, retrying);
    let id = &seen["node"]["id"];
    let cancel = "mutation($id: ID!) {cancelNotification(where: {id: $id}) {id}}";
    app.query(cancel, json!({ "id": id })).await;
    let canceled = socket.data().await["notifications"].take();
    assert_eq!(
        (&canceled["node"]["id"], &canceled["node"]["status"]),
        (id, &json!("CANCELED"))
    );
}

#[tokio::test]
async fn a_replayed_notification_comes_once_as_it_is_now() {
    let app = TestApp::with(Start {
        paused: true,
        ..Start::default()
    })
    .await;
    let desk = Desk::set(&app.client).await;
    let receiver = TestReceiver::start().await;
    desk.listener(&receiver, json!({})).await;
    let mut socket = listening(&app, KEY, NOTIFICATIONS, json!({})).await;
    desk.submit("{}").await;
    let first = socket.data().await["notifications"].take();
    desk.submit_of(&desk.row("b.jpg").await, "{}").await;
    app.deliver().await;
    let mut later = replaying(&app, NOTIFICATIONS, &first["cursor"]).await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let node = later.data().await["notifications"]["node"].take();
        assert_eq!(node["status"], "SUCCEEDED");
        told.push(text(&node["id"]));
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 2);
    desk.submit_of(&desk.row("c.jpg").await, "{}").await;
    let live = later.data().await["notifications"]["node"].take();
    assert!(!told.contains(&text(&live["id"])), "nothing of the replay comes again");
}

#[tokio::test]
async fn a_replay_passes_over_to_live_without_a_gap_or_a_repeat_while_others_write() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    desk.submit("{}").await;
    let found = app.query(LOG, json!({})).await["events"]["edges"][0].take();
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let desk = desk.clone();
        writers.spawn(async move {
            let row = desk.row(&format!("{writer}.jpg")).await;
            for _ in 0..12 {
                desk.submit_of(&row, "{}").await;
            }
        });
    }
    let mut readers = JoinSet::new();
    for _ in 0..6 {
        let (endpoint, after) = (app.client.endpoint().to_owned(), found["cursor"].clone());
        readers.spawn(async move {
            let mut told = Vec::new();
            // Leaves now and then and comes back with the last cursor.
            let mut cursor = after;
            while told.len() < 48 {
                let mut socket = Socket::greeted(&endpoint, KEY).await;
                socket.subscribe("1", EVENTS, json!({"after": cursor})).await;
                for _ in 0..7.min(48 - told.len()) {
                    let (id, place) = next_event(&mut socket).await;
                    told.push(id);
                    cursor = json!(place);
                }
            }
            told
        });
    }
    writers.join_all().await;
    let expected = &log(&app).await[1..];
    for told in readers.join_all().await {
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn a_cursor_holds_over_a_restart() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let mut socket = listening(&app, KEY, EVENTS, json!({})).await;
    desk.submit("{}").await;
    let (first, cursor) = next_event(&mut socket).await;
    desk.submit("{}").await;
    let app = app.restarted(Start::default()).await;
    assert_eq!(socket.close_code().await, 1001);
    let desk = Desk {
        client: app.client.clone(),
        ..desk
    };
    let mut socket = replaying(&app, EVENTS, &json!(cursor)).await;
    let missed = next_event(&mut socket).await.0;
    desk.submit("{}").await;
    let live = next_event(&mut socket).await.0;
    assert_eq!(log(&app).await, [first, missed, live]);
}

#[tokio::test]
async fn an_organization_hears_of_its_own_and_a_limited_key_of_its_projects() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let other = Desk::set(&app.client).await;
    let stranger = app.as_role("Other", Role::Owner).await;
    let make = "mutation($project: ID!) {createApiKey(data: {name: \"k\", projects: [$project]}) {key}}";
    let made = app.query(make, json!({"project": desk.project})).await;
    let limited = text(&made["createApiKey"]["key"]);
    let mut narrow = listening(&app, &limited, EVENTS, json!({})).await;
    let foreign = Desk::set(&stranger).await;
    foreign.submit("{}").await;
    other.submit("{}").await;
    desk.submit("{}").await;
    let node = narrow.data().await["events"]["node"].take();
    assert_eq!(node["data"]["project"]["id"], desk.project.as_str());

    let found = stranger.query(LOG, json!({})).await["events"]["edges"][0].take();
    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    socket.subscribe("x", EVENTS, json!({"after": found["cursor"]})).await;
    let refused = socket.hear().await;
    assert_eq!(refused["type"], "error");
    let fault = &refused["payload"][0]["extensions"];
    assert_eq!(
        (&fault["code"], &fault["field"]),
        (&json!("BAD_USER_INPUT"), &json!("after"))
    );
    assert_eq!(fault["reason"], "is not a place in this feed");
    socket.subscribe("y", EVENTS, json!({"after": "nonsense"})).await;
    assert_eq!(
        socket.hear().await["payload"][0]["extensions"]["reason"],
        "is not a cursor of this API"
    );
}

#[tokio::test]
async fn a_notification_of_the_organizations_webhook_is_not_told_to_a_limited_key() {
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let receiver = TestReceiver::start().await;
    let wide = json!({"url": receiver.url("hook"), "topics": {"set": ["LABEL_CREATED"]}, "secret": "s"});
    crate::desk::create_webhook(&app.client, wide).await;
    let make = "mutation($project: ID!) {createApiKey(data: {name: \"k\", projects: [$project]}) {key}}";
    let made = app.query(make, json!({"project": desk.project})).await;
    let limited = text(&made["createApiKey"]["key"]);
    let query = "subscription {notifications {node {webhook {project {id}}}}}";
    let mut socket = listening(&app, &limited, query, json!({})).await;
    desk.submit("{}").await;
    let own = desk.listener(&receiver, json!({})).await;
    desk.submit("{}").await;
    let told = socket.data().await["notifications"]["node"].take();
    assert_eq!(told["webhook"]["project"]["id"], desk.project.as_str(), "{own}");
}
