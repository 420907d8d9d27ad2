//! The common part of the cluster stories: a cluster under load, and an audit at the end. Every accepted change was
//! delivered, no notification is stuck, and the records agree with the requests; duplicates are counted.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use harness::deadline::{LIMIT, until};
use harness::{Client, Cluster, Node, Rng, TestReceiver};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

use crate::ledger::book::Book;
use crate::ledger::scene::{self, Scene};
use crate::ledger::{open, settled, writer};

const WRITERS: usize = 6;
/// The number of webhooks of each of three kinds: enough that every node sends to some.
const EACH: usize = 3;

/// A cluster under load.
pub struct Story {
    name: &'static str,
    // Dropped before what they depend on.
    pub nodes: Vec<Node>,
    pub cluster: Cluster,
    pub receiver: TestReceiver,
    pub book: Arc<Book>,
    scene: Arc<Scene>,
    services: watch::Sender<Vec<Client>>,
    writers: Vec<JoinHandle<()>>,
}

/// The requests that a story counts at its end.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// Requests beyond the first of a notification.
    pub duplicates: usize,
    /// Requests without an attempt on record.
    pub unrecorded: usize,
}

impl Story {
    /// Starts nodes on an empty database and writers that use all of them.
    pub async fn begin(name: &'static str, cluster: Cluster, count: usize) -> Self {
        let nodes = Box::pin(cluster.nodes(count)).await;
        Box::pin(Self::over(name, cluster, nodes)).await
    }

    /// The same on nodes that already run.
    pub async fn over(name: &'static str, cluster: Cluster, nodes: Vec<Node>) -> Self {
        let mut rng = Rng::announced(name);
        let receiver = TestReceiver::start().await;
        all_know(&cluster, nodes.len()).await;
        let scene = Arc::new(Box::pin(Scene::set(&nodes[0].client, &receiver, EACH)).await);
        let book = Arc::new(Book::default());
        let services = watch::Sender::new(clients(&nodes));
        let writer = |_| writer::run(services.subscribe(), Arc::clone(&scene), Arc::clone(&book), rng.fork());
        let writers = (0..WRITERS).map(writer).map(tokio::spawn).collect();
        let story = Self {
            name,
            cluster,
            nodes,
            receiver,
            book,
            scene,
            services,
            writers,
        };
        story.goes_on().await;
        story
    }

    /// Waits until 100 more changes are accepted.
    pub async fn goes_on(&self) {
        self.book.accepts_more(100).await;
    }

    /// Makes the writers use the current nodes.
    pub fn use_nodes(&self) {
        self.services.send_replace(clients(&self.nodes));
    }

    /// Waits until another request is delivered.
    pub async fn delivers(&self) {
        let seen = self.receiver.received().len();
        self.receiver.wait_for(seen + 1).await;
    }

    /// Returns the number of nodes in the database.
    pub async fn rows(&self) -> i64 {
        rows(&self.cluster).await
    }

    /// Waits until this many nodes are left in the database.
    pub async fn buries(&self, left: i64) {
        until("the others declare it dead", || async { self.rows().await == left }).await;
    }

    /// Ends the load, waits until everything is settled, and compares the ledger with the deliveries and the records.
    pub async fn end(&mut self) -> Tally {
        self.services.send_replace(Vec::new());
        for writer in self.writers.drain(..) {
            writer.await.expect("a writer does not panic");
        }
        let client = &self.nodes[0].client;
        let missing = || self.book.missing(&self.scene, &self.receiver.received()).len();
        let mut again = interval(Duration::from_millis(250));
        let begun = Instant::now();
        while missing() > 0 && begun.elapsed() < LIMIT {
            again.tick().await;
        }
        let left = self.book.missing(&self.scene, &self.receiver.received());
        assert!(
            left.is_empty(),
            "accepted and not delivered: {left:?}; {:#}",
            open(client).await
        );
        until("every notification is settled", || settled(client)).await;
        self.tally(begun.elapsed()).await
    }

    async fn tally(&self, took: Duration) -> Tally {
        let received = self.receiver.received();
        self.book.audit(&self.scene, &received);
        let mut attempts = 0;
        for webhook in &self.scene.webhooks {
            attempts += scene::audit_records(&self.nodes[0].client, webhook, &received).await;
        }
        let distinct: HashSet<_> = received
            .iter()
            .map(|one| one.header("x-labelbox-id").to_owned())
            .collect();
        let tally = Tally {
            duplicates: received.len() - distinct.len(),
            unrecorded: received.len() - attempts,
        };
        let (name, counts, came) = (self.name, self.book.counts(), received.len());
        // Written past the captured output: the numbers of a passing test are worth a line.
        writeln!(
            io::stderr(),
            "{name}: {came} requests, {tally:?}, {counts:?}, caught up in {took:?}"
        )
        .ok();
        tally
    }
}

/// Waits until each node knows of this many nodes. A heartbeat renews a node's row and then reads those of the others,
/// so a node that has started two heartbeats since all were there has finished one.
pub async fn all_know(cluster: &Cluster, count: usize) {
    let count = i64::try_from(count).expect("few nodes");
    until("every node is there", || async { rows(cluster).await == count }).await;
    for _ in 0..2 {
        let now = number(
            cluster,
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS number",
        )
        .await;
        let beaten = &format!("SELECT count(*) AS number FROM node WHERE seen_at > {now}");
        until("every node beats", || async { number(cluster, beaten).await == count }).await;
    }
}

async fn rows(cluster: &Cluster) -> i64 {
    number(cluster, "SELECT count(*) AS number FROM node").await
}

async fn number(cluster: &Cluster, sql: &str) -> i64 {
    let session = cluster.session().await;
    session.number(sql).await.expect("the server answers")
}

/// Lets time pass, to observe that something does not happen or how long it lasts.
pub async fn wait(time: Duration) {
    let mut ticks = interval(time);
    ticks.tick().await;
    ticks.tick().await;
}

/// Returns whether a node answers a query that needs the database.
pub async fn answers(client: &Client) -> bool {
    let answer = client.try_answer("{projects(first: 1) {id}}", json!({})).await;
    answer.is_ok_and(|answer| answer.code().is_none())
}

fn clients(nodes: &[Node]) -> Vec<Client> {
    nodes.iter().map(|node| node.client.clone()).collect()
}
