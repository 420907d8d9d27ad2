//! One slow or dead webhook delays nobody else, and no webhook gets more requests at a time, or sooner one after the
//! other, than it asked for.

use std::time::{Duration, Instant};

use harness::{Answer, Gate, TestApp, TestReceiver};
use serde_json::json;

use crate::desk::Desk;

#[tokio::test]
async fn a_receiver_that_never_answers_delays_nobody_else() {
    let app = TestApp::start().await;
    let (dead, alive) = (TestReceiver::start().await, TestReceiver::start().await);
    dead.answer(Answer::hang());
    let desk = Desk::set(&app.client).await;
    desk.listener(&dead, json!({"maxInFlight": 4})).await;
    desk.listener(&alive, json!({})).await;
    for _ in 0..40 {
        desk.submit("{}").await;
    }
    assert_eq!(alive.wait_for(40).await.len(), 40);
    assert_eq!(dead.wait_for(4).await.len(), 4, "the rest waits for its turn");
}

#[tokio::test]
async fn a_webhook_gets_no_more_requests_at_a_time_than_it_asked_for() {
    let (app, receiver, gate) = (TestApp::start().await, TestReceiver::start().await, Gate::default());
    receiver.answer(Answer::status(200).behind(&gate));
    let desk = Desk::set(&app.client).await;
    desk.listener(&receiver, json!({"maxInFlight": 3})).await;
    for _ in 0..12 {
        desk.submit("{}").await;
    }
    receiver.wait_for(3).await;
    gate.open();
    receiver.wait_for(12).await;
    assert_eq!(receiver.most_in_flight(), 3);
}

#[tokio::test]
async fn a_webhook_gets_its_requests_at_the_pace_it_asked_for() {
    let app = TestApp::start().await;
    let (paced, other) = (TestReceiver::start().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    desk.listener(&paced, json!({"rateLimit": {"requests": 1, "perMs": 100}}))
        .await;
    desk.listener(&other, json!({})).await;
    let started = Instant::now();
    for _ in 0..30 {
        desk.submit("{}").await;
    }
    other.wait_for(30).await;
    // The dispatcher wakes for each by itself: the survey alone, every fifteen seconds, would take seven minutes.
    assert_eq!(paced.wait_for(30).await.len(), 30);
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(29 * 100),
        "one at once, then one after the other: {took:?}"
    );
}
