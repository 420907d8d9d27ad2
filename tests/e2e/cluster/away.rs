//! Tests of an unreachable PostgreSQL: requests fail within seconds and with the right code, and everything recovers by
//! itself.

use std::time::{Duration, Instant};

use harness::deadline::until;
use harness::{Client, Cluster, Line, Node, TestReceiver};
use serde_json::json;

use super::story::{Story, answers, wait};

/// The most deliveries that may be sent and not yet recorded at one moment: the batch that is being written, and the
/// next.
const IN_FLIGHT: usize = 300;

const QUERY: &str = "{projects(first: 1) {id}}";
const MUTATION: &str = "mutation {createProject(data: {name: \"none\"}) {id}}";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_connections_is_told_of_and_waited_for() {
    stays_away("PostgreSQL refused", Line::cut, Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_for_half_a_minute_is_told_of_and_waited_for() {
    stays_away("PostgreSQL silent", Line::silence, Duration::from_secs(30)).await;
}

async fn stays_away(name: &'static str, fault: fn(&Line), time: Duration) {
    let Some(cluster) = Cluster::prepare().await else {
        return;
    };
    let mut story = Story::begin(name, cluster, 2).await;
    let begun = Instant::now();
    fault(&story.cluster.line);
    for node in &story.nodes {
        is_told(&node.client).await;
        assert_eq!(node.status("/readyz").await, 503, "it takes no requests");
        assert_eq!(node.status("/healthz").await, 200, "it lives");
    }
    wait(time.saturating_sub(begun.elapsed()).max(Duration::from_millis(1))).await;
    until("what could not be recorded is not sent", || is_silent(&story.receiver)).await;
    story.cluster.line.restore();
    for node in &story.nodes {
        until("it answers again", || answers(&node.client)).await;
        until("it is ready again", || is_ready(node)).await;
    }
    story.delivers().await;
    story.goes_on().await;
    let tally = story.end().await;
    assert!(tally.duplicates <= IN_FLIGHT, "{tally:?}");
    assert_eq!(
        none(&story.nodes[0].client).await,
        0,
        "nothing was changed, it was said"
    );
}

/// Asserts that a query and a mutation fail with SERVICE_UNAVAILABLE, which means to try again. A timeout would be
/// another code.
async fn is_told(client: &Client) {
    let (question, change) = tokio::join!(client.answer(QUERY, json!({})), client.answer(MUTATION, json!({})));
    assert_eq!(question.code(), Some("SERVICE_UNAVAILABLE"), "{:#}", question.body);
    assert_eq!(question.status.as_u16(), 503);
    assert_eq!(change.code(), Some("SERVICE_UNAVAILABLE"), "{:#}", change.body);
}

/// Returns whether no request arrives for one second.
async fn is_silent(receiver: &TestReceiver) -> bool {
    let before = receiver.received().len();
    wait(Duration::from_secs(1)).await;
    receiver.received().len() == before
}

async fn is_ready(node: &Node) -> bool {
    node.status("/readyz").await == 200
}

/// Returns the number of projects that should not have been created.
async fn none(client: &Client) -> usize {
    let found = client
        .query("{projects(where: {name: \"none\"}) {id}}", json!({}))
        .await;
    found["projects"].as_array().map_or(0, Vec::len)
}
