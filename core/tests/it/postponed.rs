//! Postponed matches: a filter or a payload query that takes too long for the transaction is run outside of it, and no
//! event is lost by that.

use crate::support::{Receiver, World};
use entity::{Ordering, WebhookId, WebhookStatus, WebhookTopic, webhook};
use labelhook_core::{
    background::postponed_matches,
    event::Change,
    postponed,
    webhook::{New, Patch, Settings},
};
use sea_orm::EntityTrait;
use std::time::Duration;

/// True of every event, and stopped at a limit of no time.
const TRUE: &str = "['a', 'b'].exists(x, x == 'b')";
const FALSE: &str = "['a', 'b'].exists(x, x == 'c')";

fn filter(source: &str) -> impl FnOnce(&mut New) {
    let source = source.to_owned();
    move |new| new.settings.filter = Some(Some(source))
}

async fn decide(world: &World) {
    postponed_matches::run_until_idle(&world.app).await.unwrap();
}

/// The webhooks of all notifications about labels.
async fn notified(world: &World) -> Vec<WebhookId> {
    let rows = world.notifications().await;
    let of_labels = rows.iter().filter(|row| !row.topic.is_operational());
    of_labels.map(|row| row.webhook_id).collect()
}

async fn now(world: &World, id: WebhookId) -> webhook::Model {
    let row = webhook::Entity::find_by_id(id).one(world.app.db.read()).await;
    row.unwrap().unwrap()
}

async fn change(world: &World, id: WebhookId, patch: Patch) {
    labelhook_core::webhook::update(&world.app, &world.owner, &id.to_string(), patch)
        .await
        .unwrap();
}

fn status(status: WebhookStatus, filter: &str) -> Patch {
    Patch {
        status: Some(status),
        settings: Settings {
            filter: Some(Some(filter.into())),
            ..Settings::default()
        },
    }
}

#[tokio::test]
async fn what_does_not_fit_into_the_transaction_is_decided_after_it_and_sent_once() {
    let world = World::with_filters(|limits| limits.in_transaction = Duration::ZERO).await;
    let (receiver, label) = (Receiver::ok().await, world.annotated().await);
    let all = world.webhook(&receiver.url()).await;
    let wanted = world.webhook_with(&receiver.url(), filter(TRUE)).await;
    let other = world.webhook_with(&receiver.url(), filter(FALSE)).await;
    world.publish(&label).await;
    assert_eq!(notified(&world).await, [all.id], "without a filter nothing waits");
    for id in [wanted.id, other.id] {
        assert_eq!(postponed::count(&world.app, id).await.unwrap(), 1);
    }
    decide(&world).await;
    decide(&world).await;
    assert_eq!(notified(&world).await, [all.id, wanted.id]);
    for id in [wanted.id, other.id] {
        assert_eq!(postponed::count(&world.app, id).await.unwrap(), 0);
    }
    world.deliver().await;
    let received = receiver.requests();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].body, received[1].body);
}

#[tokio::test]
async fn what_is_postponed_survives_a_restart() {
    let world = World::with_filters(|limits| limits.in_transaction = Duration::ZERO).await;
    let label = world.annotated().await;
    let wanted = world.webhook_with("http://127.0.0.1:9/", filter(TRUE)).await;
    world.publish(&label).await;
    let world = world.restart().await;
    decide(&world).await;
    assert_eq!(notified(&world).await, [wanted.id]);
}

#[tokio::test]
async fn a_filter_that_is_too_expensive_disables_its_webhook_and_its_events_wait() {
    let none = |limits: &mut labelhook_core::filter::Limits| {
        (limits.in_transaction, limits.postponed) = (Duration::ZERO, Duration::ZERO);
    };
    let world = World::with_filters(none).await;
    let label = world.annotated().await;
    let watcher = |new: &mut New| new.settings.topics = Some(vec![WebhookTopic::WebhookDisabled]);
    let watcher = world.webhook_with("http://127.0.0.1:9/", watcher).await;
    let dear = world.webhook_with("http://127.0.0.1:9/", filter(TRUE)).await;
    world.publish(&label).await;
    for _ in 0..3 {
        assert_eq!(now(&world, dear.id).await.status, WebhookStatus::Active);
        decide(&world).await;
        world.clock.advance(Duration::from_secs(10));
    }
    let row = now(&world, dear.id).await;
    assert_eq!(row.status, WebhookStatus::Revoked);
    assert!(row.status_reason.unwrap().starts_with("its filter is too expensive: "));
    let notices = world.notifications().await;
    let notices = notices.iter().filter(|row| row.webhook_id == watcher.id);
    assert_eq!(notices.count(), 1, "an operational event tells of it");
    world.publish(&label).await;
    decide(&world).await;
    assert!(notified(&world).await.is_empty());

    // Without a comparison to check, the new filter ends at once, whatever its limit.
    change(&world, dear.id, status(WebhookStatus::Active, "true")).await;
    decide(&world).await;
    assert_eq!(
        notified(&world).await,
        [dear.id],
        "the first event waited, the second was while it was disabled"
    );
}

#[tokio::test]
async fn a_match_is_decided_by_the_filter_that_the_webhook_has_then() {
    let world = World::with_filters(|limits| limits.in_transaction = Duration::ZERO).await;
    let label = world.annotated().await;
    let row = world.webhook_with("http://127.0.0.1:9/", filter(TRUE)).await;
    world.publish(&label).await;
    change(&world, row.id, status(WebhookStatus::Inactive, FALSE)).await;
    decide(&world).await;
    assert_eq!(
        postponed::count(&world.app, row.id).await.unwrap(),
        1,
        "it waits for the webhook"
    );
    change(&world, row.id, status(WebhookStatus::Active, FALSE)).await;
    decide(&world).await;
    assert_eq!(postponed::count(&world.app, row.id).await.unwrap(), 0);
    assert!(notified(&world).await.is_empty());
}

#[tokio::test]
async fn a_payload_query_that_does_not_fit_is_rendered_after_the_transaction() {
    let world = World::with_filters(|limits| limits.in_transaction = Duration::ZERO).await;
    let (receiver, label) = (Receiver::ok().await, world.annotated().await);
    let query = |new: &mut New| new.settings.payload_query = Some(Some("id dataset".into()));
    let row = world.webhook_with(&receiver.url(), query).await;
    let event = world.publish(&label).await;
    assert_eq!(postponed::count(&world.app, row.id).await.unwrap(), 1);
    decide(&world).await;
    world.deliver().await;
    let received = receiver.requests();
    let body: serde_json::Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!(body["id"], event.id.to_string());
    assert!(body["dataset"].is_object(), "{body}");
}

#[tokio::test]
async fn matches_of_removed_events_are_dropped() {
    let world = World::with_filters(|limits| limits.in_transaction = Duration::ZERO).await;
    let label = world.annotated().await;
    let row = world.webhook_with("http://127.0.0.1:9/", filter(TRUE)).await;
    let event = world.publish_as(label.data(), Change::Updated).await;
    let gone = entity::event::Entity::delete_by_id(event.id);
    world
        .write(move |txn| Box::pin(async move { Ok(gone.exec(txn.conn()).await.map(drop)?) }))
        .await
        .unwrap();
    decide(&world).await;
    assert_eq!(postponed::count(&world.app, row.id).await.unwrap(), 0);
    assert!(notified(&world).await.is_empty());
}

#[tokio::test]
async fn a_promised_order_holds_through_postponed_matches() {
    let world = World::with_filters(|limits| limits.in_transaction = Duration::ZERO).await;
    let (receiver, label) = (Receiver::ok().await, world.annotated().await);
    let ordered = |new: &mut New| {
        new.settings.ordering = Some(Ordering::Strict);
        new.settings.payload_query = Some(Some("id dataset".into()));
        filter(TRUE)(new);
    };
    let row = world.webhook_with(&receiver.url(), ordered).await;
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(world.publish(&label).await.id.to_string());
    }
    // In a process whose transactions have all the time, an event could overtake those that wait.
    let world = world.restart().await;
    events.push(world.publish(&label).await.id.to_string());
    assert_eq!(postponed::count(&world.app, row.id).await.unwrap(), 4);
    decide(&world).await;
    world.deliver().await;
    let sent: Vec<String> = receiver
        .requests()
        .iter()
        .map(|request| serde_json::from_slice::<serde_json::Value>(&request.body).unwrap()["id"].clone())
        .map(|id| id.as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(sent, events);
}

#[tokio::test]
async fn a_match_that_is_tried_again_holds_up_those_after_it_where_an_order_was_promised() {
    let none = |limits: &mut labelhook_core::filter::Limits| {
        (limits.in_transaction, limits.postponed) = (Duration::ZERO, Duration::ZERO);
    };
    let world = World::with_filters(none).await;
    let label = world.annotated().await;
    let ordered = |new: &mut New| {
        new.settings.ordering = Some(Ordering::PerDataRow);
        // It is stopped on what was created; on what was updated it ends before it looks at a list.
        filter("has(event.data.review) || ['a'].exists(x, x == 'a')")(new);
    };
    let row = world.webhook_with("http://127.0.0.1:9/", ordered).await;
    world.publish(&label).await;
    world.publish_as(label.reviewed(1.0), Change::Created).await;
    decide(&world).await;
    decide(&world).await;
    assert!(
        notified(&world).await.is_empty(),
        "the second event waits for the first"
    );
    assert_eq!(postponed::count(&world.app, row.id).await.unwrap(), 2);
}

#[tokio::test]
async fn an_event_that_a_query_cannot_render_is_sent_with_the_reason_and_holds_up_no_other() {
    let world = World::with_filters(|limits| limits.in_transaction = Duration::ZERO).await;
    let (receiver, label) = (Receiver::ok().await, world.annotated().await);
    let broken = |new: &mut New| new.settings.payload_query = Some(Some("!".into()));
    let broken = world.webhook_with(&receiver.url(), broken).await;
    let sound = world.webhook_with(&receiver.url(), filter(TRUE)).await;
    world.publish(&label).await;
    decide(&world).await;
    assert_eq!(notified(&world).await, [broken.id, sound.id]);
    world.deliver().await;
    let bodies = receiver
        .requests()
        .into_iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned());
    assert_eq!(bodies.filter(|body| body.contains("\"errors\"")).count(), 1);
}
