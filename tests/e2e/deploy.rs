//! Tests of `deploy`: its files name settings that exist, and the same topology of real processes is one service: nodes
//! over one PostgreSQL behind a balancer.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;

use harness::programs::{Database, Nats};
use harness::{Balancer, Client, Home, KEY, Process, Service, Socket, TestReceiver, binary};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::desk::{Desk, text};
use crate::feed::EVENTS;

const MASTER_KEY: &str = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

/// Labels of each half of the story.
const LABELS: usize = 40;

/// Starts `labelhook` with the settings that all nodes of a database share.
fn node(database: &Database, bus: &str, arguments: &[&str]) -> Process {
    let environment = [
        ("LABELHOOK_BUS", bus),
        ("LABELHOOK_DATABASE_URL", database.url()),
        ("LABELHOOK_MASTER_KEY", MASTER_KEY),
        ("LABELHOOK_BOOTSTRAP_KEY", KEY),
        ("LABELHOOK_EGRESS_ALLOW", "127.0.0.0/8"),
        ("LABELHOOK_LISTEN", "127.0.0.1:0"),
        ("LABELHOOK_LOG", "warn"),
    ];
    let environment = environment.map(|(name, value)| (name, OsStr::new(value)));
    Process::start(binary(), arguments, &environment)
}

/// Starts nodes at the same moment. Returns each with its URL, once it listens.
async fn nodes(database: &Database, bus: &str, count: usize) -> Vec<(Process, String)> {
    let start = |number| node(database, bus, &["serve", "--node-name", &format!("node-{number}")]);
    let started: Vec<_> = (1..=count).map(start).collect();
    let mut nodes = Vec::new();
    for process in started {
        let base = process.address().await;
        nodes.push((process, base));
    }
    nodes
}

/// Submits labels, each over a connection of its own.
async fn submit(balancer: &Balancer, desk: &Desk, labels: usize) {
    let mut submitted = JoinSet::new();
    for number in 0..labels {
        let desk = Desk {
            client: Client::new(&balancer.base(), Some(KEY)),
            ..desk.clone()
        };
        submitted.spawn(async move { desk.submit(&format!("{{\"tree\": {number}}}")).await });
    }
    let ids: HashSet<String> = submitted.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), labels);
}

/// Returns the number of notifications with this status, at most 100.
async fn with_status(client: &Client, status: &str) -> usize {
    let ask =
        "query($status: NotificationStatus!) {notifications(first: 100, where: {statuses: [$status]}) {nodes {id}}}";
    let found = client.query(ask, json!({ "status": status })).await;
    found["notifications"]["nodes"].as_array().expect("a list").len()
}

/// Subscribes to all events after a cursor, over a connection of its own.
async fn subscribed(balancer: &Balancer, after: &Value) -> Socket {
    let mut socket = Socket::greeted(&format!("{}/graphql", balancer.base()), KEY).await;
    socket.subscribe("1", EVENTS, json!({ "after": after })).await;
    socket
}

/// Receives this many events, all different. Returns the cursor of the last one.
async fn heard(socket: &mut Socket, events: usize) -> Value {
    let (mut ids, mut cursor) = (HashSet::new(), Value::Null);
    for _ in 0..events {
        let mut edge = socket.data().await["events"].take();
        assert!(ids.insert(text(&edge["node"]["id"])), "told twice: {edge:#}");
        cursor = edge["cursor"].take();
    }
    cursor
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_behind_a_balancer_are_one_service() {
    let (Some(database), Some(nats)) = (Database::empty().await, Nats::start().await) else {
        return;
    };
    let receiver = TestReceiver::start().await;
    let mut nodes = nodes(&database, &nats.url(), 2).await;
    let bases: Vec<String> = nodes.iter().map(|(_, base)| base.clone()).collect();
    let balancer = Balancer::start(&bases).await;
    let client = Client::new(&balancer.base(), Some(KEY));
    let desk = Desk::set(&client).await;
    desk.listener(&receiver, json!({})).await;

    // One on each node: the balancer assigns connections in turn.
    let mut sockets = [
        subscribed(&balancer, &Value::Null).await,
        subscribed(&balancer, &Value::Null).await,
    ];
    for socket in &mut sockets {
        socket.settle().await;
    }
    submit(&balancer, &desk, LABELS).await;
    let mut cursor = Value::Null;
    for socket in &mut sockets {
        cursor = heard(socket, LABELS).await;
    }
    receiver.wait_for(LABELS).await;

    let (stopped, base) = nodes.remove(0);
    balancer.drain(&base);
    let (ended, ()) = tokio::join!(stopped.terminate(), submit(&balancer, &desk, LABELS));
    assert!(ended.success());
    heard(&mut subscribed(&balancer, &cursor).await, LABELS).await;
    let received = receiver.wait_for(2 * LABELS).await;
    let ids: HashSet<&str> = received.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!(
        (ids.len(), received.len()),
        (2 * LABELS, 2 * LABELS),
        "all arrive, and once"
    );

    let client = Client::new(&balancer.base(), Some(KEY));
    harness::deadline::until("every outcome is recorded", || async {
        with_status(&client, "SUCCEEDED").await == 2 * LABELS
    })
    .await;
    let (status, body) = client.get("/readyz").await.expect("an answer");
    assert_eq!((status.as_u16(), &body[..]), (200, &b"ok\n"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_on_an_empty_database_make_it_once() {
    let Some(database) = Database::empty().await else {
        return;
    };
    let nodes = nodes(&database, "postgres", 4).await;
    for (_, base) in &nodes {
        let client = Client::new(base, Some(KEY));
        let found = client.query("{organization {name users {id}}}", json!({})).await;
        assert_eq!(
            found["organization"]["users"].as_array().map(Vec::len),
            Some(1),
            "{found:#}"
        );
    }
    for (process, _) in nodes {
        assert!(process.terminate().await.success());
    }
    let mut again = node(&database, "postgres", &["migrate", "--dry-run"]);
    assert!(again.ended().await.success(), "{:?}", again.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_by_its_exit_code_whether_the_server_is_ready() {
    let home = Home::new().await;
    let service = Service::start(&home).await;
    let endpoint = service.client.endpoint().to_owned();
    let (address, _) = endpoint.rsplit_once('/').expect("an address and a path");
    let everywhere = address.replace("http://127.0.0.1", "0.0.0.0");
    let health = async || {
        Process::start(binary(), &["health", "--listen", &everywhere], &[])
            .ended()
            .await
    };
    assert!(health().await.success());
    assert!(service.terminate().await.success());
    assert!(!health().await.success());
}

/// Returns the files of `deploy`: the names and the texts.
fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let entries = folder.read_dir().expect("the folder is there");
    let read = |path: &Path| std::fs::read_to_string(path).expect("a text");
    let named = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (named(&path), read(&path)))
        .collect()
}

/// Returns the words that begin with `LABELHOOK_`, as settings do.
fn settings(text: &str) -> HashSet<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("LABELHOOK_")).collect()
}

#[test]
fn every_setting_that_deploy_names_exists() {
    let output = std::process::Command::new(binary())
        .args(["serve", "--help"])
        .output()
        .expect("it starts");
    let help = String::from_utf8(output.stdout).expect("text");
    let known = settings(&help);
    let files = files();
    for (name, text) in &files {
        let unknown: Vec<_> = settings(text).difference(&known).copied().collect();
        assert_eq!(unknown, Vec::<&str>::new(), "in {name}");
    }
    let compose = files.iter().find(|(name, _)| name == "compose.yaml");
    assert!(compose.is_some_and(|(_, text)| settings(text).len() > 5));
}

#[test]
fn the_example_of_secrets_has_no_secret() {
    let (_, example) = files()
        .into_iter()
        .find(|(name, _)| name == "example.env")
        .expect("it is there");
    for name in ["POSTGRES_PASSWORD", "LABELHOOK_MASTER_KEY", "LABELHOOK_BOOTSTRAP_KEY"] {
        assert!(
            example.lines().any(|line| line == format!("{name}=")),
            "{name} has no default"
        );
        let (_, compose) = files()
            .into_iter()
            .find(|(name, _)| name == "compose.yaml")
            .expect("it is there");
        assert!(
            compose.contains(&format!("${{{name}:?")),
            "nothing starts without {name}"
        );
    }
}
