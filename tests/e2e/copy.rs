//! Tests of `labelhook copy` as an operator uses it: an installation moves from a SQLite file to PostgreSQL and
//! continues there, even if the command is killed in between. Also tests what the command refuses.

use std::collections::HashSet;
use std::ffi::OsStr;

use harness::programs::{Database, files};
use harness::{Answer, Client, Home, KEY, Process, Service, Socket, TestReceiver, binary, signature};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::desk::{Desk, SECRET, text};
use crate::feed::EVENTS;

const ANOTHER_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const LABELS: usize = 120;

/// Returns an empty database, or none if this run has no SQLite files to copy from or no PostgreSQL.
async fn target() -> Option<Database> {
    match files() {
        true => Database::empty().await,
        false => None,
    }
}

/// Starts `labelhook copy` from the home's file to the database.
fn copying(home: &Home, database: &Database, environment: &[(&str, &str)]) -> Process {
    let from = format!("sqlite://{}", home.file().display());
    let settings = [("LABELHOOK_LOG", "warn"), ("LABELHOOK_COPY_TO", database.url())];
    let environment: Vec<_> = settings
        .iter()
        .chain(environment)
        .map(|(name, value)| (*name, OsStr::new(*value)))
        .collect();
    Process::start(binary(), &["copy", "--from", &from], &environment)
}

/// Runs a copy to its end. Returns whether it succeeded, and its output.
async fn copied(home: &Home, database: &Database, environment: &[(&str, &str)]) -> (bool, String) {
    let mut process = copying(home, database, environment);
    let ended = process.ended().await;
    (ended.success(), process.said().join("\n"))
}

/// Starts a node on the database, with the master key of the home's file.
fn node(home: &Home, database: &Database) -> Process {
    let key = std::fs::read_to_string(home.file().with_added_extension("key")).expect("the key's file");
    let environment = [
        ("LABELHOOK_DATABASE_URL", database.url()),
        ("LABELHOOK_MASTER_KEY", key.trim()),
        ("LABELHOOK_EGRESS_ALLOW", "127.0.0.0/8"),
        ("LABELHOOK_LOG", "warn"),
    ];
    let environment = environment.map(|(name, value)| (name, OsStr::new(value)));
    Process::start(binary(), &["serve", "--listen", "127.0.0.1:0"], &environment)
}

/// The state at the moment when the server was killed.
struct Before {
    desk: Desk,
    /// The position of the feed.
    cursor: Value,
}

/// Starts a server and kills it when one label is delivered, some are sent and not answered, and the others wait.
async fn killed(home: &Home, receiver: &TestReceiver) -> Before {
    let service = Service::start(home).await;
    let desk = Desk::set(&service.client).await;
    desk.listener(
        receiver,
        json!({"authType": "BEARER", "bearerToken": "the-token", "maxInFlight": 4}),
    )
    .await;
    desk.submit("{}").await;
    harness::deadline::until("the first is delivered", || async {
        statuses(&service.client).await == ["SUCCEEDED"]
    })
    .await;
    receiver.answer(Answer::hang());
    let mut submitted = JoinSet::new();
    for number in 2..LABELS {
        let desk = desk.clone();
        submitted.spawn(async move { desk.submit(&format!("{{\"tree\": {number}}}")).await });
    }
    submitted.join_all().await;
    desk.submit("{\"last\": true}").await;
    receiver.wait_for(5).await;
    let page = "{events(first: 1) {edges {cursor}}}";
    let cursor = service.client.query(page, json!({})).await["events"]["edges"][0]["cursor"].take();
    service.kill();
    receiver.answer(Answer::status(200));
    Before { desk, cursor }
}

async fn statuses(client: &Client) -> Vec<String> {
    let found = client
        .query("{notifications(first: 100) {nodes {status}}}", json!({}))
        .await;
    let nodes = found["notifications"]["nodes"].as_array().expect("a list").clone();
    nodes.iter().map(|node| text(&node["status"])).collect()
}

/// Asserts that a node on the copy delivers everything that was accepted, with the same secrets, and that old cursors
/// are valid.
async fn goes_on(home: &Home, database: &Database, receiver: &TestReceiver, before: &Before) {
    let node = node(home, database);
    let client = node.client(KEY).await;
    harness::deadline::until("everything is delivered", || async {
        distinct(receiver) == LABELS && statuses(&client).await.iter().all(|status| status == "SUCCEEDED")
    })
    .await;
    let mut socket = Socket::greeted(client.endpoint(), KEY).await;
    socket.subscribe("1", EVENTS, json!({ "after": before.cursor })).await;
    let desk = Desk {
        client: client.clone(),
        ..before.desk.clone()
    };
    desk.submit("{\"after\": true}").await;
    let edge = socket.data().await["events"].take();
    let data = &edge["node"]["data"]["label"]["label"];
    assert_eq!(
        data, "{\"after\": true}",
        "nothing twice, and the new one comes: {edge:#}"
    );
    harness::deadline::until("the new one is delivered", || async {
        distinct(receiver) == LABELS + 1
    })
    .await;
    let received = receiver.received();
    let last = received.last().expect("it came");
    assert_eq!(last.header("authorization"), "Bearer the-token");
    signature::assert_standard(SECRET, &last.headers, &last.body);
    assert!(node.terminate().await.success());
}

/// Returns the number of distinct events that arrived.
fn distinct(receiver: &TestReceiver) -> usize {
    let received = receiver.received();
    let ids: HashSet<&str> = received.iter().map(|request| request.header("webhook-id")).collect();
    ids.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_goes_on_in_postgresql() {
    let Some(database) = target().await else { return };
    let (home, receiver) = (Home::new().await, TestReceiver::start().await);
    let home = &home;
    let before = killed(home, &receiver).await;
    let (success, said) = copied(home, &database, &[]).await;
    assert!(success, "{said}");
    assert!(said.contains(&format!("label: {LABELS} rows are equal")), "{said}");
    assert!(said.contains("2 sealed values open"), "{said}");
    goes_on(home, &database, &receiver, &before).await;

    let (success, said) = copied(home, &database, &[]).await;
    assert!(!success && said.contains("in use"), "a copy is not made over: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_goes_on_where_it_was() {
    let Some(database) = target().await else { return };
    let (home, receiver) = (Home::new().await, TestReceiver::start().await);
    let home = &home;
    let before = killed(home, &receiver).await;
    for table in ["organization:", "data_row:", "label:", "event:"] {
        let mut process = copying(home, &database, &[]);
        process.line_with(table).await;
        process.kill();
    }
    let mut refused = node(home, &database);
    assert!(!refused.ended().await.success());
    let said = refused.said().join("\n");
    assert!(said.contains("run labelhook copy again"), "{said}");

    let (success, said) = copied(home, &database, &[]).await;
    assert!(success, "{said}");
    assert!(
        said.contains("organization: 0 rows copied"),
        "it is there already: {said}"
    );
    assert!(said.contains(&format!("event: {LABELS} rows are equal")), "{said}");
    goes_on(home, &database, &receiver, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_would_do_harm_is_refused() {
    let (Some(target), Some(used)) = (target().await, target().await) else {
        return;
    };
    let (home, receiver) = (Home::new().await, TestReceiver::start().await);
    let home = &home;
    let service = Service::start(home).await;
    let desk = Desk::set(&service.client).await;
    desk.listener(&receiver, json!({})).await;
    let (success, said) = copied(home, &target, &[]).await;
    assert!(!success && said.contains("in use by another process"), "{said}");
    assert!(service.terminate().await.success());

    let (success, said) = copied(home, &target, &[("LABELHOOK_MASTER_KEY", ANOTHER_KEY)]).await;
    assert!(!success && said.contains("not the key"), "{said}");

    let other = node(home, &used);
    other.address().await;
    let (success, said) = copied(home, &used, &[]).await;
    assert!(!success && said.contains("is at work"), "{said}");
    assert!(other.terminate().await.success());
    let (success, said) = copied(home, &used, &[]).await;
    assert!(!success && said.contains("in use: organization has rows"), "{said}");

    let nowhere = Home::new().await;
    let (success, said) = copied(&nowhere, &target, &[]).await;
    assert!(!success && said.contains("there is no SQLite database"), "{said}");
    let back = ["copy", "--from", target.url(), "--to", "sqlite://labelhook.db"];
    let mut back = Process::start(binary(), &back, &[]);
    assert!(!back.ended().await.success());
    assert!(
        back.said().join("\n").contains("from SQLite to PostgreSQL only"),
        "{:?}",
        back.said()
    );
    let (success, said) = copied(home, &target, &[]).await;
    assert!(success, "and none of this has hurt: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_changed_while_a_copy_was_broken_off_is_found_out() {
    let Some(database) = target().await else { return };
    let home = &Home::new().await;
    let service = Service::start(home).await;
    let desk = Desk::set(&service.client).await;
    let label = desk.submit("{}").await;
    assert!(service.terminate().await.success());
    let mut process = copying(home, &database, &[]);
    process.line_with("label: 1 rows copied").await;
    process.kill();
    let service = Service::start(home).await;
    let desk = Desk {
        client: service.client.clone(),
        ..desk
    };
    desk.save(&label, "{\"changed\": true}").await;
    assert!(service.terminate().await.success());
    let (success, said) = copied(home, &database, &[]).await;
    assert!(
        !success && said.contains("differs") && said.contains("make the database anew"),
        "{said}"
    );
}
