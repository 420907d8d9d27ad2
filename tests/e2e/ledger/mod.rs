//! Nothing that was accepted is lost: the real binary is killed at random moments while several tasks go on changing
//! things, and at the end a ledger of what it had accepted is held against what was delivered and what is recorded.
//!
//! [`book`] is the ledger, [`writer`] the tasks, [`scene`] the projects and webhooks they work on.

pub mod book;
pub mod scene;
pub mod writer;

use std::sync::Arc;

use harness::deadline::{LIMIT, until};
use harness::{Answer, Client, Home, Rng, Service, TestReceiver};
use serde_json::{Value, json};
use tokio::sync::watch;

use book::Book;
use scene::Scene;

const KILLS: usize = 8;
const WRITERS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_delivered_and_recorded_although_the_process_is_killed() {
    let mut rng = Rng::announced("ledger");
    let receiver = TestReceiver::start().await;
    receiver.then((0..2_000).map(|_| unreliable(&mut rng)));
    let home = Home::new().await;
    let mut service = Service::start(&home).await;
    let scene = Arc::new(Scene::set(&service.client, &receiver, 1).await);
    let book = Arc::new(Book::default());

    let address = watch::Sender::new(vec![service.client.clone()]);
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            tokio::spawn(writer::run(
                address.subscribe(),
                Arc::clone(&scene),
                Arc::clone(&book),
                rng.fork(),
            ))
        })
        .collect();
    for _ in 0..KILLS {
        book.accepts_more(20 + rng.below(80)).await;
        service.kill();
        service = Service::start(&home).await;
        address.send_replace(vec![service.client.clone()]);
    }
    book.accepts_more(20).await;
    address.send_replace(Vec::new());
    for writer in writers {
        writer.await.expect("a writer does not panic");
    }

    let missing = || book.missing(&scene, &receiver.received());
    until_quiet(&receiver, || missing().is_empty()).await;
    assert_eq!(
        missing(),
        [],
        "accepted and not delivered; on record: {:#}",
        open(&service.client).await
    );
    until("every notification is settled", || settled(&service.client)).await;
    book.audit(&scene, &receiver.received());
    for webhook in &scene.webhooks {
        scene::audit_records(&service.client, webhook, &receiver.received()).await;
    }
    assert!(
        service.terminate().await.success(),
        "it drains when it is asked to stop"
    );
}

/// Mostly a good receiver.
fn unreliable(rng: &mut Rng) -> Answer {
    match rng.below(20) {
        0 => Answer::status(503),
        1 => Answer::reset(),
        _ => Answer::status(200),
    }
}

/// Waits until it is `done`, or until nothing has come for so long that nothing will.
pub async fn until_quiet(receiver: &TestReceiver, done: impl Fn() -> bool) {
    loop {
        // Counted before the look, or what comes in between would be waited for again.
        let seen = receiver.received().len();
        if done() {
            return;
        }
        if receiver.count_within(seen + 1, LIMIT).await == seen {
            return;
        }
    }
}

pub async fn settled(client: &Client) -> bool {
    open(client).await.as_array().is_some_and(Vec::is_empty)
}

/// Notifications that are on their way.
pub async fn open(client: &Client) -> Value {
    let text = "{notifications(where: {statuses: [PENDING, SENDING, RETRYING]}, first: 10) {nodes {
        id status attemptCount nextAttemptAt webhook {url} event {topic}}}}";
    client.query(text, json!({})).await["notifications"]["nodes"].take()
}
