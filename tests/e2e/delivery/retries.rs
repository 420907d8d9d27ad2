//! Again until it is taken: the schedule, what the receiver may ask for, and when it is over. Days pass in
//! milliseconds.

use std::time::Duration;

use harness::Answer;
use serde_json::{Value, json};

use super::Scene;
use crate::desk::update_webhook;

const SCHEDULE: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Without jitter, so that moments can be named.
fn punctual() -> Value {
    json!({"retryPolicy": {"jitter": 0.0}})
}

async fn newest(scene: &Scene) -> Value {
    let text = "{notifications(first: 1) {nodes {id status attemptCount nextAttemptAt responseCode}}}";
    scene.app.query(text, json!({})).await["notifications"]["nodes"][0].take()
}

#[tokio::test]
async fn a_failed_notification_is_retried_on_schedule_until_its_attempts_are_spent() {
    let scene = Scene::set().await;
    scene.receiver.answer(Answer::status(500));
    scene.desk.listener(&scene.receiver, punctual()).await;
    scene.desk.submit("{}").await;
    assert_eq!(scene.deliver().await.len(), 1);
    for (already, seconds) in (1..).zip(SCHEDULE) {
        let waiting = newest(&scene).await;
        assert_eq!(
            (&waiting["status"], &waiting["attemptCount"]),
            (&json!("RETRYING"), &json!(already))
        );
        let wait = Duration::from_secs(seconds);
        let early = Duration::from_millis(1);
        assert_eq!(scene.later(wait - early).await.len(), already, "not a moment too early");
        assert_eq!(scene.later(early).await.len(), already + 1, "after {seconds} s");
    }
    let over = newest(&scene).await;
    assert_eq!((&over["status"], &over["attemptCount"]), (&json!("FAILED"), &json!(10)));
    assert_eq!(
        (&over["nextAttemptAt"], &over["responseCode"]),
        (&Value::Null, &json!(500))
    );
    assert_eq!(
        scene.later(Duration::from_secs(7 * 86_400)).await.len(),
        10,
        "it is over"
    );
}

#[tokio::test]
async fn every_attempt_sends_the_same_bytes_under_the_same_ids() {
    let scene = Scene::set().await;
    scene
        .receiver
        .then([Answer::status(503), Answer::status(404), Answer::status(301)]);
    scene
        .desk
        .listener(
            &scene.receiver,
            json!({"retryPolicy": {"delaysMs": [1_000], "jitter": 0.0}}),
        )
        .await;
    let label = scene.desk.submit("{\"first\": true}").await;
    scene.deliver().await;
    scene
        .desk
        .client
        .query(
            "mutation($id: ID!) {updateProject(where: {id: $id}, data: {name: \"Renamed\"}) {id}}",
            json!({"id": scene.desk.project}),
        )
        .await;
    let mut received = Vec::new();
    for _ in 0..3 {
        received = scene.later(Duration::from_secs(1)).await;
    }
    assert_eq!(received.len(), 4);
    let first = &received[0];
    for (number, again) in received.iter().enumerate() {
        assert_eq!(again.body, first.body);
        for same in ["webhook-id", "x-labelbox-id", "x-hub-signature", "x-hub-signature-256"] {
            assert_eq!(again.header(same), first.header(same), "{same}");
        }
        let moment = 1_800_000_000 + i64::try_from(number).expect("small");
        assert_eq!(
            again.header("webhook-timestamp"),
            moment.to_string(),
            "the moment of the attempt"
        );
    }
    assert_eq!(
        (&first.json()["id"], &first.json()["project"]["name"]),
        (&json!(label), &json!("Trees"))
    );
    assert_eq!(newest(&scene).await["status"], "SUCCEEDED");
}

#[tokio::test]
async fn jitter_moves_a_retry_by_a_fifth_at_most() {
    let scene = Scene::set().await;
    scene.receiver.answer(Answer::status(500));
    scene
        .desk
        .listener(&scene.receiver, json!({"retryPolicy": {"delaysMs": [100_000]}}))
        .await;
    for _ in 0..20 {
        scene.desk.submit("{}").await;
    }
    scene.deliver().await;
    let log = scene
        .app
        .query("{notifications(first: 100) {nodes {nextAttemptAt}}}", json!({}))
        .await;
    let mut moments: Vec<_> = log["notifications"]["nodes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|node| node["nextAttemptAt"].to_string())
        .collect();
    moments.sort();
    assert!(
        moments[0].as_str() >= "\"2027-01-15T08:01:20" && moments[19].as_str() <= "\"2027-01-15T08:02:00.000001",
        "{moments:?}"
    );
    moments.dedup();
    assert!(moments.len() > 10, "they do not all come back at once");
}

#[tokio::test]
async fn retry_after_lengthens_a_wait_and_never_shortens_it() {
    let scene = Scene::set().await;
    scene.receiver.then([
        Answer::status(503).header("retry-after", "60"),
        Answer::status(503).header("retry-after", "1"),
    ]);
    scene.desk.listener(&scene.receiver, punctual()).await;
    scene.desk.submit("{}").await;
    scene.deliver().await;
    assert_eq!(scene.later(Duration::from_secs(59)).await.len(), 1);
    assert_eq!(scene.later(Duration::from_secs(1)).await.len(), 2);
    assert_eq!(
        scene.later(Duration::from_secs(299)).await.len(),
        2,
        "the policy's 5 min are more"
    );
    assert_eq!(scene.later(Duration::from_secs(1)).await.len(), 3);
}

#[tokio::test]
async fn a_receiver_that_throttles_politely_costs_no_attempts() {
    let scene = Scene::set().await;
    scene
        .receiver
        .then((0..20).map(|_| Answer::status(429).header("retry-after", "30")));
    scene
        .desk
        .listener(
            &scene.receiver,
            json!({"retryPolicy": {"maxAttempts": 1, "jitter": 0.0}}),
        )
        .await;
    scene.desk.submit("{}").await;
    scene.deliver().await;
    for _ in 0..20 {
        assert_eq!(newest(&scene).await["status"], "RETRYING");
        scene.later(Duration::from_secs(30)).await;
    }
    let done = newest(&scene).await;
    assert_eq!(
        (&done["status"], &done["attemptCount"]),
        (&json!("SUCCEEDED"), &json!(21))
    );
}

#[tokio::test]
async fn a_receiver_that_is_gone_revokes_its_webhook() {
    let scene = Scene::set().await;
    scene.receiver.then([Answer::status(410)]);
    let id = scene.desk.listener(&scene.receiver, json!({})).await;
    scene.desk.submit("{}").await;
    scene.deliver().await;
    assert_eq!(newest(&scene).await["status"], "FAILED");
    let status = "query($id: ID!) {webhook(where: {id: $id}) {status statusReason}}";
    let shown = scene.app.query(status, json!({ "id": id })).await;
    assert_eq!(shown["webhook"]["status"], "REVOKED");
    assert!(
        shown["webhook"]["statusReason"]
            .as_str()
            .expect("a reason")
            .contains("410")
    );
    scene.desk.submit("{}").await;
    assert_eq!(
        scene.later(Duration::from_secs(86_400)).await.len(),
        1,
        "nothing more is sent or queued"
    );
    update_webhook(&scene.app.client, &id, json!({"status": "ACTIVE"})).await;
    let shown = scene.app.query(status, json!({ "id": id })).await;
    assert_eq!(shown["webhook"], json!({"status": "ACTIVE", "statusReason": null}));
    scene.desk.submit("{}").await;
    assert_eq!(scene.deliver().await.len(), 2);
}

#[tokio::test]
async fn a_webhook_that_is_switched_off_keeps_its_queue_and_goes_on_when_it_is_on_again() {
    let scene = Scene::set().await;
    scene.receiver.then([Answer::status(500)]);
    let id = scene.desk.listener(&scene.receiver, punctual()).await;
    scene.desk.submit("{}").await;
    scene.deliver().await;
    update_webhook(&scene.app.client, &id, json!({"status": "INACTIVE"})).await;
    assert_eq!(
        scene.later(Duration::from_secs(3_600)).await.len(),
        1,
        "nothing is sent meanwhile"
    );
    assert_eq!(newest(&scene).await["status"], "RETRYING");
    update_webhook(&scene.app.client, &id, json!({"status": "ACTIVE"})).await;
    assert_eq!(scene.deliver().await.len(), 2);
    assert_eq!(newest(&scene).await["status"], "SUCCEEDED");
}
