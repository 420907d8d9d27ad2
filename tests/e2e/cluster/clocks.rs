//! Nodes whose machines' clocks are wrong: they go by the database's.

use std::path::{Path, PathBuf};

use harness::programs::skip;
use harness::{Answer, Cluster, Node};

use super::story::Story;

#[tokio::test(flavor = "multi_thread")]
async fn nodes_whose_clocks_are_an_hour_apart_go_by_one() {
    let Some(library) = faketime() else { return };
    let Some(cluster) = Cluster::prepare().await else {
        return;
    };
    let mut nodes = Vec::new();
    for (name, offset) in [("right", "+0s"), ("ahead", "+3600s"), ("behind", "-3600s")] {
        let wrong = [
            ("LD_PRELOAD", library.clone().into_os_string()),
            ("FAKETIME", offset.into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
        ];
        nodes.push(Node::of(cluster.launch(name, "all", &wrong)).await);
    }
    let mut story = Story::over("clocks apart", cluster, nodes).await;
    let scripted = [Answer::status(503), Answer::status(200)];
    story.receiver.then(scripted.into_iter().cycle().take(200));
    story.goes_on().await;
    let tally = story.end().await;
    assert_eq!(tally.unrecorded, 0);
    let session = story.cluster.session().await;
    let strange = "SELECT count(*) AS number FROM notification \
        WHERE abs(created_at - extract(epoch FROM clock_timestamp()) * 1000000) > 120000000 \
           OR abs(updated_at - extract(epoch FROM clock_timestamp()) * 1000000) > 120000000";
    assert_eq!(session.number(strange).await.expect("an answer"), 0, "all by one clock");
    for node in &story.nodes {
        assert!(!node.said().contains("under a new id"), "{}", node.said());
    }
}

/// The library that gives a process another time; none, after saying so, when it is not installed.
fn faketime() -> Option<PathBuf> {
    let places = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .map(|machine| Path::new("/usr/lib").join(machine).join("faketime/libfaketimeMT.so.1"));
    places
        .into_iter()
        .find(|place| place.is_file())
        .or_else(|| skip("faketime"))
}
