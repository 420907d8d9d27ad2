//! The log of what was sent to whom: found by filters and cursors here, looked at and steered in [`steering`].

mod steering;

use std::sync::Arc;
use std::time::Duration;

use entity::Timestamp;
use harness::{Answer, Start, TestApp, TestReceiver};
use labelhook_core::Clock;
use serde_json::{Value, json};

use crate::desk::{Desk, ids, text};

const START: Timestamp = Timestamp(1_800_000_000_000_000);

/// A paused service with somebody at work and a receiver that hears of all of it.
struct Scene {
    app: Arc<TestApp>,
    clock: Clock,
    receiver: TestReceiver,
    desk: Desk,
    webhook: String,
}

impl Scene {
    async fn set(more: Value) -> Self {
        let clock = Clock::mock(START);
        let start = Start {
            clock: clock.clone(),
            paused: true,
            ..Start::default()
        };
        let app = Arc::new(TestApp::with(start).await);
        let receiver = TestReceiver::start().await;
        let desk = Desk::set(&app.client).await;
        let webhook = desk.listener(&receiver, more).await;
        Self {
            app,
            clock,
            receiver,
            desk,
            webhook,
        }
    }

    /// The ids that a filter finds, newest first.
    async fn found(&self, filter: Value) -> Vec<String> {
        let text = "query($where: NotificationWhereInput) {notifications(where: $where, first: 100) {nodes {id}}}";
        let found = self.app.query(text, json!({ "where": filter })).await;
        ids(&found["notifications"]["nodes"])
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

#[tokio::test]
async fn every_filter_finds_what_it_says_and_nothing_else() {
    let scene = Scene::set(json!({})).await;
    let other = Desk::set(&scene.app.client).await;
    let elsewhere = other.listener(&scene.receiver, json!({})).await;
    scene.receiver.then([Answer::status(200), Answer::status(503)]);
    let label = scene.desk.submit("{}").await;
    scene.app.deliver().await;
    let row = scene.desk.row("second.jpg").await;
    scene.clock.advance(Duration::from_secs(60));
    scene.desk.submit_of(&row, "{}").await;
    scene.app.deliver().await;
    scene.clock.advance(Duration::from_secs(1));
    scene.desk.save(&label, "{}").await;
    other.submit("{}").await;

    let all = scene.found(json!({})).await;
    let [foreign, saved, second, first] = &all[..] else {
        panic!("four: {all:?}")
    };
    let event = "query($id: ID!) {notification(where: {id: $id}) {event {id}}}";
    let event = scene.app.query(event, json!({ "id": first })).await["notification"]["event"]["id"].take();
    let cases = [
        (json!({"ids": [first, saved]}), vec![saved, first]),
        (
            json!({"ids": ["unknown", "00000000-0000-7000-8000-000000000000"]}),
            vec![],
        ),
        (json!({"ids": []}), vec![]),
        (json!({"webhookIds": [elsewhere]}), vec![foreign]),
        (
            json!({"webhookIds": [elsewhere, scene.webhook]}),
            vec![foreign, saved, second, first],
        ),
        (json!({"projectIds": [scene.desk.project]}), vec![saved, second, first]),
        (json!({"eventIds": [event]}), vec![first]),
        (json!({"topics": ["LABEL_UPDATED"]}), vec![saved]),
        (
            json!({"topics": ["LABEL_UPDATED", "LABEL_CREATED"]}),
            vec![foreign, saved, second, first],
        ),
        (json!({"statuses": ["SUCCEEDED"]}), vec![first]),
        (json!({"statuses": ["RETRYING"]}), vec![second]),
        (json!({"statuses": ["FAILED", "CANCELED"]}), vec![]),
        (json!({"responseCodes": [503]}), vec![second]),
        (json!({"responseCodes": [200, 503]}), vec![second, first]),
        (json!({"externalId": "second.jpg"}), vec![second]),
        (json!({"externalId": "second"}), vec![]),
        (
            json!({"createdAt_gte": "2027-01-15T08:01:00Z"}),
            vec![foreign, saved, second],
        ),
        (json!({"createdAt_lt": "2027-01-15T09:01:00+01:00"}), vec![first]),
        (
            json!({"createdAt_gte": "2027-01-15T08:01:00Z", "createdAt_lt": "2027-01-15T08:01:01Z"}),
            vec![second],
        ),
        (
            json!({"projectIds": [scene.desk.project], "topics": ["LABEL_CREATED"], "statuses": ["RETRYING"]}),
            vec![second],
        ),
        (
            json!({"projectIds": [other.project], "statuses": ["SUCCEEDED"]}),
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(
            scene.found(filter.clone()).await.iter().collect::<Vec<_>>(),
            expected,
            "{filter}"
        );
    }
}

#[tokio::test]
async fn a_list_in_a_filter_has_a_hundred_values_at_most() {
    let scene = Scene::set(json!({})).await;
    let text = "query($where: NotificationWhereInput) {notifications(where: $where) {nodes {id}}}";
    let many = json!({"where": {"ids": vec!["x"; 101]}});
    let error = scene.app.client.expect_error(text, many, "BAD_USER_INPUT").await;
    assert_eq!(error["extensions"]["field"], "where.ids");
}

const PAGE: &str = "query($first: Int, $after: String, $last: Int, $before: String) {
    notifications(first: $first, after: $after, last: $last, before: $before) {
        edges {cursor node {id}} nodes {id} pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}";

/// Ids, and whether something lies before and behind.
fn page(found: &Value) -> (Vec<&str>, bool, bool) {
    let page = &found["notifications"];
    let nodes = ids(&page["nodes"]);
    let edges = page["edges"].as_array().expect("a list");
    assert_eq!(edges.iter().map(|edge| &edge["node"]["id"]).collect::<Vec<_>>(), nodes);
    let cursors = (
        edges.first().map(|edge| &edge["cursor"]),
        edges.last().map(|edge| &edge["cursor"]),
    );
    let info = &page["pageInfo"];
    let null = &Value::Null;
    assert_eq!(
        (cursors.0.unwrap_or(null), cursors.1.unwrap_or(null)),
        (&info["startCursor"], &info["endCursor"])
    );
    (nodes, info["hasPreviousPage"] == true, info["hasNextPage"] == true)
}

#[tokio::test]
async fn cursors_lead_through_the_log_in_both_directions_while_it_grows() {
    let scene = Scene::set(json!({})).await;
    for _ in 0..5 {
        scene.desk.submit("{}").await;
    }
    let all = scene.found(json!({})).await;
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let ask = async |variables: Value| scene.app.query(PAGE, variables).await;

    let first = ask(json!({"first": 2})).await;
    assert_eq!(page(&first), (all[..2].to_vec(), false, true));
    scene.desk.submit("{}").await;
    let after = &first["notifications"]["pageInfo"]["endCursor"];
    let second = ask(json!({"first": 2, "after": after})).await;
    assert_eq!(
        page(&second),
        (all[2..4].to_vec(), true, true),
        "what is new moves nothing"
    );
    let after = &second["notifications"]["pageInfo"]["endCursor"];
    assert_eq!(
        page(&ask(json!({"first": 2, "after": after})).await),
        (all[4..].to_vec(), true, false)
    );

    let before = &second["notifications"]["pageInfo"]["startCursor"];
    assert_eq!(
        page(&ask(json!({"last": 2, "before": before})).await),
        (all[..2].to_vec(), true, true)
    );
    let oldest = ask(json!({"last": 2})).await;
    assert_eq!(page(&oldest), (all[3..].to_vec(), true, false));
    let end = &oldest["notifications"]["pageInfo"]["endCursor"];
    assert_eq!(
        page(&ask(json!({"first": 2, "after": end})).await),
        (vec![], true, false)
    );
    assert_eq!(page(&ask(json!({})).await).0.len(), 6, "20 when nothing is said");
}

/// The text that Labelbox's own client generates.
const LABELBOX: &str = "query GetWebhookNotificationsPyApi($param_0: ID!){webhook(where: {id: $param_0}){notifications(skip: 0 \
    first: 100){webhookNotificationPayload {requestBody} createdAt requestHeaders responseBody responseCode responseHeaders \
    id updatedAt}}}";

#[tokio::test]
async fn labelboxes_own_query_shows_request_and_response() {
    let scene = Scene::set(json!({})).await;
    scene
        .receiver
        .then([Answer::status(202).header("x-tag", "a").body("thanks")]);
    let ask = async || {
        let found = scene.app.query(LABELBOX, json!({"param_0": scene.webhook})).await;
        found["webhook"]["notifications"].as_array().expect("a list").clone()
    };
    assert!(ask().await.is_empty());
    scene.desk.submit("{}").await;
    let waiting = ask().await.remove(0);
    assert!(text(&waiting["webhookNotificationPayload"]["requestBody"]).starts_with('{'));
    for absent in ["requestHeaders", "responseHeaders", "responseBody", "responseCode"] {
        assert_eq!(waiting[absent], Value::Null, "{absent} of what was not sent yet");
    }
    scene.clock.advance(Duration::from_secs(1));
    scene.app.deliver().await;
    let sent = scene.receiver.received().remove(0);
    let shown = ask().await.remove(0);
    assert_eq!(shown["id"], sent.header("x-labelbox-id"));
    assert_eq!(
        text(&shown["webhookNotificationPayload"]["requestBody"]).as_bytes(),
        &sent.body[..]
    );
    assert_eq!(
        (&shown["responseCode"], &shown["responseBody"]),
        (&json!(202), &json!("thanks"))
    );
    assert_eq!(shown["createdAt"], "2027-01-15T08:00:00.000000Z");
    assert_eq!(shown["updatedAt"], "2027-01-15T08:00:01.000000Z");
    let headers = |field: &str| serde_json::from_str::<Value>(&text(&shown[field])).expect("headers are JSON text");
    assert_eq!(
        headers("requestHeaders")["x-hub-signature"],
        sent.header("x-hub-signature")
    );
    assert_eq!(headers("responseHeaders")["x-tag"], "a");
}

#[tokio::test]
async fn a_webhooks_plain_list_has_order_skip_and_filter() {
    let scene = Scene::set(json!({})).await;
    let label = scene.desk.submit("{}").await;
    scene.desk.submit("{}").await;
    scene.desk.save(&label, "{}").await;
    let all = scene.found(json!({})).await;
    let text = "query($id: ID!) {webhook(where: {id: $id}) {newest: notifications(first: 2) {id}
        oldest: notifications(orderBy: createdAt_ASC, skip: 1) {id}
        saved: notifications(where: {topics: [LABEL_UPDATED]}) {id topicOf: event {topic}}}}";
    let found = scene.app.query(text, json!({"id": scene.webhook})).await;
    assert_eq!(ids(&found["webhook"]["newest"]), all[..2]);
    assert_eq!(ids(&found["webhook"]["oldest"]), [&all[1], &all[0]]);
    assert_eq!(
        found["webhook"]["saved"],
        json!([{"id": all[0], "topicOf": {"topic": "LABEL_UPDATED"}}])
    );
}
