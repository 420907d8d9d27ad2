//! A secret is rotated: both sign while the old one is in its grace period, which ends by the clock.

use crate::support::{Receiver, Request, World, invalid};
use entity::{AuthType, Role, StageOutput, StageType, WebhookTopic, stage, webhook as webhooks};
use labelhook_core::{
    Error, Result,
    delivery::signer::secret,
    notification, project,
    webhook::{self, MAX_LIVE, Rotated, Rotation, Settings},
    workflow::{self, EdgeInput, Save, StageInput, StageWebhook},
};
use sea_orm::EntityTrait;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
const MILLI: Duration = Duration::from_millis(1);

async fn rotate(world: &World, row: &webhooks::Model, to: Option<&str>, grace_seconds: Option<i32>) -> Result<Rotated> {
    let rotation = Rotation {
        secret: to.map(str::to_owned),
        grace_seconds,
    };
    webhook::rotate(&world.app, &world.owner, &row.id.to_string(), rotation).await
}

async fn signed(world: &World, receiver: &Receiver) -> Request {
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    receiver.requests().pop().unwrap()
}

/// The `webhook-signature` that these secrets make, in this order.
fn tokens(request: &Request, secrets: &[&str]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hmac::{Hmac, KeyInit, Mac};
    let (id, at) = (&request.headers["webhook-id"], &request.headers["webhook-timestamp"]);
    let content = [format!("{id}.{at}.").as_bytes(), &request.body].concat();
    let token = |secret: &&str| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret::standard_key(secret)).unwrap();
        mac.update(&content);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    secrets.iter().map(token).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn both_sign_until_the_grace_period_ends_by_the_clock_alone() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let row = world
        .webhook_with(&receiver.url(), |new| new.secret = Some("first".into()))
        .await;
    let check = async |live: &[&str]| {
        let request = signed(&world, &receiver).await;
        assert_eq!(request.headers["webhook-signature"], tokens(&request, live), "{live:?}");
    };
    check(&["first"]).await;
    let rotated = rotate(&world, &row, Some("second"), None).await.unwrap();
    assert_eq!(rotated.secret, "second");
    check(&["second", "first"]).await;
    world.clock.advance(DAY - MILLI);
    check(&["second", "first"]).await;
    assert_eq!(webhook::secrets(&world.app, &row).await.unwrap().len(), 2);
    world.clock.advance(MILLI);
    check(&["second"]).await;
    assert_eq!(webhook::secrets(&world.app, &row).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_end_of_a_secret_outlives_a_restart() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let row = world
        .webhook_with(&receiver.url(), |new| new.secret = Some("first".into()))
        .await;
    rotate(&world, &row, Some("second"), Some(60)).await.unwrap();
    let world = world.restart().await;
    let request = signed(&world, &receiver).await;
    assert_eq!(
        request.headers["webhook-signature"],
        tokens(&request, &["second", "first"])
    );
    world.clock.advance(Duration::from_secs(60));
    let request = signed(&world, &receiver).await;
    assert_eq!(request.headers["webhook-signature"], tokens(&request, &["second"]));
}

#[tokio::test]
async fn without_grace_the_new_secret_signs_alone_at_once_whatever_was_live() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let row = world.webhook(&receiver.url()).await;
    signed(&world, &receiver).await;
    rotate(&world, &row, Some("second"), Some(3600)).await.unwrap();
    rotate(&world, &row, Some("third"), Some(0)).await.unwrap();
    let request = signed(&world, &receiver).await;
    assert_eq!(request.headers["webhook-signature"], tokens(&request, &["third"]));
    let kept = world.number("SELECT count(*) FROM webhook_secret").await;
    assert_eq!(kept, 1, "a secret that signs no more is not kept");
}

#[tokio::test]
async fn an_older_secret_ends_no_later_than_it_was_to() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let row = world
        .webhook_with(&receiver.url(), |new| new.secret = Some("first".into()))
        .await;
    rotate(&world, &row, Some("second"), Some(10)).await.unwrap();
    rotate(&world, &row, Some("third"), Some(100)).await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    let request = signed(&world, &receiver).await;
    assert_eq!(
        request.headers["webhook-signature"],
        tokens(&request, &["third", "second"])
    );
}

#[tokio::test]
async fn the_way_back_to_an_old_secret_signs_with_it_once() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let row = world
        .webhook_with(&receiver.url(), |new| new.secret = Some("first".into()))
        .await;
    rotate(&world, &row, Some("second"), None).await.unwrap();
    rotate(&world, &row, Some("first"), None).await.unwrap();
    let request = signed(&world, &receiver).await;
    assert_eq!(
        request.headers["webhook-signature"],
        tokens(&request, &["first", "second"])
    );
}

#[tokio::test]
async fn ten_secrets_live_at_most_and_ending_them_makes_room() {
    let world = World::new().await;
    let row = world.webhook("https://example.com/a").await;
    for _ in 1..MAX_LIVE {
        let made = rotate(&world, &row, None, None).await.unwrap().secret;
        assert!(made.starts_with("whsec_"), "a fresh one");
    }
    assert_eq!(webhook::secrets(&world.app, &row).await.unwrap().len(), MAX_LIVE);
    match rotate(&world, &row, None, None).await.map(|_| ()).unwrap_err() {
        Error::Conflict(reason) => assert!(
            reason.contains("10 live secrets") && reason.contains("2026-02-01T09:30:00"),
            "{reason}"
        ),
        other => panic!("{other:?}"),
    }
    rotate(&world, &row, None, Some(0)).await.unwrap();
    assert_eq!(webhook::secrets(&world.app, &row).await.unwrap().len(), 1);
    rotate(&world, &row, None, None).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_rotated_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let row = world.webhook("https://example.com/a").await;
    let bad = [
        (Some(""), None, "secret"),
        (Some("whsec_short"), None, "secret"),
        (Some(crate::support::SECRET), None, "secret"),
        (None, Some(-1), "graceSeconds"),
        (None, Some(604_801), "graceSeconds"),
        (None, Some(i32::MAX), "graceSeconds"),
    ];
    for (to, grace, field) in bad {
        let refused = rotate(&world, &row, to, grace).await.map(|_| ()).unwrap_err();
        assert_eq!(invalid(refused).0, field, "{to:?} {grace:?}");
    }
    let bare = world
        .webhook_with("https://example.com/a", |new| {
            (new.settings.auth_type, new.secret) = (Some(AuthType::None), None);
        })
        .await;
    let refused = rotate(&world, &bare, Some("new"), None).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, Error::NotAllowed(_)), "{refused:?}");
    for role in [Role::WorkforceManager, Role::User, Role::Worker] {
        let actor = world.actor(role).await;
        let refused = webhook::rotate(&world.app, &actor, &row.id.to_string(), Rotation::default()).await;
        assert!(matches!(refused.map(|_| ()), Err(Error::Forbidden(_))), "{role:?}");
    }
    assert_eq!(world.number("SELECT count(*) FROM webhook_secret").await, 1);
    rotate(&world, &row, None, Some(604_800)).await.unwrap();
}

#[tokio::test]
async fn a_webhook_that_shows_a_token_rotates_the_secret_it_has_beside_it() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let row = world
        .webhook_with(&receiver.url(), |new| {
            new.secret = Some("first".into());
            new.settings.auth_type = Some(AuthType::Bearer);
            new.settings.bearer_token = Some("token".into());
        })
        .await;
    rotate(&world, &row, Some("second"), None).await.unwrap();
    let request = signed(&world, &receiver).await;
    assert_eq!(
        request.headers["webhook-signature"],
        tokens(&request, &["second", "first"])
    );
    assert_eq!(request.headers["authorization"], "Bearer token");
}

#[tokio::test]
async fn a_stages_webhook_is_rotated_with_grace_and_a_save_replaces_at_once() {
    let world = World::new().await;
    let new = project::New {
        name: "Trees".into(),
        ..project::New::default()
    };
    let project = project::create(&world.app, &world.owner, new).await.unwrap();
    let save = async |stages: Vec<StageInput>| {
        let save = Save {
            stages,
            ..Save::default()
        };
        let id = project.id.to_string();
        workflow::save(&world.app, &world.owner, &id, save)
            .await
            .unwrap()
            .stages
    };
    let saved = save(sent_then_done(None)).await;
    let row = webhooks::Entity::find().one(world.app.db.read()).await.unwrap();
    let id = row.unwrap().id.to_string();
    let signatures = async || {
        let topic = Some(WebhookTopic::WorkflowAction);
        let prepared = notification::preview(&world.app, &world.owner, &id, None, topic).await;
        let headers: serde_json::Value = serde_json::from_str(&prepared.unwrap().headers).unwrap();
        headers["webhook-signature"].as_str().unwrap().split(' ').count()
    };
    assert_eq!(signatures().await, 1);
    webhook::rotate(&world.app, &world.owner, &id, Rotation::default())
        .await
        .unwrap();
    assert_eq!(signatures().await, 2);
    save(sent_then_done(Some(&saved))).await;
    assert_eq!(signatures().await, 1);
}

/// START → WEBHOOK → COMPLETE, over the stages of before.
fn sent_then_done(before: Option<&[stage::Model]>) -> Vec<StageInput> {
    let stage = |name: &str, stage_type: StageType, next: Option<(StageOutput, &str)>| StageInput {
        id: before.map(|rows| rows.iter().find(|row| row.name == name).unwrap().id.to_string()),
        name: name.to_owned(),
        stage_type,
        position: None,
        edges: next
            .into_iter()
            .map(|(output, to)| EdgeInput {
                output,
                to: to.to_owned(),
                condition: None,
            })
            .collect(),
        webhook: (stage_type == StageType::Webhook).then(|| StageWebhook {
            secret: Some("typed".into()),
            settings: Settings {
                url: Some("https://example.com/stage".into()),
                ..Settings::default()
            },
        }),
    };
    vec![
        stage("Start", StageType::Start, Some((StageOutput::Next, "Hook"))),
        stage("Hook", StageType::Webhook, Some((StageOutput::Succeeded, "Done"))),
        stage("Done", StageType::Complete, None),
    ]
}
