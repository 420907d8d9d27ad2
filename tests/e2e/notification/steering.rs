//! Looking at one notification and its event, sending it again, stopping it, and trying a webhook out.

use std::time::Duration;

use harness::{Answer, Gate, TestApp, TestReceiver, signature};
use serde_json::{Value, json};

use super::Scene;
use crate::desk::{Desk, SECRET, text, update_webhook};

const REDELIVER: &str = "mutation($id: ID!) {redeliverNotification(where: {id: $id}) {id status attemptCount redeliveryOf {id} event {id}}}";
const CANCEL: &str = "mutation($id: ID!) {cancelNotification(where: {id: $id}) {id status nextAttemptAt}}";
const PING: &str = "mutation($id: ID!) {pingWebhook(where: {id: $id}) {id status responseCode event {topic}
    attempts {response {status} error {kind}}}}";

async fn notification(app: &TestApp, id: &str) -> Value {
    let text =
        "query($id: ID!) {notification(where: {id: $id}) {id status attemptCount nextAttemptAt logLine responseCode
        webhook {id} event {id topic sequence createdAt project {id} organization {id} data
            notifications(first: 10) {nodes {id}}} attempts {number error {kind}}}}";
    app.query(text, json!({ "id": id })).await["notification"].take()
}

#[tokio::test]
async fn a_notification_leads_to_its_event_and_back() {
    let scene = Scene::set(json!({})).await;
    scene.desk.submit("{\"a\": 1}").await;
    scene.app.deliver().await;
    let id = scene.found(json!({})).await.remove(0);
    let shown = notification(&scene.app, &id).await;
    assert_eq!(shown["webhook"]["id"], scene.webhook);
    assert_eq!(shown["logLine"], "[2027-01-15T08:00:00.000Z][200] tree.jpg");
    let event = &shown["event"];
    assert_eq!(
        (&event["topic"], &event["project"]["id"]),
        (&json!("LABEL_CREATED"), &json!(scene.desk.project))
    );
    assert!(text(&event["sequence"]).parse::<u64>().is_ok());
    assert_eq!(event["notifications"]["nodes"], json!([{ "id": id }]));
    assert_eq!(
        (
            &event["data"]["label"]["label"],
            &event["data"]["dataRow"]["externalId"]
        ),
        (&json!("{\"a\": 1}"), &json!("tree.jpg"))
    );
    let alone = "query($id: ID!) {event(where: {id: $id}) {id topic createdAt}}";
    let alone = scene.app.query(alone, json!({"id": event["id"]})).await;
    assert_eq!(alone["event"]["createdAt"], "2027-01-15T08:00:00.000000Z");
}

#[tokio::test]
async fn the_sequence_of_events_grows() {
    let scene = Scene::set(json!({})).await;
    let label = scene.desk.submit("{}").await;
    scene.desk.save(&label, "{}").await;
    scene.desk.delete(&label).await;
    let log = scene
        .app
        .query("{notifications {nodes {event {topic sequence}}}}", json!({}))
        .await;
    let nodes = log["notifications"]["nodes"].as_array().expect("a list");
    let sequences: Vec<u64> = nodes
        .iter()
        .map(|node| text(&node["event"]["sequence"]).parse().expect("a number"))
        .collect();
    assert!(
        sequences.windows(2).all(|pair| pair[0] > pair[1]),
        "newest first: {sequences:?}"
    );
}

#[tokio::test]
async fn a_redelivery_is_a_new_notification_of_the_same_event_with_the_same_bytes() {
    let scene = Scene::set(json!({})).await;
    let label = scene.desk.submit("{\"first\": 1}").await;
    scene.app.deliver().await;
    let old = scene.found(json!({})).await.remove(0);
    scene.desk.delete(&label).await;
    scene.app.deliver().await;
    let again = scene.app.query(REDELIVER, json!({ "id": old })).await["redeliverNotification"].take();
    assert_ne!(again["id"], old);
    assert_eq!(
        (&again["redeliveryOf"]["id"], &again["attemptCount"]),
        (&json!(old), &json!(0))
    );
    scene.app.deliver().await;
    let received = scene.receiver.received();
    let (first, second) = (&received[0], &received[2]);
    assert_eq!(
        (&first.body, first.header("webhook-id")),
        (&second.body, second.header("webhook-id"))
    );
    assert_eq!(
        (again["id"].as_str(), &again["event"]["id"]),
        (Some(second.header("x-labelbox-id")), &json!(first.header("webhook-id")))
    );
    assert_eq!(
        notification(&scene.app, &text(&again["id"])).await["status"],
        "SUCCEEDED"
    );
    assert_eq!(
        notification(&scene.app, &old).await["attemptCount"],
        1,
        "the old record stays as it was"
    );
}

#[tokio::test]
async fn nothing_is_sent_again_to_a_webhook_that_is_switched_off() {
    let scene = Scene::set(json!({})).await;
    scene.desk.submit("{}").await;
    scene.app.deliver().await;
    let id = scene.found(json!({})).await.remove(0);
    update_webhook(&scene.app.client, &scene.webhook, json!({"status": "INACTIVE"})).await;
    scene
        .app
        .client
        .expect_error(REDELIVER, json!({ "id": id }), "OPERATION_NOT_ALLOWED")
        .await;
    let webhook = json!({"id": scene.webhook});
    scene
        .app
        .client
        .expect_error(PING, webhook, "OPERATION_NOT_ALLOWED")
        .await;
    assert_eq!(scene.found(json!({})).await.len(), 1);
}

#[tokio::test]
async fn a_canceled_notification_is_not_sent_again() {
    let scene = Scene::set(json!({})).await;
    scene.receiver.answer(Answer::status(500));
    scene.desk.submit("{}").await;
    scene.app.deliver().await;
    let id = scene.found(json!({})).await.remove(0);
    let canceled = scene.app.query(CANCEL, json!({ "id": id })).await["cancelNotification"].take();
    assert_eq!(
        (&canceled["status"], &canceled["nextAttemptAt"]),
        (&json!("CANCELED"), &Value::Null)
    );
    scene.clock.advance(Duration::from_secs(86_400));
    scene.app.deliver().await;
    assert_eq!(scene.receiver.received().len(), 1);
    assert_eq!(notification(&scene.app, &id).await["status"], "CANCELED");
    scene
        .app
        .client
        .expect_error(CANCEL, json!({ "id": id }), "RESOURCE_CONFLICT")
        .await;
    scene.receiver.answer(Answer::status(200));
    scene.app.query(REDELIVER, json!({ "id": id })).await;
    scene.app.deliver().await;
    assert_eq!(scene.receiver.received().len(), 2, "it can be sent anew");
}

#[tokio::test]
async fn what_was_canceled_before_its_first_attempt_is_never_sent() {
    let scene = Scene::set(json!({})).await;
    scene.desk.submit("{}").await;
    let id = scene.found(json!({})).await.remove(0);
    scene.app.query(CANCEL, json!({ "id": id })).await;
    scene.app.deliver().await;
    assert!(scene.receiver.received().is_empty());
    let shown = notification(&scene.app, &id).await;
    assert_eq!((&shown["status"], &shown["attempts"]), (&json!("CANCELED"), &json!([])));
    assert_eq!(shown["logLine"], "[2027-01-15T08:00:00.000Z][CANCELED] tree.jpg");
}

#[tokio::test]
async fn a_request_in_flight_is_recorded_although_it_was_canceled() {
    let (app, receiver, gate) = (TestApp::start().await, TestReceiver::start().await, Gate::default());
    receiver.answer(Answer::status(200).behind(&gate));
    let desk = Desk::set(&app.client).await;
    desk.listener(&receiver, json!({})).await;
    desk.submit("{}").await;
    let id = receiver.wait_for(1).await[0].header("x-labelbox-id").to_owned();
    app.query(CANCEL, json!({ "id": id })).await;
    gate.open();
    harness::deadline::until("the attempt is recorded", || async {
        notification(&app, &id).await["attemptCount"] == 1
    })
    .await;
    let shown = notification(&app, &id).await;
    assert_eq!(
        (&shown["status"], &shown["responseCode"]),
        (&json!("CANCELED"), &json!(200))
    );
}

#[tokio::test]
async fn a_delivered_notification_cannot_be_canceled() {
    let scene = Scene::set(json!({})).await;
    scene.desk.submit("{}").await;
    scene.app.deliver().await;
    let id = scene.found(json!({})).await.remove(0);
    scene
        .app
        .client
        .expect_error(CANCEL, json!({ "id": id }), "RESOURCE_CONFLICT")
        .await;
    assert_eq!(notification(&scene.app, &id).await["status"], "SUCCEEDED");
}

#[tokio::test]
async fn unknown_and_foreign_notifications_and_events_are_not_found() {
    let scene = Scene::set(json!({})).await;
    scene.desk.submit("{}").await;
    let id = scene.found(json!({})).await.remove(0);
    let event = text(&notification(&scene.app, &id).await["event"]["id"]);
    let stranger = scene.app.as_role("Another organization", entity::Role::Owner).await;
    for (client, notification, event) in [(&stranger, &*id, &*event), (&scene.app.client, "unknown", "unknown")] {
        for text in [
            REDELIVER,
            CANCEL,
            "query($id: ID!) {notification(where: {id: $id}) {id}}",
        ] {
            client
                .expect_error(text, json!({ "id": notification }), "RESOURCE_NOT_FOUND")
                .await;
        }
        let text = "query($id: ID!) {event(where: {id: $id}) {id}}";
        client
            .expect_error(text, json!({ "id": event }), "RESOURCE_NOT_FOUND")
            .await;
    }
    let nothing = stranger.query("{notifications {nodes {id}}}", json!({})).await;
    assert_eq!(nothing["notifications"]["nodes"], json!([]));
    assert_eq!(scene.found(json!({})).await, [id], "nothing changed");
}

#[tokio::test]
async fn a_ping_answers_with_its_outcome() {
    let (app, receiver) = (TestApp::start().await, TestReceiver::start().await);
    receiver.then([Answer::status(204), Answer::status(500), Answer::hang()]);
    let desk = Desk::set(&app.client).await;
    let id = desk
        .webhook(&receiver.url("hook"), &["LABEL_CREATED"], json!({"timeoutMs": 30_000}))
        .await;
    let ping = async || app.query(PING, json!({ "id": id })).await["pingWebhook"].take();
    let good = ping().await;
    assert_eq!(
        (&good["status"], &good["event"]["topic"]),
        (&json!("SUCCEEDED"), &json!("PING"))
    );
    assert_eq!(good["attempts"], json!([{"response": {"status": 204}, "error": null}]));
    let bad = ping().await;
    assert_eq!(
        (&bad["status"], &bad["responseCode"]),
        (&json!("RETRYING"), &json!(500))
    );
    update_webhook(&app.client, &id, json!({"timeoutMs": 1_000})).await;
    let silent = ping().await;
    assert_eq!(
        silent["attempts"],
        json!([{"response": null, "error": {"kind": "TIMEOUT"}}])
    );
    let sent = receiver.wait_for(1).await.remove(0);
    assert_eq!(sent.header("x-labelbox-event"), "PING");
    signature::assert_standard(SECRET, &sent.headers, &sent.body);
    assert_eq!(
        (&sent.json()["action"], &sent.json()["webhook"]["id"]),
        (&json!("PING"), &json!(id))
    );
}

#[tokio::test]
async fn a_preview_is_the_request_without_sending_it() {
    let scene = Scene::set(json!({"authType": "BEARER", "bearerToken": "token"})).await;
    scene.desk.submit("{}").await;
    let id = scene.found(json!({})).await.remove(0);
    let event = notification(&scene.app, &id).await["event"]["id"].take();
    scene.app.query(CANCEL, json!({ "id": id })).await;
    let preview = "query($data: PreviewRequestInput!) {previewRequest(data: $data) {method url headers body}}";
    let webhook = json!({"id": scene.webhook});
    let ask = async |more: Value| {
        let mut data = json!({ "webhook": webhook });
        crate::desk::merge(&mut data, more);
        scene.app.query(preview, json!({ "data": data })).await["previewRequest"].take()
    };
    for (more, topic) in [
        (json!({"event": {"id": event}}), "LABEL_CREATED"),
        (json!({}), "LABEL_CREATED"),
        (json!({"topic": "LABEL_DELETED"}), "LABEL_DELETED"),
        (json!({"topic": "REVIEW_UPDATED"}), "REVIEW_UPDATED"),
        (json!({"topic": "WORKFLOW_ACTION"}), "WORKFLOW_ACTION"),
        (json!({"topic": "PING"}), "PING"),
    ] {
        let shown = ask(more.clone()).await;
        let body = text(&shown["body"]);
        assert_eq!(
            (&shown["method"], &shown["url"]),
            (&json!("POST"), &json!(scene.receiver.url("hook"))),
            "{more}"
        );
        assert_eq!(
            (
                &shown["headers"]["x-labelbox-event"],
                &shown["headers"]["authorization"]
            ),
            (&json!(topic), &json!("***"))
        );
        let digest = signature::hub_sha1(SECRET, body.as_bytes());
        assert_eq!(shown["headers"]["x-hub-signature"], format!("sha1={digest}"));
        assert!(serde_json::from_str::<Value>(&body).is_ok());
    }
    let both = json!({"data": {"webhook": webhook, "event": {"id": event}, "topic": "PING"}});
    let error = scene.app.client.expect_error(preview, both, "BAD_USER_INPUT").await;
    assert_eq!(error["extensions"]["field"], "topic");
    let nobodys = json!({"data": {"webhook": webhook, "topic": "REVIEW_DELETED"}});
    scene.app.client.expect_error(preview, nobodys, "BAD_USER_INPUT").await;
    let unknown = json!({"data": {"webhook": webhook, "event": {"id": "unknown"}}});
    scene
        .app
        .client
        .expect_error(preview, unknown, "RESOURCE_NOT_FOUND")
        .await;
    scene.app.deliver().await;
    assert!(scene.receiver.received().is_empty());
    assert_eq!(scene.found(json!({})).await.len(), 1, "and nothing is on record for it");
}
