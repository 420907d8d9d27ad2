//! Replays through the API: begun, watched, stopped, and refused.

use std::sync::Arc;

use entity::{Role, Timestamp};
use harness::{Answer, Client, EventStream, KEY, Socket, Start, TestApp, TestReceiver};
use labelhook_core::Clock;
use serde_json::{Value, json};

use crate::desk::{Desk, text, update_webhook};

const BEGIN: &str = "mutation($data: ReplayInput!) {startReplay(data: $data) {id status total done skipped createdAt}}";
const REPLAY: &str =
    "query($id: ID!) {replay(where: {id: $id}) {status total done skipped} node(id: $id) {__typename id}}";

struct Scene {
    app: Arc<TestApp>,
    receiver: TestReceiver,
    desk: Desk,
    webhook: String,
}

impl Scene {
    async fn set() -> Self {
        let start = Start {
            clock: Clock::mock(Timestamp(1_800_000_000_000_000)),
            paused: true,
            ..Start::default()
        };
        let app = Arc::new(TestApp::with(start).await);
        let receiver = TestReceiver::start().await;
        let desk = Desk::set(&app.client).await;
        let webhook = desk
            .listener(&receiver, json!({"retryPolicy": {"maxAttempts": 1}}))
            .await;
        Self {
            app,
            receiver,
            desk,
            webhook,
        }
    }

    async fn begin(&self, data: Value) -> Value {
        self.app.query(BEGIN, json!({ "data": data })).await["startReplay"].take()
    }

    async fn refused(&self, data: Value, code: &str) -> Value {
        self.app.client.expect_error(BEGIN, json!({ "data": data }), code).await
    }

    async fn look(&self, id: &Value) -> Value {
        self.app.query(REPLAY, json!({ "id": id })).await["replay"].take()
    }
}

#[tokio::test]
async fn all_that_failed_is_replayed_with_progress() {
    let scene = Scene::set().await;
    scene.receiver.then([Answer::status(500), Answer::status(404)]);
    for _ in 0..3 {
        scene.desk.submit("{}").await;
    }
    scene.app.deliver().await;
    let begun = scene.begin(json!({"where": {"statuses": ["FAILED"]}})).await;
    assert_eq!(
        (&begun["status"], &begun["total"], &begun["done"], &begun["createdAt"]),
        (
            &json!("RUNNING"),
            &json!(2),
            &json!(0),
            &json!("2027-01-15T08:00:00.000000Z")
        )
    );
    scene.app.deliver().await;
    let over = json!({"status": "SUCCEEDED", "total": 2, "done": 2, "skipped": 0});
    assert_eq!(scene.look(&begun["id"]).await, over);
    let node = scene.app.query(REPLAY, json!({"id": begun["id"]})).await;
    assert_eq!(node["node"], json!({"__typename": "Replay", "id": begun["id"]}));
    assert_eq!(scene.receiver.received().len(), 5);
    let stop = "mutation($id: ID!) {cancelReplay(where: {id: $id}) {status}}";
    let id = json!({"id": begun["id"]});
    scene.app.client.expect_error(stop, id, "RESOURCE_CONFLICT").await;
}

#[tokio::test]
async fn what_was_missed_comes_by_one_call_and_rerendered_in_the_present_format() {
    let scene = Scene::set().await;
    update_webhook(&scene.app.client, &scene.webhook, json!({"status": "INACTIVE"})).await;
    scene.desk.submit("{}").await;
    scene.desk.submit("{}").await;
    let missed = json!({"where": {}, "missedBy": scene.webhook});
    scene.refused(missed.clone(), "OPERATION_NOT_ALLOWED").await;
    update_webhook(&scene.app.client, &scene.webhook, json!({"status": "ACTIVE"})).await;
    assert_eq!(scene.begin(missed).await["total"], 2);
    scene.app.deliver().await;
    assert_eq!(scene.receiver.received().len(), 2);
    update_webhook(&scene.app.client, &scene.webhook, json!({"payloadFormat": "ANGO"})).await;
    let again = json!({"where": {"webhookIds": [scene.webhook]}, "rerender": true});
    assert_eq!(scene.begin(again).await["total"], 2);
    scene.app.deliver().await;
    let received = scene.receiver.received();
    assert_eq!(received.len(), 4);
    assert_ne!(received[0].body, received[2].body);
}

#[tokio::test]
async fn bad_replays_are_refused_with_the_field_and_change_nothing() {
    let scene = Scene::set().await;
    scene.desk.submit("{}").await;
    let error = scene
        .refused(
            json!({"where": {"statuses": ["FAILED"]}, "missedBy": scene.webhook}),
            "BAD_USER_INPUT",
        )
        .await;
    assert_eq!(error["extensions"]["field"], "where.statuses");
    let many = json!({"where": {"eventIds": vec!["x"; 101]}});
    let error = scene.refused(many, "BAD_USER_INPUT").await;
    assert_eq!(error["extensions"]["field"], "where.eventIds");
    scene
        .refused(json!({"where": {}, "missedBy": "unknown"}), "RESOURCE_NOT_FOUND")
        .await;
    scene.refused(json!({}), "BAD_USER_INPUT").await;
    let begun = scene.begin(json!({"where": {}})).await;
    let stranger = scene.app.as_role("Others", Role::Owner).await;
    let id = json!({"id": begun["id"]});
    stranger.expect_error(REPLAY, id.clone(), "RESOURCE_NOT_FOUND").await;
    let foreign = json!({"data": {"where": {}, "missedBy": scene.webhook}});
    stranger.expect_error(BEGIN, foreign, "RESOURCE_NOT_FOUND").await;
    let nothing = stranger.query(BEGIN, json!({"data": {"where": {}}})).await;
    assert_eq!(nothing["startReplay"]["total"], 0);
    let reader = scene.app.as_role(harness::ORGANIZATION, Role::User).await;
    reader
        .expect_error(BEGIN, json!({"data": {"where": {}}}), "AUTHORIZATION_ERROR")
        .await;
    assert_eq!(text(&reader.query(REPLAY, id).await["replay"]["status"]), "RUNNING");
}

#[tokio::test]
async fn a_running_service_replays_by_itself() {
    let app = TestApp::start().await;
    let receiver = TestReceiver::start().await;
    let desk = Desk::set(&app.client).await;
    desk.listener(&receiver, json!({"maxInFlight": 1})).await;
    for _ in 0..20 {
        desk.submit("{}").await;
    }
    receiver.wait_for(20).await;
    app.query(BEGIN, json!({"data": {"where": {}}})).await;
    receiver.wait_for(40).await;
}

#[tokio::test]
async fn a_replay_is_told_as_it_goes_on_and_the_subscription_completes_with_it() {
    let scene = Scene::set().await;
    for _ in 0..5 {
        scene.desk.submit("{}").await;
    }
    scene.app.deliver().await;
    let begun = scene.begin(json!({"where": {}})).await;
    let follow = "subscription($id: ID!) {replay(where: {id: $id}) {id status total done skipped}}";
    let (endpoint, id) = (scene.app.client.endpoint(), json!({"id": begun["id"]}));
    let mut socket = Socket::greeted(endpoint, KEY).await;
    socket.subscribe("r", follow, id.clone()).await;
    let mut stream = EventStream::open(endpoint, Some(KEY), follow, id.clone()).await;
    let now = json!({"id": begun["id"], "status": "RUNNING", "total": 5, "done": 0, "skipped": 0});
    assert_eq!(socket.data().await["replay"], now);
    assert_eq!(stream.event().await.expect("an event").1["data"]["replay"], now);
    scene.app.deliver().await;
    let over = json!({"id": begun["id"], "status": "SUCCEEDED", "total": 5, "done": 5, "skipped": 0});
    while socket.data().await["replay"] != over {}
    assert_eq!(socket.hear().await, json!({"id": "r", "type": "complete"}));
    while stream.event().await.expect("an event").1["data"]["replay"] != over {}
    assert_eq!(stream.event().await.expect("an event").0, "complete");
    assert!(stream.event().await.is_none());

    socket.subscribe("late", follow, id).await;
    assert_eq!(socket.data().await["replay"], over);
    assert_eq!(socket.hear().await["type"], "complete");
    let stranger = scene.app.as_role("Others", Role::Owner).await;
    let foreign = begin_of(&stranger).await;
    socket.subscribe("foreign", follow, json!({ "id": foreign })).await;
    let refused = socket.hear().await;
    assert_eq!(refused["type"], "error");
    assert_eq!(refused["payload"][0]["extensions"]["code"], "RESOURCE_NOT_FOUND");
}

async fn begin_of(client: &Client) -> Value {
    client.query(BEGIN, json!({"data": {"where": {}}})).await["startReplay"]["id"].take()
}
