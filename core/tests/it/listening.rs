//! Webhooks that are heard by a listener: handed over, answered, judged like any other; waiting while it is away;
//! removed when it stays away.

use crate::support::{START, World, invalid};
use bytes::Bytes;
use entity::{
    AttemptErrorKind, NotificationStatus::*, OrganizationId, Role, UserId, WaitReason, WebhookStatus, WebhookTopic,
    notification, webhook,
};
use labelhook_core::{
    Error,
    auth::Actor,
    background::listeners,
    list,
    listener::{self, Answer, Attached, Delivery, RECONNECT_TIMEOUT, START_GRACE},
    notification::waiting,
    webhook as webhooks,
    webhook::{New, Patch, Settings},
};
use sea_orm::EntityTrait;
use std::{sync::Arc, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

fn wanted() -> New {
    let settings = Settings {
        url: Some("http://localhost:3000/hook".into()),
        ..Settings::default()
    };
    New {
        settings,
        ..New::default()
    }
}

async fn made(world: &World) -> webhook::Model {
    let made = listener::create(&world.app, &world.owner, wanted()).await.unwrap();
    made.webhook
}

async fn attach(world: &World, row: &webhook::Model) -> Attached {
    listener::attach(&world.app, &world.owner, &row.id.to_string())
        .await
        .unwrap()
}

fn says(status: i32) -> Answer {
    Answer {
        status: Some(status),
        ..Answer::default()
    }
}

fn give(world: &World, delivery: &Delivery, answer: Answer) -> Result<(), Error> {
    listener::answer(&world.app, &world.owner, &delivery.id.to_string(), answer)
}

/// Delivers what is due; the listener gives this answer to the one delivery it is handed.
async fn answered(world: &World, attached: &mut Attached, answer: Answer) -> Arc<Delivery> {
    let listening = async {
        let delivery = attached.next().await.unwrap();
        give(world, &delivery, answer).unwrap();
        delivery
    };
    tokio::join!(listening, world.deliver()).0
}

async fn tended(world: &World) {
    listeners::run_until_idle(&world.app).await.unwrap();
}

async fn row(world: &World, of: &webhook::Model) -> webhook::Model {
    let row = webhook::Entity::find_by_id(of.id).one(world.app.db.read()).await;
    row.unwrap().unwrap()
}

fn reason(world: &World, of: &notification::Model, webhook: &webhook::Model) -> Option<WaitReason> {
    waiting::wait_reason(&world.app, of, webhook)
}

#[tokio::test]
async fn what_a_listener_answers_is_recorded_and_judged() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let mut attached = attach(&world, &webhook).await;
    let change = world.annotated().await;
    let event = world.publish(&change).await;
    let answer = Answer {
        headers: vec![("Retry-After".into(), "600".into()), ("X-A".into(), "ß".into())],
        body: Bytes::from_static(b"not now"),
        ..says(503)
    };
    let delivery = answered(&world, &mut attached, answer).await;
    let sent = world.notification().await;
    assert_eq!((delivery.notification_id, delivery.event_id), (sent.id, event.id));
    assert_eq!((delivery.attempt, delivery.timeout), (1, 15 * SECOND));
    assert_eq!(delivery.headers["webhook-id"], event.id.to_string());
    assert_eq!((sent.status, sent.due_at), (Retrying, Some(START.plus(600 * SECOND))));
    let attempt = world.attempts(&sent).await.remove(0);
    assert_eq!(attempt.url, "http://localhost:3000/hook");
    assert_eq!((attempt.response_status, attempt.error), (Some(503), None));
    assert_eq!(attempt.response_body.as_deref(), Some(&b"not now"[..]));
    assert_eq!(
        attempt.response_headers.as_deref(),
        Some(r#"{"retry-after":"600","x-a":"ß"}"#)
    );

    world.clock.advance(600 * SECOND);
    let again = answered(&world, &mut attached, says(204)).await;
    assert_eq!((again.attempt, &again.body), (2, &delivery.body));
    assert_eq!(again.headers["webhook-id"], delivery.headers["webhook-id"]);
    assert_eq!(world.notification().await.status, Succeeded);
}

#[tokio::test]
async fn what_stood_in_the_way_of_a_listener_is_an_attempt_that_failed() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let mut attached = attach(&world, &webhook).await;
    world.publish(&world.annotated().await).await;
    let answer = Answer {
        error: Some((AttemptErrorKind::Connect, "the receiver refused the connection".into())),
        ..Answer::default()
    };
    answered(&world, &mut attached, answer).await;
    let sent = world.notification().await;
    assert_eq!((sent.status, sent.error), (Retrying, Some(AttemptErrorKind::Connect)));
    let attempt = world.attempts(&sent).await.remove(0);
    assert_eq!(
        attempt.error_message.as_deref(),
        Some("the receiver refused the connection")
    );
}

#[tokio::test]
async fn notifications_wait_for_a_listener_that_is_away_and_spend_no_attempt() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let change = world.annotated().await;
    world.publish(&change).await;
    world.after(60 * SECOND).await;
    let waiting = world.notification().await;
    assert_eq!(
        (waiting.status, waiting.attempt_count, waiting.node_id),
        (Pending, 0, None)
    );
    assert_eq!(reason(&world, &waiting, &webhook), Some(WaitReason::Listener));
    let shown = waiting::of(&world.app, &webhook).await.unwrap().waiting;
    assert_eq!((shown.count, shown.reason), (1, Some(WaitReason::Listener)));

    let mut attached = attach(&world, &webhook).await;
    answered(&world, &mut attached, says(200)).await;
    assert_eq!(world.notification().await.status, Succeeded);
    drop(attached);
    tended(&world).await;
    world.publish(&change).await;
    world.deliver().await;
    let webhook = row(&world, &webhook).await;
    let waiting = world.notifications().await.remove(1);
    assert_eq!((waiting.status, waiting.attempt_count), (Pending, 0), "it left again");
    assert_eq!(reason(&world, &waiting, &webhook), Some(WaitReason::Listener));
}

#[tokio::test]
async fn a_listener_that_vanishes_mid_delivery_has_failed_it_and_the_next_one_gets_it_again() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let mut attached = attach(&world, &webhook).await;
    world.publish(&world.annotated().await).await;
    let vanishing = async {
        let delivery = attached.next().await.unwrap();
        drop(attached);
        delivery
    };
    let (lost, ()) = tokio::join!(vanishing, world.deliver());
    tended(&world).await;
    let sent = world.notification().await;
    assert_eq!((sent.status, sent.attempt_count), (Retrying, 1));
    assert_eq!(sent.error, Some(AttemptErrorKind::ListenerGone));
    assert!(matches!(give(&world, &lost, says(200)), Err(Error::Conflict(_))));

    let mut attached = attach(&world, &webhook).await;
    world.clock.advance(6 * SECOND);
    let again = answered(&world, &mut attached, says(200)).await;
    assert_eq!((again.notification_id, again.attempt), (lost.notification_id, 2));
    assert_eq!(world.notification().await.status, Succeeded);
}

#[tokio::test]
async fn what_a_vanished_listener_had_not_been_told_spends_no_attempt() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let mut attached = attach(&world, &webhook).await;
    let change = world.annotated().await;
    for _ in 0..3 {
        world.publish(&change).await;
    }
    let vanishing = async {
        attached.next().await.unwrap();
        drop(attached);
    };
    tokio::join!(vanishing, world.deliver());
    tended(&world).await;
    assert_eq!(
        (world.status_count(Retrying).await, world.status_count(Pending).await),
        (1, 2)
    );
    let spent: i32 = world.notifications().await.iter().map(|row| row.attempt_count).sum();
    assert_eq!(spent, 1);
    let mut attached = attach(&world, &webhook).await;
    world.clock.advance(6 * SECOND);
    let listening = async {
        for _ in 0..3 {
            let delivery = attached.next().await.unwrap();
            give(&world, &delivery, says(200)).unwrap();
        }
    };
    tokio::join!(listening, world.deliver());
    assert_eq!(world.status_count(Succeeded).await, 3);
}

#[tokio::test]
async fn a_delivery_that_is_not_answered_in_time_has_timed_out_and_a_late_answer_changes_nothing() {
    let world = World::new().await;
    let mut new = wanted();
    new.settings.timeout_ms = Some(1_000);
    let webhook = listener::create(&world.app, &world.owner, new).await.unwrap().webhook;
    let mut attached = attach(&world, &webhook).await;
    world.publish(&world.annotated().await).await;
    let (delivery, ()) = tokio::join!(attached.next(), world.deliver());
    let delivery = delivery.unwrap();
    let sent = world.notification().await;
    assert_eq!((sent.status, sent.error), (Retrying, Some(AttemptErrorKind::Timeout)));
    let late = give(&world, &delivery, says(200)).unwrap_err();
    assert!(late.to_string().contains("over"), "{late}");
    assert_eq!(world.notification().await, sent);
}

#[tokio::test]
async fn a_listener_that_comes_later_takes_the_place_of_the_one_before() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let mut former = attach(&world, &webhook).await;
    let mut attached = attach(&world, &webhook).await;
    assert!(matches!(former.next().await, Err(Error::Conflict(reason)) if reason.contains("another listener")));
    drop(former);
    tended(&world).await;
    assert!(listener::is_there(&world.app, &row(&world, &webhook).await));
    world.publish(&world.annotated().await).await;
    answered(&world, &mut attached, says(200)).await;
    assert_eq!(world.notification().await.status, Succeeded);
}

#[tokio::test]
async fn a_listener_is_its_users_own() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let id = webhook.id.to_string();
    let mut attached = attach(&world, &webhook).await;
    for role in [Role::WorkforceManager, Role::User, Role::Worker] {
        let actor = world.actor(role).await;
        assert!(matches!(
            listener::create(&world.app, &actor, wanted()).await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(
            listener::attach(&world.app, &actor, &id).await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(
            listener::remove(&world.app, &actor, &id).await,
            Err(Error::Forbidden(_))
        ));
    }
    let admin = world.actor(Role::Admin).await;
    let refused = listener::attach(&world.app, &admin, &id).await.err().unwrap();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    let stranger = Actor {
        organization_id: OrganizationId::new(),
        user_id: UserId::new(),
        ..world.owner.clone()
    };
    let refused = listener::attach(&world.app, &stranger, &id).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })));
    let refused = listener::remove(&world.app, &stranger, &id).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })));
    world.publish(&world.annotated().await).await;
    let listening = async {
        let delivery = attached.next().await.unwrap();
        let key = delivery.id.to_string();
        for actor in [&admin, &stranger] {
            let refused = listener::answer(&world.app, actor, &key, says(200));
            assert!(matches!(refused, Err(Error::NotFound { .. })));
        }
        for key in ["nonsense", &webhook.id.to_string()] {
            let refused = listener::answer(&world.app, &world.owner, key, says(200));
            assert!(matches!(refused, Err(Error::NotFound { .. })));
        }
        let (field, _) = invalid(give(&world, &delivery, Answer::default()).unwrap_err());
        assert_eq!(field, "status", "and what is no answer leaves the delivery waiting");
        give(&world, &delivery, says(200)).unwrap();
        assert!(matches!(
            give(&world, &delivery, says(500)),
            Err(Error::Conflict(_)) | Err(Error::NotFound { .. })
        ));
        delivery
    };
    let (delivery, ()) = tokio::join!(listening, world.deliver());
    assert_eq!(world.notification().await.response_code, Some(200));
    assert!(matches!(give(&world, &delivery, says(500)), Err(Error::Conflict(_))));
    let foreign = listener::answer(&world.app, &admin, &delivery.id.to_string(), says(500));
    assert!(matches!(foreign, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_webhook_whose_listener_stays_away_is_removed_and_what_waited_is_canceled() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let attached = attach(&world, &webhook).await;
    let change = world.annotated().await;
    for _ in 0..20 {
        world.clock.advance(60 * SECOND);
        tended(&world).await;
    }
    assert_eq!(row(&world, &webhook).await.status, WebhookStatus::Active, "it is there");
    drop(attached);
    tended(&world).await;
    for _ in 0..3 {
        world.publish(&change).await;
    }
    world.clock.advance(RECONNECT_TIMEOUT - SECOND);
    tended(&world).await;
    assert_eq!(world.status_count(Pending).await, 3);
    world.clock.advance(SECOND);
    tended(&world).await;
    let gone = row(&world, &webhook).await;
    assert_eq!((gone.status, gone.listener_seen_at), (WebhookStatus::Revoked, None));
    assert_eq!(
        gone.status_reason.as_deref(),
        Some("its listener stayed away for 5 minutes")
    );
    assert_eq!(world.status_count(Canceled).await, 3);
    assert_eq!(world.publish(&change).await.topic, WebhookTopic::LabelCreated);
    assert_eq!(world.notifications().await.len(), 3, "nothing more is made for it");

    let all = list::Query {
        filter: list::Filter::And(Vec::new()),
        order: None,
        page: list::Page { skip: 0, first: 10 },
    };
    let listed = webhooks::list(&world.app, &world.owner, None, all).await;
    assert!(listed.unwrap().is_empty());
    let id = webhook.id.to_string();
    let back = Patch {
        status: Some(WebhookStatus::Active),
        ..Patch::default()
    };
    let refused = webhooks::update(&world.app, &world.owner, &id, back).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))));
    let refused = listener::attach(&world.app, &world.owner, &id).await.err().unwrap();
    assert!(refused.to_string().contains("stayed away"), "{refused}");
}

#[tokio::test]
async fn time_away_counts_over_a_restart_and_a_start_gives_a_minute_to_come_back() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let left = attach(&world, &webhook).await;
    drop(left);
    tended(&world).await;
    let other = made(&world).await;
    let there = attach(&world, &other).await;
    world.clock.advance(RECONNECT_TIMEOUT);
    drop(there);
    let world = world.restart().await;
    tended(&world).await;
    assert_eq!(row(&world, &webhook).await.status, WebhookStatus::Active);
    let back = attach(&world, &other).await;
    world.clock.advance(START_GRACE);
    tended(&world).await;
    assert_eq!(row(&world, &webhook).await.status, WebhookStatus::Revoked);
    assert_eq!(
        row(&world, &other).await.status,
        WebhookStatus::Active,
        "it came back in time"
    );
    drop(back);
}

#[tokio::test]
async fn what_was_in_flight_at_a_restart_is_handed_over_again() {
    let world = World::new().await;
    let webhook = made(&world).await;
    world.publish(&world.annotated().await).await;
    {
        let mut attached = attach(&world, &webhook).await;
        tokio::select! {
            () = world.deliver() => panic!("nobody answers"),
            delivery = attached.next() => drop(delivery.unwrap()),
        }
        std::mem::forget(attached);
        while Arc::strong_count(&world.app) > 1 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.notification().await.status, Sending);
    let world = world.restart().await;
    world.deliver().await;
    assert_eq!(
        world.notification().await.attempt_count,
        0,
        "and waits for the listener until then"
    );
    let mut attached = attach(&world, &webhook).await;
    answered(&world, &mut attached, says(200)).await;
    assert_eq!(world.notification().await.status, Succeeded);
}

#[tokio::test]
async fn a_removed_listener_ends_and_what_waited_is_canceled() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let id = webhook.id.to_string();
    let change = world.annotated().await;
    world.publish(&change).await;
    let mut attached = attach(&world, &webhook).await;
    let removed = listener::remove(&world.app, &world.owner, &id).await.unwrap();
    assert_eq!(removed.status, WebhookStatus::Revoked);
    assert!(matches!(attached.next().await, Err(Error::NotAllowed(_))));
    tended(&world).await;
    world.deliver().await;
    assert_eq!(world.notification().await.status, Canceled);
    let again = listener::remove(&world.app, &world.owner, &id).await.unwrap();
    assert_eq!(again.status, WebhookStatus::Revoked, "asking twice changes nothing");
}

#[tokio::test]
async fn a_listener_whose_server_answers_410_ends() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let mut attached = attach(&world, &webhook).await;
    world.publish(&world.annotated().await).await;
    answered(&world, &mut attached, says(410)).await;
    assert!(matches!(attached.next().await, Err(Error::NotAllowed(_))));
    let gone = row(&world, &webhook).await;
    assert_eq!(gone.status_reason.as_deref(), Some("the receiver answered 410 Gone"));
}

#[tokio::test]
async fn a_listeners_webhook_keeps_its_url_and_any_other_has_no_listener() {
    let world = World::new().await;
    let webhook = made(&world).await;
    let patch = Settings {
        url: Some("https://example.com/".into()),
        ..Settings::default()
    }
    .into();
    let refused = webhooks::update(&world.app, &world.owner, &webhook.id.to_string(), patch).await;
    assert_eq!(invalid(refused.unwrap_err()).0, "url");
    let plain = world.webhook("https://example.com/").await.id.to_string();
    let refused = listener::attach(&world.app, &world.owner, &plain).await.err().unwrap();
    assert!(matches!(refused, Error::NotAllowed(_)));
    let refused = listener::remove(&world.app, &world.owner, &plain).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))));
}

#[tokio::test]
async fn an_organization_has_a_bounded_number_of_listeners() {
    let world = World::new().await;
    for _ in 0..listener::MAX_LISTENERS {
        made(&world).await;
    }
    let refused = listener::create(&world.app, &world.owner, wanted())
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, Error::Conflict(_)), "{refused:?}");
}
