//! A receiver that is dead for days: people are warned, the webhook is switched off, and operational events tell of it
//! to whoever watches, and of their own deliveries to nobody.

use super::*;
use crate::support::SECRET;
use entity::{NotificationStatus::Failed, WebhookStatus, WebhookTopic, WebhookTopic::*};
use labelhook_core::webhook::New;
use serde_json::Value;

const WATCHED: [WebhookTopic; 4] = [WebhookDisabled, WebhookFailing, WebhookRecovered, NotificationFailed];

async fn watcher(world: &World, receiver: &Receiver, topics: &[WebhookTopic]) -> webhooks::Model {
    world
        .webhook_with(&receiver.url(), |new| new.settings.topics = Some(topics.to_vec()))
        .await
}

/// An hour goes by, so many times, and each brings one event.
async fn hours(world: &World, count: usize) {
    let label = world.annotated().await;
    for _ in 0..count {
        world.publish(&label).await;
        world.after(HOUR).await;
    }
}

fn told(receiver: &Receiver) -> Vec<Value> {
    let body = |request: crate::support::Request| serde_json::from_slice(&request.body).unwrap();
    receiver.requests().into_iter().map(body).collect()
}

fn actions(receiver: &Receiver) -> Vec<String> {
    let action = |body: Value| body["action"].as_str().unwrap_or("LABEL").to_owned();
    told(receiver).into_iter().map(action).collect()
}

async fn operational(world: &World) -> Vec<String> {
    use sea_orm::{EntityTrait, QueryOrder};
    let query = entity::event::Entity::find().order_by_asc(entity::event::Column::Sequence);
    let rows = query.all(world.app.db.read()).await.unwrap().into_iter();
    let topics = rows.map(|row| row.topic).filter(|topic| topic.is_operational());
    topics.map(|topic| topic.as_str().to_owned()).collect()
}

#[tokio::test]
async fn a_receiver_that_is_dead_for_five_days_is_warned_of_and_then_switched_off() {
    let world = World::new().await;
    let (dead, watch) = (Told::to_answer(500).await, Receiver::ok().await);
    let url = format!("{}?token=hidden", dead.receiver.url());
    let failing = world.webhook(&url).await;
    watcher(&world, &watch, &[WebhookDisabled, WebhookFailing, WebhookRecovered]).await;
    hours(&world, 12).await;
    assert_eq!(actions(&watch), ["WEBHOOK_FAILING"], "once, early");
    assert_eq!(shown(&world, &failing).await.status, WebhookStatus::Active);
    let world = world.restart().await;
    hours(&world, 4 * 24).await;
    assert_eq!(actions(&watch).len(), 1);
    assert_eq!(
        shown(&world, &failing).await.status,
        WebhookStatus::Active,
        "after four days and a half"
    );
    hours(&world, 14).await;
    assert_eq!(actions(&watch), ["WEBHOOK_FAILING", "WEBHOOK_DISABLED"]);
    let row = shown(&world, &failing).await;
    assert_eq!(row.status, WebhookStatus::Revoked);
    let reason = row.status_reason.unwrap();
    assert!(reason.starts_with("nothing got through for 5 days, in "), "{reason}");
    assert!(
        reason.ends_with("attempts; last: the receiver answered 500"),
        "{reason}"
    );
    let bodies = told(&watch);
    assert_eq!(bodies[1]["webhook"]["id"], failing.id.to_string());
    assert_eq!(
        (&bodies[1]["webhook"]["status"], &bodies[0]["webhook"]["status"]),
        (&"REVOKED".into(), &"ACTIVE".into())
    );
    assert_eq!(bodies[1]["webhook"]["statusReason"], reason);
    assert!(bodies[1]["counts"]["consecutiveFailures"].as_i64().unwrap() >= 50);
    for body in bodies.iter().map(Value::to_string) {
        assert!(
            body.contains("/hook?***") && !body.contains("hidden") && !body.contains(SECRET),
            "{body}"
        );
    }
    let sent = dead.count();
    hours(&world, 24).await;
    assert_eq!(dead.count(), sent, "nothing is sent any more");
    dead.answers(200);
    let status = Some(WebhookStatus::Active);
    change(
        &world,
        &failing,
        Patch {
            status,
            ..Patch::default()
        },
    )
    .await;
    let health = fares(&world, &failing).await;
    assert_eq!(
        (
            health.failures,
            health.warned_at,
            shown(&world, &failing).await.status_reason
        ),
        (0, None, None)
    );
    world.deliver().await;
    assert!(dead.count() > sent, "what was queued goes on");
    assert_eq!(
        operational(&world).await,
        ["WEBHOOK_FAILING", "WEBHOOK_DISABLED"],
        "people made it work"
    );
}

#[tokio::test]
async fn switching_off_can_be_turned_off() {
    let world = World::new().await;
    let dead = Told::to_answer(500).await;
    let failing = world
        .webhook_with(&dead.receiver.url(), |new| new.settings.auto_disable = Some(false))
        .await;
    hours(&world, 6 * 24).await;
    assert_eq!(shown(&world, &failing).await.status, WebhookStatus::Active);
    assert_eq!(operational(&world).await, ["WEBHOOK_FAILING"]);
    change(
        &world,
        &failing,
        Settings {
            auto_disable: Some(true),
            ..Settings::default()
        }
        .into(),
    )
    .await;
    hours(&world, 1).await;
    assert_eq!(shown(&world, &failing).await.status, WebhookStatus::Revoked);
}

#[tokio::test]
async fn one_success_starts_the_clock_again_and_is_told() {
    let world = World::new().await;
    let (told_to, watch) = (Told::to_answer(500).await, Receiver::ok().await);
    let failing = world.webhook(&told_to.receiver.url()).await;
    watcher(&world, &watch, &WATCHED).await;
    hours(&world, 4 * 24).await;
    told_to.answers(200);
    hours(&world, 2).await;
    told_to.answers(500);
    hours(&world, 4 * 24).await;
    assert_eq!(shown(&world, &failing).await.status, WebhookStatus::Active);
    let of_webhook: Vec<String> = operational(&world).await;
    let of_webhook: Vec<&str> = of_webhook
        .iter()
        .map(String::as_str)
        .filter(|topic| *topic != "NOTIFICATION_FAILED")
        .collect();
    assert_eq!(of_webhook, ["WEBHOOK_FAILING", "WEBHOOK_RECOVERED", "WEBHOOK_FAILING"]);
    hours(&world, 25).await;
    assert_eq!(shown(&world, &failing).await.status, WebhookStatus::Revoked);
}

#[tokio::test]
async fn webhooks_that_watch_each_other_cause_each_other_nothing() {
    let world = World::new().await;
    let (one, other) = (Told::to_answer(500).await, Told::to_answer(500).await);
    let all = [&[LabelCreated][..], &WATCHED].concat();
    let quick = |new: &mut New| {
        new.settings.topics = Some(all.clone());
        new.settings.retry = retry(2, 20 * SECOND);
    };
    world.webhook_with(&one.receiver.url(), quick).await;
    world.webhook_with(&other.receiver.url(), quick).await;
    hours(&world, 20).await;
    for _ in 0..500 {
        world.after(HOUR).await;
    }
    let told = operational(&world).await;
    let count = |topic: &str| told.iter().filter(|one| *one == topic).count();
    assert_eq!(count("NOTIFICATION_FAILED"), 40, "one for each label event and webhook");
    assert_eq!((count("WEBHOOK_FAILING"), count("WEBHOOK_RECOVERED")), (2, 0));
    let failed = world.status_count(Failed).await;
    assert_eq!(failed, world.notifications().await.len(), "everything came to its end");
    assert_eq!(failed, 40 + told.len(), "and each was told to the other alone");
}

#[tokio::test]
async fn a_watcher_that_gets_nothing_else_is_never_warned_of_nor_switched_off() {
    let world = World::new().await;
    let (dead, watch) = (Told::to_answer(500).await, Told::to_answer(500).await);
    world
        .webhook_with(&dead.receiver.url(), |new| new.settings.retry = retry(1, SECOND))
        .await;
    let watching = watcher(&world, &watch.receiver, &WATCHED).await;
    hours(&world, 7 * 24).await;
    assert!(watch.count() > 50, "{}", watch.count());
    let health = fares(&world, &watching).await;
    assert_eq!((health.failures, health.warned_at), (0, None));
    assert!(health.last_failure_at.is_some(), "and yet it shows");
    assert_eq!(shown(&world, &watching).await.status, WebhookStatus::Active);
}

#[tokio::test]
async fn a_notification_that_is_given_up_is_told_to_those_who_may_know() {
    let world = World::new().await;
    let dead = Told::to_answer(418).await;
    let (own, foreign, of_all) = (Receiver::ok().await, Receiver::ok().await, Receiver::ok().await);
    let (here, there) = (world.annotated().await, world.annotated().await);
    let failing = world
        .webhook_with(&dead.receiver.url(), |new| {
            new.project_id = Some(here.project.id.to_string());
            new.settings.retry = retry(1, SECOND);
        })
        .await;
    for (receiver, project) in [(&own, Some(&here)), (&foreign, Some(&there)), (&of_all, None)] {
        world
            .webhook_with(&receiver.url(), |new| {
                new.settings.topics = Some(vec![NotificationFailed]);
                new.project_id = project.map(|label| label.project.id.to_string());
            })
            .await;
    }
    let event = world.publish(&here).await;
    world.deliver().await;
    assert_eq!((own.count(), foreign.count(), of_all.count()), (1, 0, 1));
    let body = &told(&of_all)[0];
    assert_eq!(body["action"], "NOTIFICATION_FAILED");
    assert_eq!(body["webhook"]["id"], failing.id.to_string());
    assert_eq!(body["webhook"]["project"]["name"], "Trees");
    assert_eq!(body["notification"]["eventId"], event.id.to_string());
    assert_eq!(body["notification"]["topic"], "LABEL_CREATED");
    assert_eq!(
        (&body["notification"]["attempts"], &body["notification"]["responseCode"]),
        (&1.into(), &418.into())
    );
    assert_eq!(body["reason"], "the receiver answered 418");
    assert_eq!(of_all.requests()[0].headers["x-labelbox-event"], "NOTIFICATION_FAILED");
}

#[tokio::test]
async fn nobody_wants_to_know_and_nothing_is_told() {
    let world = World::new().await;
    let dead = Told::to_answer(500).await;
    world
        .webhook_with(&dead.receiver.url(), |new| new.settings.retry = retry(1, SECOND))
        .await;
    publish(&world, 3).await;
    world.deliver().await;
    assert_eq!(operational(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_of() {
    let world = World::new().await;
    let (gone, watch) = (Told::to_answer(410).await, Receiver::ok().await);
    let failing = world.webhook(&gone.receiver.url()).await;
    watcher(&world, &watch, &[WebhookDisabled]).await;
    publish(&world, 1).await;
    world.deliver().await;
    assert_eq!(shown(&world, &failing).await.status, WebhookStatus::Revoked);
    let bodies = told(&watch);
    assert_eq!(
        (bodies.len(), &bodies[0]["reason"]),
        (1, &"the receiver answered 410 Gone".into())
    );
}
