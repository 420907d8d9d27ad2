//! Tests of faults of the servers that nodes depend on: a restart, a crash, no free connections, a long transaction.

use std::time::Duration;

use futures_util::future::join_all;
use harness::deadline::{until, within};
use harness::programs::Postgres;
use harness::{Client, Cluster, KEY, Socket};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::story::{Story, answers};
use crate::feed::EVENTS;

/// The most deliveries that may be sent and not yet recorded at one moment: the batch that is being written, and the
/// next.
const IN_FLIGHT: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_may_be_restarted_and_may_crash_under_load() {
    let Some(cluster) = Cluster::prepare().await else {
        return;
    };
    let mut story = Story::begin("PostgreSQL restarted", cluster, 3).await;
    for stop in [Postgres::stop as fn(&Postgres), Postgres::crash] {
        stop(&story.cluster.postgres);
        story.cluster.postgres.run().await;
        story.goes_on().await;
    }
    let tally = story.end().await;
    assert!(story.book.counts().refused > 0, "the writers met the fault");
    assert!(tally.duplicates <= IN_FLIGHT, "{tally:?}");
    for node in &story.nodes {
        assert!(
            !node.said().contains("under a new id"),
            "nobody was away: {}",
            node.said()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_may_be_killed_and_restarted() {
    let Some(cluster) = Cluster::with_nats().await else {
        return;
    };
    let mut story = Story::begin("NATS restarted", cluster, 3).await;
    let nats = || story.cluster.nats.as_ref().expect("it was started");
    nats().stop();
    story.goes_on().await;
    nats().run().await;
    story.goes_on().await;
    let tally = story.end().await;
    assert_eq!((tally.duplicates, tally.unrecorded), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_others_leave_open_delays_the_feed_and_no_delivery() {
    let Some(cluster) = Cluster::prepare().await else {
        return;
    };
    let mut story = Story::begin("a long transaction", cluster, 2).await;
    let (reads, writes) = (story.cluster.session().await, story.cluster.session().await);
    reads
        .run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM notification")
        .await
        .expect("a snapshot that holds back vacuum");
    writes
        .run("BEGIN; SELECT pg_current_xact_id()")
        .await
        .expect("a transaction with a number");
    let mut feed = feed(&story.nodes[0].client).await;
    story.goes_on().await;
    let tally = story.end().await;
    assert_eq!((tally.duplicates, tally.unrecorded), (0, 0), "deliveries do not wait");
    let told = told(&mut feed).await;
    assert!(told < 50, "the feed waits for what is open, and told of {told}");
    writes.run("ROLLBACK").await.expect("it was open");
    for _ in 0..100 {
        let told = within(|| "the feed goes on".to_owned(), feed.recv()).await;
        told.expect("the subscriber still listens");
    }
    reads.run("ROLLBACK").await.expect("it was open");
}

/// Subscribes to the feed of a node and returns its messages. A task reads them all the time, since the node
/// disconnects a subscriber that does not read.
async fn feed(client: &Client) -> UnboundedReceiver<Value> {
    let (tell, told) = unbounded_channel();
    let mut socket = Socket::greeted(client.endpoint(), KEY).await;
    socket.subscribe("1", EVENTS, json!({})).await;
    tokio::spawn(async move { while tell.send(socket.data().await).is_ok() {} });
    told
}

/// Returns the number of messages that arrive before none does for one second.
async fn told(feed: &mut UnboundedReceiver<Value>) -> usize {
    let mut count = 0;
    while let Ok(Some(_)) = timeout(Duration::from_secs(1), feed.recv()).await {
        count += 1;
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_fail_in_order_while_others_hold_all_connections_and_recover() {
    let Some(cluster) = Cluster::with(&["max_connections=50"]).await else {
        return;
    };
    let mut story = Story::begin("no connections", cluster, 2).await;
    // The nodes are disconnected while other clients take their connections.
    story.cluster.line.cut();
    let sessions = (0..60).map(|_| story.cluster.postgres.session("postgres"));
    let others: Vec<_> = join_all(sessions).await.into_iter().flatten().collect();
    assert!(others.len() < 60, "the server is full");
    story.cluster.line.restore();
    let mutation = "mutation {createProject(data: {name: \"none\"}) {id}}";
    for node in &story.nodes {
        let answer = node.client.answer(mutation, json!({})).await;
        assert_eq!(answer.code(), Some("SERVICE_UNAVAILABLE"), "{:#}", answer.body);
        assert_eq!(node.status("/readyz").await, 503);
        assert_eq!(node.status("/healthz").await, 200);
    }
    drop(others);
    for node in &story.nodes {
        until("it answers again", || answers(&node.client)).await;
    }
    story.goes_on().await;
    let tally = story.end().await;
    assert!(tally.duplicates <= IN_FLIGHT, "{tally:?}");
}
