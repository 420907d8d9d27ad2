//! The settings of a webhook stage: what is refused, what is kept, what is sent by them.

use super::support::{Flow, hook, labelled_then_sent};
use crate::support::{Receiver, SECRET, World, invalid};
use entity::{AuthType, PayloadContent, PayloadFormat, WebhookStatus, webhook as webhooks};
use hmac::{Hmac, KeyInit, Mac};
use labelhook_core::{
    Error,
    delivery::limit::Rate,
    list::{Filter, Page, Query},
    webhook,
    workflow::{StageInput, StageWebhook},
};
use sea_orm::EntityTrait;
use serde_json::Value;
use sha1::Sha1;

const URL: &str = "http://127.0.0.1:9/";

/// The same drawing with other settings of its webhook stage.
async fn set(flow: &Flow<'_>, url: &str, change: impl FnOnce(&mut StageWebhook)) -> Vec<StageInput> {
    let mut drawn = flow.drawn().await;
    drawn[2].webhook = hook("", url, &[]).webhook;
    change(drawn[2].webhook.as_mut().unwrap());
    drawn
}

/// A flow whose webhook stage proves itself in this way.
async fn proving<'w>(world: &'w World, url: &str, change: impl FnOnce(&mut StageWebhook)) -> Flow<'w> {
    let mut drawn = labelled_then_sent(url);
    change(drawn[2].webhook.as_mut().unwrap());
    Flow::new(world, drawn).await
}

async fn row(flow: &Flow<'_>) -> webhooks::Model {
    let stage = flow.workflow().await.stages[2].clone();
    let row = webhooks::Entity::find_by_id(stage.webhook_id.unwrap());
    row.one(flow.world.app.db.read()).await.unwrap().unwrap()
}

fn digest(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// Sends one more task.
async fn send(flow: &Flow<'_>) {
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    flow.world.deliver().await;
}

#[tokio::test]
async fn a_fault_in_the_settings_is_named_with_the_path_of_its_stage() {
    type Spoil = fn(&mut StageWebhook);
    let cases: [(Spoil, &str); 10] = [
        (|given| given.settings.url = Some("ftp://example.com".into()), "url"),
        (|given| given.settings.url = Some(String::new()), "url"),
        (|given| given.settings.auth_type = Some(AuthType::Secret), "secret"),
        (|given| given.settings.auth_type = None, "secret"),
        (|given| given.settings.auth_type = Some(AuthType::Bearer), "bearerToken"),
        (
            |given| given.settings.auth_type = Some(AuthType::Header),
            "authorizationHeader",
        ),
        (|given| given.settings.timeout_ms = Some(1), "timeoutMs"),
        (|given| given.settings.max_in_flight = Some(0), "maxInFlight"),
        (
            |given| given.settings.retry.max_attempts = Some(0),
            "retryPolicy.maxAttempts",
        ),
        (
            |given| given.settings.headers = Some(serde_json::json!({"Host": "x"})),
            "headers",
        ),
    ];
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(URL)).await;
    let before = (flow.workflow().await, row(&flow).await);
    for (spoil, field) in cases {
        let mut fresh = labelled_then_sent(URL);
        spoil(fresh[2].webhook.as_mut().unwrap());
        for drawn in [fresh, set(&flow, URL, spoil).await] {
            let (at, why) = invalid(flow.save(drawn).await.unwrap_err());
            assert!(at.starts_with(&format!("stages.2.webhook.{field}")), "{at}: {why}");
        }
    }
    assert_eq!((flow.workflow().await, row(&flow).await), before, "nothing changed");
}

#[tokio::test]
async fn settings_that_are_left_out_stay_and_given_ones_replace_all_that_can_be_read() {
    let world = World::new().await;
    let flow = proving(&world, URL, |given| {
        (given.settings.timeout_ms, given.settings.max_in_flight) = (Some(2_000), Some(3));
        (given.settings.retry.max_attempts, given.settings.retry.jitter) = (Some(2), Some(0.0));
        given.settings.headers = Some(serde_json::json!({"X-Team": "trees"}));
    })
    .await;
    let before = row(&flow).await;
    assert_eq!((before.payload_format, before.max_attempts), (PayloadFormat::Ango, 2));
    let mut drawn = flow.drawn().await;
    drawn[2].name = "Sent".into();
    flow.save(drawn).await.unwrap();
    assert_eq!(row(&flow).await, before);
    flow.save(set(&flow, URL, |_| {}).await).await.unwrap();
    let after = row(&flow).await;
    assert_eq!(
        (
            after.timeout_ms,
            after.max_in_flight,
            after.max_attempts,
            after.delays_ms
        ),
        (15_000, 32, 6, "[5000,30000,120000,600000,1800000]".into())
    );
    assert_eq!((after.jitter, after.header_names), (0.2, before.header_names));
}

#[tokio::test]
async fn a_secret_stays_until_another_is_given() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let secret = |text: &'static str| {
        move |given: &mut StageWebhook| {
            (given.settings.auth_type, given.secret) = (Some(AuthType::Secret), Some(text.into()));
        }
    };
    let flow = proving(&world, &receiver.url(), secret("your_secret_key")).await;
    send(&flow).await;
    flow.save(set(&flow, &receiver.url(), |given| given.settings.auth_type = None).await)
        .await
        .unwrap();
    send(&flow).await;
    flow.save(set(&flow, &receiver.url(), secret(SECRET)).await)
        .await
        .unwrap();
    send(&flow).await;
    for (request, secret) in receiver
        .requests()
        .iter()
        .zip(["your_secret_key", "your_secret_key", SECRET])
    {
        let key = digest(secret, &request.body);
        assert_eq!(request.headers["x-hub-signature"], key, "bare hex");
    }
    assert_eq!(receiver.count(), 3);
}

#[tokio::test]
async fn a_token_is_sent_stays_when_it_is_left_out_and_is_replaced_when_given() {
    for (auth_type, first, second) in [
        (AuthType::Bearer, "Bearer one", "Bearer two"),
        (AuthType::Header, "one", "two"),
    ] {
        let give = |text: Option<&str>| {
            let text = text.map(str::to_owned);
            move |given: &mut StageWebhook| {
                given.settings.auth_type = Some(auth_type);
                match auth_type {
                    AuthType::Bearer => given.settings.bearer_token = text,
                    _ => given.settings.authorization_header = text,
                }
            }
        };
        let receiver = Receiver::ok().await;
        let world = World::new().await;
        let flow = proving(&world, &receiver.url(), give(Some("one"))).await;
        for text in [None, Some("two")] {
            send(&flow).await;
            flow.save(set(&flow, &receiver.url(), give(text)).await).await.unwrap();
        }
        send(&flow).await;
        let sent: Vec<_> = receiver
            .requests()
            .iter()
            .map(|request| request.headers["authorization"].clone())
            .collect();
        assert_eq!(sent, [first, first, second]);
        assert!(!receiver.requests()[0].headers.contains_key("x-hub-signature"));
    }
}

#[tokio::test]
async fn metadata_only_leaves_the_annotations_out() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    for format in [PayloadFormat::Ango, PayloadFormat::V7] {
        let flow = proving(&world, &receiver.url(), |given| {
            given.settings.payload_format = Some(format);
            given.settings.payload_content = Some(PayloadContent::MetadataOnly);
        })
        .await;
        send(&flow).await;
        let sent = receiver.requests().pop().unwrap();
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert!(body.get("annotations").is_none(), "{body}");
        assert!(!String::from_utf8(sent.body).unwrap().contains("Tree\""), "{body}");
    }
}

#[tokio::test]
async fn a_stages_webhook_is_its_workflows_alone() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let id = row(&flow).await.id.to_string();
    let all = Query {
        filter: Filter::default(),
        order: None,
        page: Page { skip: 0, first: 100 },
    };
    let listed = webhook::list(&world.app, &world.owner, None, all).await.unwrap();
    assert_eq!(listed, []);
    let off = webhook::Patch {
        status: Some(WebhookStatus::Inactive),
        ..webhook::Patch::default()
    };
    let refused = webhook::update(&world.app, &world.owner, &id, off).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    let other = Flow::plain(&world).await;
    let task = other.task().await;
    other.submit(&task).await.unwrap();
    world.deliver().await;
    assert_eq!(receiver.count(), 0, "moves and labels elsewhere are not its business");
    send(&flow).await;
    assert_eq!(receiver.count(), 1, "nor is the label, nor the move out of the stage");
}

#[tokio::test]
async fn what_is_queued_goes_on_by_the_limits_that_are_saved() {
    let receiver = Receiver::ok().await;
    let world = World::new().await;
    let pace = |given: &mut StageWebhook| {
        given.settings.rate = Some(Some(Rate {
            requests: 1,
            per_ms: 3_600_000,
        }));
    };
    let flow = proving(&world, &receiver.url(), pace).await;
    for task in flow.tasks(3).await {
        flow.submit(&task).await.unwrap();
    }
    world.deliver().await;
    assert_eq!(receiver.count(), 1);
    flow.save(set(&flow, &receiver.url(), |_| {}).await).await.unwrap();
    world.deliver().await;
    assert_eq!(receiver.count(), 3);
}
