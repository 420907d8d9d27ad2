//! Filters and payload queries: what is sent and in which shape is in the hands of who registers the webhook, and what
//! cannot work is refused with its place.

use harness::deadline::within;
use harness::{TestApp, TestReceiver};
use serde_json::{Value, json};

use super::paused;
use crate::desk::{Desk, TOPICS, update_webhook};

const SHOW: &str = "query($id: ID!) {webhook(where: {id: $id}) {filter payloadQuery filterErrors lastFilterError}}";
const CREATE: &str = "mutation($data: WebhookCreateInput!) {createWebhook(data: $data) {id}}";
const UPDATE: &str =
    "mutation($id: ID!, $data: WebhookUpdateInput!) {updateWebhook(where: {id: $id}, data: $data) {id}}";

async fn shown(app: &TestApp, id: &str) -> Value {
    app.query(SHOW, json!({ "id": id })).await["webhook"].take()
}

#[tokio::test]
async fn a_webhook_is_sent_what_its_filter_is_true_of_in_the_shape_of_its_query() {
    let (app, receiver) = (paused().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    let filter = "event.topic in ['LABEL_CREATED', 'REVIEW_CREATED'] && event.dataRow.externalId == 'oak.jpg'";
    let query = "{ id topic what: label { seconds: secondsToLabel } project { id name } dataRow { externalId } review { score } }";
    let id = desk
        .listener(&receiver, json!({"filter": filter, "payloadQuery": query}))
        .await;
    let oak = desk.row("oak.jpg").await;
    desk.submit("{}").await;
    let label = desk.submit_of(&oak, "{}").await;
    desk.save(&label, "{\"a\": 1}").await;
    desk.review(&label, 0.5).await;
    app.deliver().await;
    // Both are under way at once, so either may come first.
    let mut received = receiver.received();
    received.sort_by_key(|one| one.json()["topic"].to_string());
    let bodies: Vec<Value> = received.iter().map(|one| one.json()).collect();
    let body = |one: usize, topic: &str, review: Value| {
        json!({"id": received[one].header("webhook-id"), "topic": topic, "what": {"seconds": 9.581},
            "project": {"id": desk.project, "name": "Trees"}, "dataRow": {"externalId": "oak.jpg"}, "review": review})
    };
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], body(0, "LABEL_CREATED", Value::Null));
    assert_eq!(bodies[1], body(1, "REVIEW_CREATED", json!({"score": 0.5})));
    let members: Vec<&String> = bodies[0].as_object().expect("an object").keys().collect();
    assert_eq!(
        members,
        ["id", "topic", "what", "project", "dataRow", "review"],
        "in the order asked for"
    );
    assert_eq!(
        shown(&app, &id).await,
        json!({"filter": filter, "payloadQuery": query, "filterErrors": 0, "lastFilterError": null})
    );
}

#[tokio::test]
async fn null_takes_a_filter_and_a_query_away_and_errors_are_counted() {
    let (app, receiver) = (paused().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    let id = desk
        .listener(
            &receiver,
            json!({"filter": "event.data.label.none > 1", "payloadQuery": "{ id }"}),
        )
        .await;
    desk.submit("{}").await;
    desk.submit("{}").await;
    app.deliver().await;
    assert_eq!(receiver.received().len(), 0);
    let now = shown(&app, &id).await;
    assert_eq!(now["filterErrors"], 2);
    assert!(
        now["lastFilterError"].as_str().expect("a reason").contains("none"),
        "{now}"
    );
    update_webhook(&app.client, &id, json!({"filter": null})).await;
    desk.submit("{}").await;
    app.deliver().await;
    update_webhook(&app.client, &id, json!({"payloadQuery": null})).await;
    let label = desk.submit("{}").await;
    app.deliver().await;
    let received = receiver.received();
    assert_eq!(received[0].json(), json!({"id": received[0].header("webhook-id")}));
    assert_eq!(received[1].json()["id"], label, "the dialect again");
    assert_eq!(
        shown(&app, &id).await,
        json!({"filter": null, "payloadQuery": null, "filterErrors": 0, "lastFilterError": null})
    );
}

#[tokio::test]
async fn a_preview_and_a_ping_have_the_shape_of_the_query() {
    let receiver = TestReceiver::start().await;
    let app = TestApp::start().await;
    let desk = Desk::set(&app.client).await;
    let query = "{ topic webhookId label { id } }";
    let id = desk
        .listener(&receiver, json!({"filter": "false", "payloadQuery": query}))
        .await;
    let preview = "query($id: ID!) {previewRequest(data: {webhook: {id: $id}}) {body}}";
    let shown = app.query(preview, json!({ "id": id })).await;
    let body: Value = serde_json::from_str(shown["previewRequest"]["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(
        (&body["topic"], body["label"]["id"].is_string()),
        (&json!(TOPICS[0]), true)
    );
    let ping = "mutation($id: ID!) {pingWebhook(where: {id: $id}) {status}}";
    let sent = app.query(ping, json!({ "id": id })).await;
    assert_eq!(sent["pingWebhook"]["status"], "SUCCEEDED", "a ping is not filtered");
    assert_eq!(
        receiver.received()[0].json(),
        json!({"topic": "PING", "webhookId": id, "label": null})
    );
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_its_place_and_changes_nothing() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    let id = desk
        .webhook("https://example.com/a", &["LABEL_CREATED"], json!({}))
        .await;
    for (data, expected) in [
        (json!({"filter": "event.topic =="}), "filter: line 1, column 15: "),
        (
            json!({"filter": "true &&\n  events.topic == 'PING'"}),
            "filter: line 2, column 3: unknown name events",
        ),
        (
            json!({"filter": "event.label.id == ''"}),
            "filter: line 1, column 1: event has no label",
        ),
        (json!({"filter": "event.topic.nope()"}), "filter: line 1, column 13: "),
        (json!({"filter": ""}), "filter: "),
        (
            json!({"payloadQuery": "{ id"}),
            "payloadQuery: line 1, column 5: Syntax Error: ",
        ),
        (
            json!({"payloadQuery": "{ id\n  nope }"}),
            "payloadQuery: line 2, column 3: Cannot query field \"nope\" on type \"Event\"",
        ),
        (
            json!({"payloadQuery": "{ notifications { nodes { id } } }"}),
            "payloadQuery: line 1, column 3: ",
        ),
        (
            json!({"payloadQuery": "mutation { id }"}),
            "payloadQuery: line 1, column 1: must be a selection on Event",
        ),
        (json!({"payloadQuery": ""}), "payloadQuery: "),
    ] {
        let mut new = json!({"url": "https://example.com/b", "secret": "s", "topics": {"set": ["LABEL_CREATED"]}});
        crate::desk::merge(&mut new, data.clone());
        let mut change = json!({"url": "https://example.com/c"});
        crate::desk::merge(&mut change, data);
        for (mutation, variables) in [
            (CREATE, json!({ "data": new })),
            (UPDATE, json!({"id": id, "data": change})),
        ] {
            let error = app.client.expect_error(mutation, variables, "BAD_USER_INPUT").await;
            let message = error["message"].as_str().expect("a message");
            assert!(message.starts_with(expected), "{message}");
        }
    }
    let left = app.query("{webhooks {url filter payloadQuery}}", json!({})).await;
    assert_eq!(
        left["webhooks"],
        json!([{"url": "https://example.com/a", "filter": null, "payloadQuery": null}])
    );
}

#[tokio::test]
async fn bombs_are_refused_in_bounded_time_and_the_service_goes_on() {
    let app = paused().await;
    let doubling: String = (0..30)
        .map(|index| format!("fragment f{index} on Event {{ ...f{} ...f{} }} ", index + 1, index + 1))
        .collect();
    let nested = |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let bombs = [
        ("filter", format!("1{} == 1", " + 1".repeat(1_600))),
        ("filter", format!("event{} == 1", ".a".repeat(500))),
        ("filter", nested("(", ")", 600)),
        ("filter", nested("[", "]", 900)),
        ("filter", "[1].all(a, [1].all(b, [1].all(c, true)))".to_owned()),
        ("filter", "x".repeat(100_000)),
        ("payloadQuery", format!("{{ id(a: {}) }}", nested("[", "]", 1_900))),
        (
            "payloadQuery",
            format!("{{ ...f0 }} {doubling} fragment f30 on Event {{ id }}"),
        ),
        (
            "payloadQuery",
            format!(
                "{{ {} }}",
                (0..60).map(|index| format!("a{index}: data ")).collect::<String>()
            ),
        ),
        (
            "payloadQuery",
            format!("{}id{}", "{ task { history ".repeat(60), "} } ".repeat(60)),
        ),
        (
            "payloadQuery",
            format!("{{ {} }}", "... { ".repeat(40) + "id" + &" }".repeat(40)),
        ),
        ("payloadQuery", format!("{{ {} }}", "id ".repeat(100_000))),
    ];
    for (field, bomb) in bombs {
        let mut data = json!({"url": "https://example.com/b", "secret": "s", "topics": {"set": ["LABEL_CREATED"]}});
        data[field] = json!(bomb);
        let variables = json!({ "data": data });
        let refused = app.client.expect_error(CREATE, variables, "BAD_USER_INPUT");
        // One that went off would fill the memory or run for days.
        let error = within(|| format!("{bomb:.60}"), refused).await;
        assert_eq!(error["extensions"]["field"], field, "{bomb:.60}: {error}");
    }
    assert_eq!(app.query("{webhooks {id}}", json!({})).await, json!({"webhooks": []}));
}

#[tokio::test]
async fn a_body_that_would_be_too_large_says_so_and_delays_nothing_else() {
    let (app, receiver) = (paused().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    let many: String = (0..40).map(|index| format!("a{index}: data ")).collect();
    desk.listener(&receiver, json!({"payloadQuery": format!("{{ {many} }}")}))
        .await;
    desk.listener(&receiver, json!({"payloadQuery": "{ topic }"})).await;
    desk.submit(&json!({"padding": "x".repeat(1 << 20)}).to_string()).await;
    app.deliver().await;
    let bodies: Vec<Value> = receiver.received().iter().map(|one| one.json()).collect();
    assert!(bodies.contains(&json!({"topic": "LABEL_CREATED"})));
    let told = bodies.iter().find(|body| body["errors"].is_array()).expect("an error");
    let message = told["errors"][0]["message"].as_str().expect("a message");
    assert!(message.starts_with("payloadQuery: the body has more than"), "{message}");
}
