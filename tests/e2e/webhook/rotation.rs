//! Tests of the rotation of a webhook's secret over the API. Third-party code verifies the deliveries meanwhile.

use harness::{Received, Start, TestApp, TestReceiver, signature};
use serde_json::{Value, json};

use super::paused;
use crate::desk::{Desk, SECRET, text};

const ROTATE: &str =
    "mutation($id: ID!, $data: SecretRotateInput!) {rotateWebhookSecret(where: {id: $id}, data: $data) {
    secret signingSecret webhook {id signingSecret secrets {id createdAt expiresAt}}}}";

async fn rotate(app: &TestApp, id: &str, data: Value) -> Value {
    let variables = json!({"id": id, "data": data});
    app.query(ROTATE, variables).await["rotateWebhookSecret"].take()
}

/// Submits one more label and returns its delivery.
async fn delivered(desk: &Desk, receiver: &TestReceiver) -> Received {
    let before = receiver.received().len();
    desk.submit("{}").await;
    receiver.wait_for(before + 1).await.remove(before)
}

/// Returns whether the published Standard Webhooks library verifies the delivery with this secret.
fn fits(secret: &str, received: &Received) -> bool {
    let library = standardwebhooks::Webhook::new(secret).expect("a signing secret");
    library.verify(&received.body, &received.headers).is_ok()
}

#[tokio::test]
async fn the_published_library_accepts_the_old_and_the_new_secret_while_both_live() {
    let (app, receiver) = (TestApp::start().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    let id = desk.listener(&receiver, json!({})).await;
    let old = labelhook_core::delivery::signer::secret::whsec_form(SECRET);
    assert!(fits(&old, &delivered(&desk, &receiver).await));

    let rotated = rotate(&app, &id, json!({})).await;
    let new = text(&rotated["signingSecret"]);
    assert_eq!(
        text(&rotated["secret"]),
        new,
        "a secret that is made has the form already"
    );
    assert_eq!(rotated["webhook"]["signingSecret"], Value::Null);
    let received = delivered(&desk, &receiver).await;
    assert!(fits(&old, &received) && fits(&new, &received));
    let digest = signature::hub_sha1(&new, &received.body);
    assert_eq!(received.header("x-hub-signature"), format!("sha1={digest}"));
    assert_eq!(
        received.header("x-hub-signature-256"),
        signature::hub_sha256(&new, &received.body)
    );

    let last = rotate(&app, &id, json!({"secret": "typed by hand", "graceSeconds": 0})).await;
    assert_eq!(text(&last["secret"]), "typed by hand");
    let received = delivered(&desk, &receiver).await;
    assert!(!fits(&old, &received) && !fits(&new, &received));
    assert!(fits(&text(&last["signingSecret"]), &received));
    signature::assert_standard("typed by hand", &received.headers, &received.body);
}

#[tokio::test]
async fn a_webhook_shows_the_times_of_its_secrets_and_never_a_secret_again() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    let id = desk.webhook("https://example.com", &["LABEL_CREATED"], json!({})).await;
    let rotated = rotate(&app, &id, json!({"graceSeconds": 60})).await;
    let shown = app
        .query(
            "query($id: ID!) {webhook(where: {id: $id}) {signingSecret secrets {id createdAt expiresAt}}}",
            json!({ "id": id }),
        )
        .await;
    let shown = &shown["webhook"];
    assert_eq!(shown["signingSecret"], Value::Null);
    assert_eq!(shown["secrets"], rotated["webhook"]["secrets"]);
    let secrets = shown["secrets"].as_array().expect("a list");
    assert_eq!(secrets.len(), 2);
    assert_eq!(secrets[0]["expiresAt"], Value::Null, "the newest stands first");
    assert!(secrets[1]["expiresAt"].is_string());
    assert!(!shown.to_string().contains(&text(&rotated["secret"])));
}

#[tokio::test]
async fn a_rotation_at_fault_is_refused_by_field() {
    let app = paused().await;
    let desk = Desk::set(&app.client).await;
    let id = desk.webhook("https://example.com", &["LABEL_CREATED"], json!({})).await;
    let refused = async |id: &str, data: Value, code: &str| {
        let variables = json!({"id": id, "data": data});
        let mut error = app.client.expect_error(ROTATE, variables, code).await;
        error["extensions"]["field"].take()
    };
    for (data, field) in [
        (json!({"secret": ""}), "secret"),
        (json!({ "secret": SECRET }), "secret"),
        (json!({"graceSeconds": -1}), "graceSeconds"),
        (json!({"graceSeconds": 604_801}), "graceSeconds"),
    ] {
        assert_eq!(refused(&id, data.clone(), "BAD_USER_INPUT").await, field, "{data}");
    }
    assert_eq!(refused("unknown", json!({}), "RESOURCE_NOT_FOUND").await, "webhook");
    let foreign = app.as_role("Another", entity::Role::Owner).await;
    let variables = json!({"id": id, "data": {}});
    foreign.expect_error(ROTATE, variables, "RESOURCE_NOT_FOUND").await;
    let bare = desk
        .webhook(
            "https://example.com",
            &["LABEL_CREATED"],
            json!({"authType": "NONE", "secret": null}),
        )
        .await;
    assert_eq!(refused(&bare, json!({}), "OPERATION_NOT_ALLOWED").await, Value::Null);
}

#[tokio::test]
async fn old_secrets_and_their_ends_outlive_a_restart() {
    let start = || Start::default();
    let (app, receiver) = (TestApp::start().await, TestReceiver::start().await);
    let desk = Desk::set(&app.client).await;
    let id = desk.listener(&receiver, json!({})).await;
    let new = text(&rotate(&app, &id, json!({})).await["signingSecret"]);
    let app = app.restarted(start()).await;
    let desk = Desk {
        client: app.client.clone(),
        ..desk
    };
    let received = delivered(&desk, &receiver).await;
    assert!(fits(&new, &received) && fits(&labelhook_core::delivery::signer::secret::whsec_form(SECRET), &received));
}
