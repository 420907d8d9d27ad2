//! Tests of nodes that are killed, paused, stopped and started under load.

use std::time::Duration;

use harness::Cluster;
use harness::cluster::TIMEOUT;

use super::story::{Story, wait};

/// The most deliveries that may be sent and not yet recorded at one moment: the batch that is being written, and the
/// next.
const IN_FLIGHT: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_loses_nothing_and_others_take_over() {
    let Some(cluster) = Cluster::prepare().await else {
        return;
    };
    let mut story = Story::begin("a node killed", cluster, 3).await;
    story.nodes.remove(1).kill();
    story.use_nodes();
    story.goes_on().await;
    story.nodes.push(story.cluster.node("node-4").await);
    story.use_nodes();
    story.goes_on().await;
    let tally = story.end().await;
    assert!(tally.duplicates <= IN_FLIGHT, "{tally:?}");
    assert_eq!(
        tally.duplicates, tally.unrecorded,
        "only what was not recorded is sent again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stood_still_comes_back_under_a_new_id_and_sends_nothing_that_others_took_over() {
    let Some(cluster) = Cluster::prepare().await else {
        return;
    };
    let mut story = Story::begin("a node stopped", cluster, 3).await;
    let stopped = story.nodes.remove(1);
    story.use_nodes();
    stopped.pause();
    story.buries(2).await;
    story.goes_on().await;
    stopped.resume();
    stopped.says("goes on under a new id").await;
    story.nodes.push(stopped);
    story.use_nodes();
    story.goes_on().await;
    let tally = story.end().await;
    assert!(tally.duplicates <= IN_FLIGHT, "{tally:?}");
    assert!(tally.unrecorded <= IN_FLIGHT, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_to_stop_hands_over_at_once_and_nothing_is_sent_twice() {
    let Some(cluster) = Cluster::prepare().await else {
        return;
    };
    let mut story = Story::begin("a node drained", cluster, 3).await;
    let leaving = story.nodes.remove(0);
    story.use_nodes();
    assert!(leaving.terminate().await.success(), "it drains");
    assert_eq!(story.rows().await, 2, "it takes its row away");
    story.goes_on().await;
    let tally = story.end().await;
    assert_eq!((tally.duplicates, tally.unrecorded), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_on_an_empty_database_migrate_it_once_and_make_one_key() {
    let Some(cluster) = Cluster::prepare().await else {
        return;
    };
    let nodes = cluster.nodes(4).await;
    let session = cluster.session().await;
    let number = async |sql: &str| session.number(sql).await.expect("the server answers");
    assert_eq!(number("SELECT count(*) AS number FROM organization").await, 1);
    assert_eq!(number("SELECT count(*) AS number FROM api_key").await, 1);
    assert_eq!(number("SELECT count(*) AS number FROM node").await, 4);
    let twice = "SELECT count(*) - count(DISTINCT version) AS number FROM seaql_migrations";
    assert_eq!(number(twice).await, 0, "each migration ran once");
    for node in &nodes {
        let user = node.client.query("{user {role}}", serde_json::json!({})).await;
        assert_eq!(user["user"]["role"], "OWNER", "one key opens every node");
        assert!(!node.said().contains("ERROR"), "{}", node.said());
    }
    wait(Duration::from_secs(TIMEOUT)).await;
    let mut story = Story::over("nodes together", cluster, nodes).await;
    let tally = story.end().await;
    assert_eq!((tally.duplicates, tally.unrecorded), (0, 0));
}
