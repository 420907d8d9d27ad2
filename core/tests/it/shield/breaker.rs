//! A webhook that fails is left alone, holds nothing in memory, and is tried again by one request at a time.

use super::*;
use crate::support::START;
use entity::{BreakerState, NotificationStatus::*, WaitReason, WebhookStatus};
use labelhook_core::{
    notification::{self, waiting},
    queue::lanes::Window,
};

#[tokio::test]
async fn a_dead_receiver_is_left_alone_while_everybody_else_is_served() {
    let world = World::with(Window { total: 16, lane: 4 }).await;
    let (dead, alive) = (Told::to_answer(500).await, Receiver::ok().await);
    let failing = world.webhook(&dead.receiver.url()).await;
    world.webhook(&alive.url()).await;
    publish(&world, 60).await;
    world.deliver().await;
    assert_eq!(alive.count(), 60);
    let sent = dead.count();
    assert!((10..=14).contains(&sent), "{sent} until the breaker opened");
    assert!(world.app.dispatcher.is_idle(), "the window is free for others");
    assert_eq!(world.status_count(Sending).await, 0);
    let attempts = world.number("SELECT sum(attempt_count) FROM notification").await;
    assert_eq!(usize::try_from(attempts).unwrap(), 60 + sent, "waiting spends nothing");
    let health = fares(&world, &failing).await;
    assert_eq!((health.breaker, health.since), (BreakerState::Open, START));
    assert_eq!(health.next_probe_at, Some(START.plus(30 * SECOND)));
    assert_eq!(usize::try_from(health.failures).unwrap(), sent);
    assert_eq!(health.last_failure.as_deref(), Some("the receiver answered 500"));
    assert_eq!(health.waiting.reason, Some(WaitReason::Breaker));
    assert_eq!(usize::try_from(health.waiting.count).unwrap(), 60 - sent);
    world.after(29 * SECOND).await;
    assert_eq!(dead.count(), sent);
    world.after(SECOND).await;
    assert_eq!(dead.count(), sent + 1, "one request is let through");
    world.after(59 * SECOND).await;
    assert_eq!(dead.count(), sent + 1);
    world.after(SECOND).await;
    assert_eq!(dead.count(), sent + 2, "and the next one twice as late");
    assert_eq!(fares(&world, &failing).await.since, START, "it is open all the time");
}

#[tokio::test]
async fn a_notification_says_what_it_waits_for_and_until_when() {
    let world = World::new().await;
    let dead = Told::to_answer(500).await;
    let failing = world
        .webhook_with(&dead.receiver.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    publish(&world, 12).await;
    world.deliver().await;
    assert_eq!(dead.count(), 10);
    let rows = world.notifications().await;
    for (row, reason) in [(&rows[11], WaitReason::Breaker), (&rows[0], WaitReason::Breaker)] {
        let row = notification::get(&world.app, &world.owner, &row.id.to_string())
            .await
            .unwrap();
        assert_eq!(waiting::wait_reason(&world.app, &row, &failing), Some(reason));
        assert_eq!(waiting::wait_until(&world.app, &row), Some(START.plus(30 * SECOND)));
    }
    assert_eq!((rows[11].status, rows[11].attempt_count), (Pending, 0));
    assert_eq!((rows[0].status, rows[0].attempt_count), (Retrying, 1));
}

#[tokio::test]
async fn one_success_closes_the_breaker_and_what_waited_goes() {
    let world = World::new().await;
    let told = Told::to_answer(503).await;
    let webhook = world
        .webhook_with(&told.receiver.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    publish(&world, 30).await;
    world.deliver().await;
    assert_eq!(told.count(), 10);
    told.answers(200);
    world.after(30 * SECOND).await;
    assert_eq!(told.count(), 10 + 30);
    let health = fares(&world, &webhook).await;
    let now = START.plus(30 * SECOND);
    assert_eq!((health.breaker, health.since), (BreakerState::Closed, now));
    assert_eq!((health.failures, health.failing_since), (0, None));
    assert_eq!(
        (health.last_success_at, health.last_failure_at),
        (Some(now), Some(START))
    );
    assert_eq!((health.waiting.count, health.waiting.reason), (0, None));
    assert_eq!(world.status_count(Succeeded).await, 30);
}

#[tokio::test]
async fn an_open_breaker_is_open_after_a_restart() {
    let world = World::new().await;
    let told = Told::to_answer(500).await;
    let webhook = world
        .webhook_with(&told.receiver.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    publish(&world, 15).await;
    world.deliver().await;
    world.after(30 * SECOND).await;
    assert_eq!(told.count(), 11);
    let before = fares(&world, &webhook).await;
    let world = world.restart().await;
    world.deliver().await;
    publish(&world, 5).await;
    world.after(59 * SECOND).await;
    assert_eq!(told.count(), 11, "nothing is sent early");
    let after = fares(&world, &webhook).await;
    assert_eq!((after.breaker, after.since), (before.breaker, before.since));
    assert_eq!((after.failures, after.failing_since), (11, before.failing_since));
    assert_eq!(after.next_probe_at, before.next_probe_at);
    told.answers(200);
    world.after(SECOND).await;
    assert_eq!(world.status_count(Succeeded).await, 20);
}

#[tokio::test]
async fn a_receiver_that_asks_to_wait_has_not_failed() {
    let world = World::new().await;
    let receiver = Receiver::new(|_, _| Response::status(429).header("Retry-After", "60")).await;
    let webhook = world.webhook(&receiver.url()).await;
    publish(&world, 50).await;
    world.deliver().await;
    assert_eq!(receiver.count(), 50);
    let health = fares(&world, &webhook).await;
    assert_eq!((health.breaker, health.failures), (BreakerState::Closed, 0));
    assert_eq!(world.number("SELECT count(*) FROM webhook_health").await, 0);
}

#[tokio::test]
async fn deliveries_that_succeed_write_nothing_of_how_a_webhook_fares() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let webhook = world.webhook(&receiver.url()).await;
    publish(&world, 20).await;
    world.deliver().await;
    assert_eq!(world.number("SELECT count(*) FROM webhook_health").await, 0);
    assert_eq!(fares(&world, &webhook).await.last_success_at, Some(START));
    let world = world.restart().await;
    let health = fares(&world, &webhook).await;
    assert_eq!(health.last_success_at, Some(START), "found in the log");
    assert_eq!(
        (health.breaker, health.since),
        (BreakerState::Closed, webhook.created_at)
    );
}

#[tokio::test]
async fn switching_on_again_or_another_url_begins_anew() {
    let world = World::new().await;
    let (told, other) = (Told::to_answer(500).await, Receiver::ok().await);
    let webhook = world
        .webhook_with(&told.receiver.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    publish(&world, 15).await;
    world.deliver().await;
    assert_eq!(fares(&world, &webhook).await.breaker, BreakerState::Open);
    for status in [WebhookStatus::Inactive, WebhookStatus::Active] {
        let status = Some(status);
        change(
            &world,
            &webhook,
            Patch {
                status,
                ..Patch::default()
            },
        )
        .await;
    }
    let health = fares(&world, &webhook).await;
    assert_eq!(
        (health.breaker, health.failures, health.last_failure),
        (BreakerState::Closed, 0, None)
    );
    assert_eq!(world.number("SELECT count(*) FROM webhook_health").await, 0);
    world.after(6 * SECOND).await;
    assert_eq!(told.count(), 20, "ten more until it opens again");
    let url = Some(other.url());
    change(
        &world,
        &webhook,
        Settings {
            url,
            ..Settings::default()
        }
        .into(),
    )
    .await;
    world.after(HOUR).await;
    assert_eq!((other.count(), world.status_count(Succeeded).await), (15, 15));
}

#[tokio::test]
async fn what_ends_after_the_breaker_has_opened_neither_closes_it_nor_is_lost() {
    let world = World::new().await;
    let receiver = Receiver::holding_with(500).await;
    let webhook = world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(20))
        .await;
    publish(&world, 40).await;
    let app = world.app.clone();
    let delivering = tokio::spawn(async move { labelhook_core::dispatcher::run_until_idle(&app).await });
    receiver.until(20).await;
    receiver.release(1000);
    delivering.await.unwrap().unwrap();
    // The first nine that ended were followed by another each.
    let sent = receiver.count();
    assert!((20..=29).contains(&sent), "{sent}");
    assert!(world.app.dispatcher.is_idle());
    let waiting = (world.status_count(Retrying).await, world.status_count(Pending).await);
    assert_eq!(waiting, (sent, 40 - sent));
    assert_eq!(fares(&world, &webhook).await.breaker, BreakerState::Open);
}

#[tokio::test]
async fn a_running_dispatcher_lets_a_request_through_as_soon_as_somebody_tests_the_webhook() {
    let world = World::new().await;
    let told = Told::to_answer(500).await;
    let webhook = world
        .webhook_with(&told.receiver.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    publish(&world, 12).await;
    world.deliver().await;
    told.answers(200);
    let shutdown = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(labelhook_core::dispatcher::run(world.app.clone(), shutdown.clone()));
    let ping = notification::ping(&world.app, &world.owner, &webhook.id.to_string())
        .await
        .unwrap();
    assert_eq!(ping.status, Succeeded);
    assert_eq!(fares(&world, &webhook).await.breaker, BreakerState::Closed);
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_running_dispatcher_wakes_for_the_probe() {
    let world = World::new().await;
    let told = Told::to_answer(500).await;
    world
        .webhook_with(&told.receiver.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    publish(&world, 12).await;
    world.deliver().await;
    // A moment is left until the probe: the dispatcher's own timer counts it.
    world.clock.advance(30 * SECOND - Duration::from_millis(20));
    told.answers(200);
    let shutdown = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(labelhook_core::dispatcher::run(world.app.clone(), shutdown.clone()));
    let clock = world.clock.clone();
    let moves = tokio::spawn(async move {
        tokio::task::yield_now().await;
        clock.advance(Duration::from_millis(20));
    });
    told.receiver.until(12).await;
    moves.await.unwrap();
    shutdown.cancel();
    running.await.unwrap();
}
