//! Tests that the limits of a webhook hold over all nodes: requests in flight, rate and order.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use harness::{Answer, Cluster, Gate, Node, TestReceiver};
use serde_json::json;

use super::story::{all_know, wait};
use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_together_keep_to_the_requests_in_flight_that_a_webhook_allows() {
    let Some((_cluster, nodes, desk)) = three().await else {
        return;
    };
    let (receiver, gate) = (TestReceiver::start().await, Gate::default());
    receiver.answer(Answer::status(200).behind(&gate));
    desk.webhook(
        &receiver.url("few"),
        &["LABEL_CREATED"],
        json!({"maxInFlight": 4, "timeoutMs": 30_000}),
    )
    .await;
    submit(&desk, &nodes, 60).await;
    receiver.wait_for(4).await;
    wait(Duration::from_secs(2)).await;
    assert_eq!(receiver.received().len(), 4, "no more while none is answered");
    gate.open();
    receiver.wait_for(60).await;
    assert_eq!(receiver.most_in_flight(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_together_keep_to_the_rate_that_a_webhook_allows() {
    let Some((_cluster, nodes, desk)) = three().await else {
        return;
    };
    let (receiver, gate) = (TestReceiver::start().await, Gate::default());
    receiver.answer(Answer::status(200).behind(&gate));
    let limit = json!({"rateLimit": {"requests": 20, "perMs": 1_000}, "maxInFlight": 20, "timeoutMs": 30_000});
    desk.webhook(&receiver.url("slow"), &["LABEL_CREATED"], limit).await;
    submit(&desk, &nodes, 120).await;
    receiver.wait_for(20).await;
    // All are queued by now, so the pace is that of the rate limit and not that of the submits.
    let opened = Instant::now();
    gate.open();
    let came = receiver.wait_for(120).await;
    // Twenty were held, and twenty may be sent at once after that rest. The other eighty are sent at the rate, or
    // slower on a busy machine.
    let pace = 80.0 / (came[119].arrived - opened).as_secs_f64();
    assert!(pace <= 22.0, "{pace} a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_order_is_kept_while_nodes_come_and_go() {
    let Some((cluster, mut nodes, desk)) = three().await else {
        return;
    };
    let (receiver, gate) = (TestReceiver::start().await, Gate::default());
    receiver.answer(Answer::status(200).behind(&gate));
    desk.webhook(
        &receiver.url("strict"),
        &["LABEL_CREATED"],
        json!({"ordering": "STRICT"}),
    )
    .await;
    let mut made = submit(&desk, &nodes, 30).await;
    gate.open();
    for number in 4..6 {
        nodes.remove(0).kill();
        made.extend(submit(&desk, &nodes, 30).await);
        nodes.push(cluster.node(&format!("node-{number}")).await);
        made.extend(submit(&desk, &nodes, 30).await);
    }
    let all = || first_of_each(&receiver);
    harness::deadline::until("everything has come", || async { all().len() >= made.len() }).await;
    assert_eq!(all(), made, "in the order in which it was accepted");
    assert_eq!(receiver.most_in_flight(), 1, "one after the other");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_nodes_accept_at_once_is_sent_one_after_the_other_and_none_is_stuck() {
    let Some((_cluster, nodes, desk)) = three().await else {
        return;
    };
    let receiver = TestReceiver::start().await;
    desk.webhook(
        &receiver.url("strict"),
        &["LABEL_CREATED"],
        json!({"ordering": "STRICT"}),
    )
    .await;
    let each = nodes.iter().map(|node| submit(&desk, std::slice::from_ref(node), 60));
    let made: Vec<String> = join_all(each).await.into_iter().flatten().collect();
    harness::deadline::until("everything has come", || async {
        first_of_each(&receiver).len() >= made.len()
    })
    .await;
    assert_eq!(receiver.received().len(), made.len(), "each once");
    assert_eq!(receiver.most_in_flight(), 1, "one after the other");
}

async fn three() -> Option<(Cluster, Vec<Node>, Desk)> {
    let cluster = Cluster::prepare().await?;
    let nodes = cluster.nodes(3).await;
    all_know(&cluster, nodes.len()).await;
    let desk = Desk::set(&nodes[0].client).await;
    Some((cluster, nodes, desk))
}

/// Submits labels one after the other, through all nodes in turn. Returns their ids.
async fn submit(desk: &Desk, nodes: &[Node], count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for (number, node) in (0..count).zip(nodes.iter().cycle()) {
        let desk = Desk {
            client: node.client.clone(),
            ..desk.clone()
        };
        ids.push(desk.submit(&number.to_string()).await);
    }
    ids
}

/// Returns the ids of the delivered labels, in the order of their first arrival.
fn first_of_each(receiver: &TestReceiver) -> Vec<String> {
    let mut seen = HashSet::new();
    let ids = receiver.received().into_iter().map(|one| one.json()["id"].to_string());
    let ids = ids.map(|id| id.trim_matches('"').to_owned());
    ids.filter(|id| seen.insert(id.clone())).collect()
}
