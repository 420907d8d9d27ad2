//! The API of listeners, for a client of its own.

use std::time::Duration;

use entity::Role;
use harness::{Client, KEY, Socket, TestApp};
use serde_json::{Value, json};

use super::{clock, logged, stepped, there};
use crate::desk::{Desk, text};

const CREATE: &str = "mutation($data: ListenerCreateInput!) {createListener(data: $data) {
    signingSecret webhook {id status topics headers}}}";
const REMOVE: &str = "mutation($id: ID!) {removeListener(where: {id: $id}) {status}}";
const DELIVERIES: &str = "subscription($id: ID!) {deliveries(where: {id: $id}) {
    id notificationId eventId topic attempt method url headers {name value} body bodyIsBase64 timeoutMs}}";
const ANSWER: &str = "mutation($data: DeliveryAnswerInput!) {answerDelivery(data: $data)}";

async fn created(client: &Client, more: Value) -> Value {
    let mut data = json!({"url": "http://localhost:3000/"});
    crate::desk::merge(&mut data, more);
    client.query(CREATE, json!({ "data": data })).await["createListener"].take()
}

async fn listening(app: &TestApp, id: &Value) -> Socket {
    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    socket.subscribe("d", DELIVERIES, json!({ "id": id })).await;
    there(&app.client, &text(id)).await;
    socket
}

#[tokio::test]
async fn a_listener_is_handed_every_header_and_answers_once() {
    let app = stepped(&clock()).await;
    let more = json!({"headers": {"X-Team": "blue"}, "topics": ["LABEL_CREATED"], "timeoutMs": 20_000});
    let made = created(&app.client, more).await;
    assert!(text(&made["signingSecret"]).starts_with("whsec_"));
    let webhook = &made["webhook"];
    assert_eq!(
        (&webhook["topics"], &webhook["headers"]),
        (&json!(["LABEL_CREATED"]), &json!(["X-Team"]))
    );
    let mut socket = listening(&app, &webhook["id"]).await;
    Desk::set(&app.client).await.submit("{}").await;
    let answered = async {
        let delivery = socket.data().await["deliveries"].take();
        let header = |name: &str| {
            let headers = delivery["headers"].as_array().expect("a list").iter();
            let found = headers
                .filter(|header| header["name"] == name)
                .map(|header| text(&header["value"]));
            found.collect::<Vec<_>>()
        };
        assert_eq!(header("x-team"), ["blue"], "custom values are not masked here");
        assert_eq!(header("webhook-id"), [text(&delivery["eventId"])]);
        assert_eq!(header("x-labelbox-id"), [text(&delivery["notificationId"])]);
        assert_eq!(
            (&delivery["method"], &delivery["timeoutMs"]),
            (&json!("POST"), &json!(20_000))
        );
        assert_eq!(
            (&delivery["url"], &delivery["bodyIsBase64"]),
            (&json!("http://localhost:3000/"), &json!(false))
        );
        let answer = async |more: Value, code: &str| {
            let mut data = json!({"delivery": delivery["id"], "status": 200});
            crate::desk::merge(&mut data, more);
            app.client.expect_error(ANSWER, json!({ "data": data }), code).await["extensions"]["field"].take()
        };
        let long = "x".repeat(64 * 1024 + 1);
        assert_eq!(answer(json!({ "body": long }), "BAD_USER_INPUT").await, "body");
        assert_eq!(
            answer(json!({"body": "%", "bodyIsBase64": true}), "BAD_USER_INPUT").await,
            "body"
        );
        assert_eq!(answer(json!({"status": null}), "BAD_USER_INPUT").await, "status");
        let headers = vec![json!({"name": "a", "value": "b"}); 201];
        assert_eq!(answer(json!({ "headers": headers }), "BAD_USER_INPUT").await, "headers");
        let own = json!({"error": {"kind": "LISTENER_GONE"}});
        assert_eq!(answer(own, "BAD_USER_INPUT").await, "error.kind");
        let data = json!({"delivery": delivery["id"], "status": 202, "body": "//4=", "bodyIsBase64": true});
        let taken = app.query(ANSWER, json!({ "data": data })).await;
        assert_eq!(taken, json!({"answerDelivery": true}));
        delivery
    };
    let (delivery, ()) = tokio::join!(answered, app.deliver());
    let sent = logged(&app.client).await;
    assert_eq!(sent["attempts"][0]["response"]["status"], 202);
    assert_eq!(sent["attempts"][0]["response"]["body"], "\u{fffd}\u{fffd}");
    assert_eq!(
        sent["attempts"][0]["request"]["headers"]["x-team"], "***",
        "the record is masked"
    );
    let late = json!({"data": {"delivery": delivery["id"], "status": 500}});
    let refused = app.client.expect_error(ANSWER, late, "RESOURCE_CONFLICT").await;
    assert!(text(&refused["message"]).contains("changes nothing"), "{refused}");
    assert_eq!(logged(&app.client).await, sent);
}

#[tokio::test]
async fn listeners_are_for_those_who_may_make_webhooks_and_their_own() {
    let app = stepped(&clock()).await;
    let webhook = created(&app.client, json!({})).await["webhook"]["id"].take();
    let stranger = app.as_role("Other", Role::Owner).await;
    let create = json!({"data": {"url": "http://localhost:3000/"}});
    for role in [Role::WorkforceManager, Role::User, Role::Worker] {
        let client = app.as_role(harness::ORGANIZATION, role).await;
        client.expect_error(CREATE, create.clone(), "AUTHORIZATION_ERROR").await;
        let answer = json!({"data": {"delivery": webhook, "status": 200}});
        client.expect_error(ANSWER, answer, "AUTHORIZATION_ERROR").await;
    }
    stranger
        .expect_error(REMOVE, json!({ "id": webhook }), "RESOURCE_NOT_FOUND")
        .await;
    let make = "mutation($project: ID!) {createApiKey(data: {name: \"k\", projects: [$project]}) {key}}";
    let desk = Desk::set(&app.client).await;
    let made = app.query(make, json!({"project": desk.project})).await;
    let limited = text(&made["createApiKey"]["key"]);
    let narrow = app.client.with_key(&limited);
    narrow.expect_error(CREATE, create, "AUTHORIZATION_ERROR").await;
    created(&narrow, json!({"project": {"id": desk.project}})).await;
    let mut socket = Socket::greeted(app.client.endpoint(), &limited).await;
    for id in [&webhook, &json!("nonsense")] {
        socket.subscribe("d", DELIVERIES, json!({ "id": id })).await;
        let refused = socket.hear().await;
        assert_eq!(
            refused["payload"][0]["extensions"]["code"], "RESOURCE_NOT_FOUND",
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_listener_that_is_replaced_or_removed_is_told_so() {
    let app = stepped(&clock()).await;
    let webhook = created(&app.client, json!({})).await["webhook"]["id"].take();
    let mut former = listening(&app, &webhook).await;
    let mut socket = Socket::greeted(app.client.endpoint(), KEY).await;
    socket.subscribe("d", DELIVERIES, json!({ "id": webhook })).await;
    let code = |told: Value| told["payload"][0]["extensions"]["code"].clone();
    assert_eq!(code(former.hear().await), "RESOURCE_CONFLICT");
    app.query(REMOVE, json!({ "id": webhook })).await;
    assert_eq!(code(socket.hear().await), "OPERATION_NOT_ALLOWED");
    socket.subscribe("e", DELIVERIES, json!({ "id": webhook })).await;
    let refused = loop {
        let told = socket.hear().await;
        if told["id"] == "e" {
            break told;
        }
    };
    assert_eq!(code(refused.clone()), "OPERATION_NOT_ALLOWED");
    assert!(
        text(&refused["payload"][0]["message"]).contains("its listener was closed"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_nobody_listens_to_waits_and_is_removed_in_time() {
    let clock = clock();
    let app = stepped(&clock).await;
    let webhook = created(&app.client, json!({})).await["webhook"]["id"].take();
    Desk::set(&app.client).await.submit("{}").await;
    app.deliver().await;
    let waiting = logged(&app.client).await;
    assert_eq!(
        (&waiting["status"], &waiting["waitReason"]),
        (&json!("PENDING"), &json!("LISTENER"))
    );
    clock.advance(Duration::from_secs(299));
    app.deliver().await;
    assert_eq!(logged(&app.client).await["status"], "PENDING");
    clock.advance(Duration::from_secs(1));
    app.deliver().await;
    assert_eq!(logged(&app.client).await["status"], "CANCELED");
    let query = "query($id: ID!) {webhook(where: {id: $id}) {status statusReason}}";
    let gone = app.query(query, json!({ "id": webhook })).await["webhook"].take();
    assert_eq!(
        gone,
        json!({"status": "REVOKED", "statusReason": "its listener stayed away for 5 minutes"})
    );
}
