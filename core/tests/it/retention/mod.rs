//! Tests on both databases that old rows are removed, and that rows which are still needed are not.

mod answers;
mod weeks;

use crate::{
    support::{Annotated, Receiver, Response, World, invalid},
    workflow::support::{Flow, labelled_then_sent, sent_first},
};
use entity::{NotificationStatus::*, Ordering, Role, TaskStatus, WebhookStatus, organization as organizations};
use labelhook_core::{
    Error, Result, background, notification,
    organization::{self, Patch},
    webhook,
};
use std::time::Duration;

pub const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Moves the clock by this many days and removes the rows that are old by then.
pub async fn days_later(world: &World, days: u32) {
    world.clock.advance(DAY * days);
    background::retention::run_until_idle(&world.app).await.unwrap();
}

/// Returns the numbers of events, payloads, notifications and attempts.
pub async fn counts(world: &World) -> [i64; 4] {
    let mut counts = [0; 4];
    for (count, table) in counts.iter_mut().zip(["event", "payload", "notification", "attempt"]) {
        *count = world.number(&format!("SELECT count(*) FROM {table}")).await;
    }
    counts
}

/// Returns whether no remaining row refers to a removed one.
pub async fn is_whole(world: &World) -> bool {
    let orphans = "SELECT (SELECT count(*) FROM notification n WHERE NOT EXISTS \
             (SELECT 1 FROM event e WHERE e.id = n.event_id) OR NOT EXISTS (SELECT 1 FROM payload p WHERE p.id = n.payload_id)) \
         + (SELECT count(*) FROM payload p WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.id = p.event_id)) \
         + (SELECT count(*) FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM notification n WHERE n.id = a.notification_id)) \
         + 0";
    world.number(orphans).await == 0
}

async fn delivered(world: &World, change: &Annotated) {
    world.publish(change).await;
    world.deliver().await;
}

async fn keep_for(world: &World, days: Option<i32>) -> Result<organizations::Model> {
    let patch = Patch {
        retention_days: Some(days),
    };
    organization::update(&world.app, &world.owner, patch).await
}

#[tokio::test]
async fn what_is_old_goes_and_what_is_recent_stays() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    delivered(&world, &change).await;
    days_later(&world, 29).await;
    assert_eq!(counts(&world).await, [1; 4]);
    delivered(&world, &change).await;
    let recent = world.notifications().await.pop().unwrap();
    days_later(&world, 9).await;
    assert_eq!(counts(&world).await, [1; 4]);
    assert_eq!(world.notification().await.id, recent.id);
    days_later(&world, 30).await;
    assert_eq!(counts(&world).await, [0; 4]);
}

#[tokio::test]
async fn many_rows_go_in_steps_and_events_without_a_webhook_too() {
    let world = World::new().await;
    let change = world.annotated().await;
    for _ in 0..300 {
        world.publish(&change).await;
    }
    assert_eq!(counts(&world).await, [300, 0, 0, 0]);
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    for _ in 0..300 {
        world.publish(&change).await;
    }
    world.deliver().await;
    assert_eq!(counts(&world).await, [600, 300, 300, 300]);
    days_later(&world, 38).await;
    assert_eq!(counts(&world).await, [0; 4]);
}

#[tokio::test]
async fn a_removal_that_was_broken_off_goes_on_after_a_restart() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    for _ in 0..300 {
        world.publish(&change).await;
    }
    world.deliver().await;
    world.clock.advance(DAY * 38);
    {
        let mut pass = Box::pin(background::retention::run_until_idle(&world.app));
        for _ in 0..40 {
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(pass.as_mut().poll(cx)));
            if polled.await.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    assert!(is_whole(&world).await);
    let world = world.restart().await;
    assert!(is_whole(&world).await);
    days_later(&world, 0).await;
    assert_eq!(counts(&world).await, [0; 4]);
}

#[tokio::test]
async fn what_is_not_over_stays_until_it_is() {
    for ordering in [Ordering::None, Ordering::Strict] {
        let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 500 } else { 200 })).await;
        let world = World::present().await;
        world
            .webhook_with(&receiver.url(), |new| {
                (new.settings.ordering, new.settings.max_in_flight) = (Some(ordering), Some(1));
            })
            .await;
        let change = world.annotated().await;
        world.publish(&change).await;
        world.deliver().await;
        if ordering == Ordering::Strict {
            world.publish(&change).await;
        }
        let before = counts(&world).await;
        days_later(&world, 45).await;
        assert_eq!(counts(&world).await, before, "{ordering:?}");
        assert!(is_whole(&world).await);
        world.deliver().await;
        let rows = world.notifications().await;
        assert!(rows.iter().all(|row| row.status == Succeeded), "{rows:#?}");
        let requests = receiver.requests();
        assert_eq!(requests[0].body, requests[1].body, "the same bytes");
        days_later(&world, 45).await;
        assert_eq!(counts(&world).await, [0; 4]);
    }
}

#[tokio::test]
async fn what_a_switched_off_webhook_has_queued_stays() {
    let (world, receiver) = (World::present().await, Receiver::ok().await);
    let row = world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    world.publish(&change).await;
    let set = async |status| {
        let patch = webhook::Patch {
            status: Some(status),
            ..webhook::Patch::default()
        };
        webhook::update(&world.app, &world.owner, &row.id.to_string(), patch)
            .await
            .unwrap()
    };
    set(WebhookStatus::Inactive).await;
    world.deliver().await;
    days_later(&world, 100).await;
    assert_eq!(counts(&world).await, [1, 1, 1, 0]);
    set(WebhookStatus::Active).await;
    world.deliver().await;
    assert_eq!(receiver.count(), 1);
    days_later(&world, 38).await;
    assert_eq!(counts(&world).await, [0; 4]);
}

#[tokio::test]
async fn a_redelivery_keeps_its_event_and_its_bytes() {
    let (world, receiver) = (World::present().await, Receiver::ok().await);
    world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    delivered(&world, &change).await;
    let old = world.notification().await;
    days_later(&world, 25).await;
    let new = notification::redeliver(&world.app, &world.owner, &old.id.to_string())
        .await
        .unwrap();
    world.deliver().await;
    days_later(&world, 15).await;
    assert_eq!(counts(&world).await, [1; 4]);
    assert_eq!(world.notification().await.id, new.id);
    let event = labelhook_core::event::log::get(&world.app, &world.owner, &new.event_id.to_string()).await;
    assert_eq!(event.unwrap().id, old.event_id);
    notification::redeliver(&world.app, &world.owner, &new.id.to_string())
        .await
        .unwrap();
    world.deliver().await;
    assert_eq!(receiver.count(), 3);
    assert_eq!(receiver.requests()[0].body, receiver.requests()[2].body);
    days_later(&world, 60).await;
    assert_eq!(counts(&world).await, [0; 4]);
}

#[tokio::test]
async fn what_is_sent_again_while_it_is_removed_is_whole() {
    let (world, receiver) = (World::present().await, Receiver::ok().await);
    world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    for _ in 0..60 {
        world.publish(&change).await;
    }
    world.deliver().await;
    world.clock.advance(DAY * 45);
    let old = world.notifications().await;
    let again = async {
        let mut sent = 0;
        for row in &old {
            match notification::redeliver(&world.app, &world.owner, &row.id.to_string()).await {
                Ok(_) => sent += 1,
                Err(Error::NotFound { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        sent
    };
    let (sent, removed) = tokio::join!(again, background::retention::run_until_idle(&world.app));
    removed.unwrap();
    assert!(is_whole(&world).await);
    world.deliver().await;
    assert_eq!(receiver.count(), 60 + sent);
}

#[tokio::test]
async fn what_a_task_needs_stays_for_as_long_as_it_does() {
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 410 } else { 200 })).await;
    let world = World::present().await;
    let flow = Flow::new(&world, labelled_then_sent(&receiver.url())).await;
    let task = flow.task().await;
    flow.submit(&task).await.unwrap();
    world.deliver().await;
    assert_eq!(flow.place(&task).await, ("Hook".into(), TaskStatus::Held));
    days_later(&world, 100).await;
    assert!(is_whole(&world).await);
    let held = flow.now(&task).await.notification_id.unwrap();
    notification::redeliver(&world.app, &world.owner, &held.to_string())
        .await
        .unwrap();
    world.deliver().await;
    assert_ne!(flow.place(&task).await.0, "Hook");
    days_later(&world, 100).await;
    assert_eq!(counts(&world).await, [0; 4]);
}

#[tokio::test]
async fn a_task_that_waits_to_be_assigned_can_be_sent_after_any_time() {
    let (world, receiver) = (World::present().await, Receiver::ok().await);
    let flow = Flow::new(&world, sent_first(&receiver.url())).await;
    let task = flow.task().await;
    days_later(&world, 100).await;
    let worker = world.actor(Role::Worker).await;
    let given = flow
        .assign(&world.owner, &Flow::only(&[&task]), &worker, Some("Hook"))
        .await;
    given.unwrap();
    world.deliver().await;
    assert_eq!((receiver.count(), flow.place(&task).await.0), (1, "Label".into()));
}

#[tokio::test]
async fn an_organization_keeps_for_as_long_as_it_says() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    let row = keep_for(&world, Some(60)).await.unwrap();
    assert_eq!(row.retention_days, Some(60));
    delivered(&world, &change).await;
    days_later(&world, 59).await;
    assert_eq!(counts(&world).await, [1; 4]);
    // Another organization keeps its log for longer, so that on PostgreSQL this one's rows are removed when they are
    // due and not together with their week's partition.
    crate::support::organization(&world.app).await;
    keep_for(&world, Some(2)).await.unwrap();
    days_later(&world, 0).await;
    assert_eq!(counts(&world).await, [0; 4]);
    delivered(&world, &change).await;
    days_later(&world, 1).await;
    assert_eq!(counts(&world).await, [1; 4]);
    keep_for(&world, None).await.unwrap();
    days_later(&world, 10).await;
    assert_eq!(counts(&world).await, [1; 4], "as long as the installation says");
}

#[tokio::test]
async fn who_may_say_how_long_is_checked_and_so_is_what_they_say() {
    let world = World::new().await;
    for days in [0, -1, 3_651] {
        let refused = invalid(keep_for(&world, Some(days)).await.unwrap_err());
        assert_eq!(refused, ("retentionDays".into(), "must be from 1 to 3650".into()));
    }
    for (role, may) in [
        (Role::Owner, true),
        (Role::Admin, true),
        (Role::WorkforceManager, false),
        (Role::User, false),
        (Role::Worker, false),
    ] {
        let actor = world.actor(role).await;
        let done = organization::update(&world.app, &actor, Patch::default()).await;
        assert_eq!(done.is_ok(), may, "{role:?}: {done:?}");
        let limited = crate::support::limited(&actor, []);
        let done = organization::update(&world.app, &limited, Patch::default()).await;
        assert!(matches!(done, Err(Error::Forbidden(_))), "{role:?}: {done:?}");
    }
}

#[tokio::test]
async fn statistics_outlive_what_they_count() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    delivered(&world, &change).await;
    days_later(&world, 399).await;
    assert_eq!(counts(&world).await, [0; 4]);
    assert!(world.number("SELECT count(*) FROM tally").await > 0);
    delivered(&world, &change).await;
    days_later(&world, 2).await;
    let (old, recent) = ("hour < 491900", "hour >= 491900");
    assert_eq!(
        world.number(&format!("SELECT count(*) FROM tally WHERE {old}")).await,
        0
    );
    assert!(
        world
            .number(&format!("SELECT count(*) FROM tally WHERE {recent}"))
            .await
            > 0
    );
}
