//! Tests of the protection of a webhook as the API shows it: its circuit breaker, its ordering, and its deactivation
//! when no request succeeds.

use super::*;
use harness::TestApp;

const HEALTH: &str = "health {breaker breakerSince nextProbeAt consecutiveFailures failingSince warnedAt lastSuccessAt
    lastFailureAt lastFailureReason waitingCount waitingReason}";

async fn at(clock: &Clock) -> TestApp {
    TestApp::with(Start {
        paused: true,
        clock: clock.clone(),
        ..Start::default()
    })
    .await
}

async fn health(app: &TestApp, id: &str) -> Value {
    let text = format!("query($id: ID!) {{webhook(where: {{id: $id}}) {{{HEALTH}}}}}");
    app.query(&text, json!({"id": id})).await["webhook"]["health"].take()
}

async fn log(app: &TestApp) -> Vec<Value> {
    let text = "{notifications(last: 100) {nodes {status attemptCount nextAttemptAt waitReason}}}";
    let data = app.query(text, json!({})).await;
    let mut rows = data["notifications"]["nodes"].as_array().cloned().unwrap_or_default();
    rows.reverse();
    rows
}

#[tokio::test]
async fn order_and_switching_off_are_set_shown_and_changed() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    let plain = desk
        .webhook("https://example.com/a", &["LABEL_CREATED"], json!({}))
        .await;
    let given = json!({"ordering": "PER_DATA_ROW", "autoDisable": false});
    let set = desk.webhook("https://example.com/b", &["LABEL_CREATED"], given).await;
    let shown = async |id: &str| {
        let text = "query($id: ID!) {webhook(where: {id: $id}) {ordering autoDisable}}";
        app.query(text, json!({"id": id})).await["webhook"].take()
    };
    assert_eq!(shown(&plain).await, json!({"ordering": "NONE", "autoDisable": true}));
    assert_eq!(
        shown(&set).await,
        json!({"ordering": "PER_DATA_ROW", "autoDisable": false})
    );
    update_webhook(&app.client, &set, json!({"ordering": "STRICT"})).await;
    assert_eq!(shown(&set).await, json!({"ordering": "STRICT", "autoDisable": false}));
    update_webhook(&app.client, &set, json!({"autoDisable": true})).await;
    assert_eq!(shown(&set).await, json!({"ordering": "STRICT", "autoDisable": true}));
    let change = "mutation($id: ID!) {updateWebhook(where: {id: $id}, data: {ordering: SORTED}) {id}}";
    let code = "GRAPHQL_VALIDATION_FAILED";
    app.client.expect_error(change, json!({"id": set}), code).await;
}

#[tokio::test]
async fn health_shows_an_open_breaker_until_a_request_gets_through() {
    let clock = Clock::mock("2026-01-31T09:30:00Z".parse().unwrap());
    let app = at(&clock).await;
    let receiver = TestReceiver::start().await;
    receiver.answer(Answer::status(503));
    let desk = Desk::set(&app.client).await;
    let id = desk.listener(&receiver, json!({"maxInFlight": 1})).await;
    let before = health(&app, &id).await;
    assert_eq!(
        (&before["breaker"], &before["consecutiveFailures"]),
        (&json!("CLOSED"), &json!(0))
    );
    assert_eq!(
        (&before["waitingCount"], &before["waitingReason"]),
        (&json!(0), &Value::Null)
    );
    for _ in 0..12 {
        desk.submit("{}").await;
    }
    app.deliver().await;
    assert_eq!(
        health(&app, &id).await,
        json!({
            "breaker": "OPEN", "breakerSince": "2026-01-31T09:30:00.000000Z",
            "nextProbeAt": "2026-01-31T09:30:30.000000Z", "consecutiveFailures": 10,
            "failingSince": "2026-01-31T09:30:00.000000Z", "warnedAt": null, "lastSuccessAt": null,
            "lastFailureAt": "2026-01-31T09:30:00.000000Z", "lastFailureReason": "the receiver answered 503",
            "waitingCount": 2, "waitingReason": "BREAKER",
        })
    );
    let rows = log(&app).await;
    let waits = json!({"status": "PENDING", "attemptCount": 0, "nextAttemptAt": "2026-01-31T09:30:30.000000Z",
        "waitReason": "BREAKER"});
    assert!(rows.contains(&waits), "{rows:#?}");
    clock.advance(Duration::from_secs(30));
    assert_eq!(health(&app, &id).await["breaker"], "HALF_OPEN");
    receiver.answer(Answer::status(200));
    app.deliver().await;
    let after = health(&app, &id).await;
    assert_eq!(
        (&after["breaker"], &after["nextProbeAt"]),
        (&json!("CLOSED"), &Value::Null)
    );
    assert_eq!(after["lastSuccessAt"], "2026-01-31T09:30:30.000000Z");
    assert_eq!(
        (&after["consecutiveFailures"], &after["waitingCount"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(receiver.received().len(), 10 + 12);
    assert!(log(&app).await.iter().all(|row| row["waitReason"].is_null()));
}

#[tokio::test]
async fn what_waits_for_its_turn_in_an_order_says_so() {
    let app = paused().await;
    let receiver = TestReceiver::start().await;
    receiver.answer(Answer::status(500));
    let desk = Desk::set(&app.client).await;
    let id = desk.listener(&receiver, json!({"ordering": "STRICT"})).await;
    for _ in 0..3 {
        desk.submit("{}").await;
    }
    app.deliver().await;
    let reasons: Vec<Value> = log(&app).await.iter().map(|row| row["waitReason"].clone()).collect();
    let reason = |reason: &str| reasons.iter().filter(|one| **one == json!(reason)).count();
    assert_eq!((reason("ORDERING"), reason("RETRY")), (2, 1), "{reasons:?}");
    let health = health(&app, &id).await;
    assert_eq!(
        (&health["waitingCount"], &health["waitingReason"]),
        (&json!(2), &json!("ORDERING"))
    );
    update_webhook(&app.client, &id, json!({"status": "INACTIVE"})).await;
    assert_eq!(self::health(&app, &id).await["waitingReason"], "INACTIVE");
}

#[tokio::test]
async fn operational_events_can_be_subscribed_to_and_previewed() {
    let app = paused().await;
    let topics = [
        "WEBHOOK_DISABLED",
        "WEBHOOK_FAILING",
        "WEBHOOK_RECOVERED",
        "NOTIFICATION_FAILED",
    ];
    let data = json!({"url": "https://example.com/a", "topics": {"set": topics}, "secret": "s"});
    let id = create_webhook(&app.client, data).await;
    let preview = "query($id: ID!, $topic: WebhookTopic) {
        previewRequest(data: {webhook: {id: $id}, topic: $topic}) {headers body}}";
    for topic in topics {
        let shown = &app.query(preview, json!({"id": id, "topic": topic})).await["previewRequest"];
        let body: Value = serde_json::from_str(&text(&shown["body"])).unwrap();
        assert_eq!(body["action"], topic);
        assert_eq!(body["webhook"]["url"], "https://example.com/hook");
        assert_eq!(shown["headers"]["x-labelbox-event"], topic, "{shown:#}");
    }
}

#[tokio::test]
async fn a_webhook_that_is_dead_for_days_is_switched_off_and_tells_why() {
    let clock = Clock::mock("2026-01-31T09:30:00Z".parse().unwrap());
    let app = at(&clock).await;
    let (dead, watch) = (TestReceiver::start().await, TestReceiver::start().await);
    dead.answer(Answer::status(500));
    let desk = Desk::set(&app.client).await;
    let id = desk.listener(&dead, json!({})).await;
    let topics = json!({"set": ["WEBHOOK_DISABLED", "WEBHOOK_FAILING"]});
    let data = json!({"url": watch.url("watch"), "topics": topics, "secret": "s"});
    create_webhook(&app.client, data).await;
    for _ in 0..2 * 24 * 6 {
        desk.submit("{}").await;
        clock.advance(Duration::from_secs(1_800));
        app.deliver().await;
    }
    let text = "query($id: ID!) {webhook(where: {id: $id}) {status statusReason}}";
    let shown = app.query(text, json!({"id": id})).await["webhook"].take();
    assert_eq!(shown["status"], "REVOKED");
    let told: Vec<Value> = watch.received().iter().map(|request| request.json()).collect();
    let actions: Vec<&Value> = told.iter().map(|body| &body["action"]).collect();
    assert_eq!(actions, ["WEBHOOK_FAILING", "WEBHOOK_DISABLED"]);
    assert_eq!(told[1]["reason"], shown["statusReason"]);
    let event = "{notifications(first: 1, where: {topics: [WEBHOOK_DISABLED]}) {nodes {event {topic data}}}}";
    let shown = app.query(event, json!({})).await["notifications"]["nodes"][0]["event"].take();
    assert_eq!(shown["data"]["webhook"]["id"], id);
    update_webhook(&app.client, &id, json!({"status": "ACTIVE"})).await;
    let health = health(&app, &id).await;
    assert_eq!(
        (&health["consecutiveFailures"], &health["warnedAt"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(health["waitingReason"], "QUEUE");
}
