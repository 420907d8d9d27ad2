//! Tests that ordered webhooks keep their order: over retries, with a window that is too small, and across restarts.

use super::*;
use crate::support::Annotated;
use entity::{
    NotificationStatus::{self, *},
    Ordering, WaitReason,
};
use labelhook_core::{
    notification::{self, waiting},
    queue::lanes::Window,
};

async fn ordered(world: &World, receiver: &Receiver, ordering: Ordering, retry: Retry) -> webhooks::Model {
    world
        .webhook_with(&receiver.url(), |new| {
            new.settings.ordering = Some(ordering);
            new.settings.retry = retry;
        })
        .await
}

/// Publishes the labels and returns the ids of their events as receivers see them.
async fn events(world: &World, labels: &[&Annotated]) -> Vec<String> {
    let mut ids = Vec::new();
    for label in labels {
        ids.push(world.publish(label).await.id.to_string());
    }
    ids
}

fn came(receiver: &Receiver) -> Vec<String> {
    let id = |request: crate::support::Request| request.headers["webhook-id"].clone();
    receiver.requests().into_iter().map(id).collect()
}

async fn statuses(world: &World) -> Vec<NotificationStatus> {
    world.notifications().await.iter().map(|row| row.status).collect()
}

fn failing_at(number: usize) -> impl Fn(usize, &crate::support::Request) -> Response {
    move |count, _| Response::status(if count == number { 500 } else { 200 })
}

#[tokio::test]
async fn with_strict_order_the_next_waits_until_the_one_before_has_succeeded() {
    let world = World::new().await;
    let receiver = Receiver::new(failing_at(1)).await;
    let webhook = ordered(&world, &receiver, Ordering::Strict, retry(3, 60 * SECOND)).await;
    let label = world.annotated().await;
    let ids = events(&world, &[&label; 4]).await;
    world.deliver().await;
    assert_eq!(came(&receiver), ids[..2]);
    assert_eq!(statuses(&world).await, [Succeeded, Retrying, Pending, Pending]);
    let rows = world.notifications().await;
    assert_eq!((rows[2].attempt_count, rows[2].due_at), (0, None));
    assert_eq!(
        waiting::wait_reason(&world.app, &rows[2], &webhook),
        Some(WaitReason::Ordering)
    );
    assert_eq!(
        waiting::wait_reason(&world.app, &rows[1], &webhook),
        Some(WaitReason::Retry)
    );
    let waiting = fares(&world, &webhook).await.waiting;
    assert_eq!((waiting.count, waiting.reason), (2, Some(WaitReason::Ordering)));
    world.after(59 * SECOND).await;
    assert_eq!(receiver.count(), 2);
    world.after(SECOND).await;
    assert_eq!(
        came(&receiver),
        [&ids[0], &ids[1], &ids[1], &ids[2], &ids[3]].map(String::clone)
    );
    assert_eq!(statuses(&world).await, [Succeeded; 4]);
    let left = "SELECT count(*) FROM notification WHERE order_key IS NOT NULL";
    assert_eq!(world.number(left).await, 0);
    assert!(world.app.dispatcher.is_idle());
}

#[tokio::test]
async fn what_is_given_up_lets_the_next_go() {
    let world = World::new().await;
    let receiver = Receiver::new(failing_at(0)).await;
    ordered(&world, &receiver, Ordering::Strict, retry(1, SECOND)).await;
    let label = world.annotated().await;
    events(&world, &[&label; 3]).await;
    world.deliver().await;
    assert_eq!(statuses(&world).await, [Failed, Succeeded, Succeeded]);
}

#[tokio::test]
async fn with_order_by_data_row_other_data_rows_go_on() {
    let world = World::new().await;
    let receiver = Receiver::new(failing_at(0)).await;
    ordered(&world, &receiver, Ordering::PerDataRow, retry(3, 60 * SECOND)).await;
    let (one, other) = (world.annotated().await, world.annotated().await);
    let ids = events(&world, &[&one, &other, &one, &other]).await;
    world
        .publish_as(one.reviewed(1.0), labelhook_core::event::Change::Created)
        .await;
    world.deliver().await;
    let failed = statuses(&world)
        .await
        .iter()
        .position(|status| *status == Retrying)
        .unwrap();
    let expected = match failed {
        0 => [Retrying, Succeeded, Pending, Succeeded, Pending],
        _ => [Succeeded, Retrying, Succeeded, Pending, Succeeded],
    };
    assert_eq!(statuses(&world).await, expected);
    world.after(60 * SECOND).await;
    assert_eq!(statuses(&world).await, [Succeeded; 5]);
    let came = came(&receiver);
    let place = |id: &String| came.iter().rposition(|other| other == id).unwrap();
    assert!(place(&ids[0]) < place(&ids[2]) && place(&ids[1]) < place(&ids[3]));
}

#[tokio::test]
async fn an_order_holds_over_restarts_and_over_a_window_that_is_too_small() {
    for ordering in [Ordering::Strict, Ordering::PerDataRow] {
        let mut world = World::with(Window { total: 4, lane: 2 }).await;
        // Every third request fails.
        let receiver = Receiver::new(|number, _| Response::status(if number % 3 == 0 { 500 } else { 200 })).await;
        ordered(&world, &receiver, ordering, retry(50, SECOND)).await;
        let labels = [
            world.annotated().await,
            world.annotated().await,
            world.annotated().await,
        ];
        let mut ids = Vec::new();
        for round in 0..12 {
            ids.push(events(&world, &labels.each_ref()).await);
            if round % 4 == 1 {
                world = world.restart().await;
            }
            if round % 2 == 1 {
                world.after(SECOND).await;
            }
        }
        for _ in 0..60 {
            world.after(SECOND).await;
        }
        assert_eq!(world.status_count(Succeeded).await, 36, "{ordering:?}");
        let came = came(&receiver);
        let first = |id: &String| came.iter().position(|other| other == id).unwrap();
        let last = |id: &String| came.iter().rposition(|other| other == id).unwrap();
        for row in 0..labels.len() {
            for pair in ids.windows(2) {
                assert!(
                    last(&pair[0][row]) < first(&pair[1][row]),
                    "{ordering:?}, data row {row}"
                );
            }
        }
        if ordering == Ordering::Strict {
            let all = ids.concat();
            let mut once = came.clone();
            once.dedup();
            assert_eq!(once, all);
        }
    }
}

#[tokio::test]
async fn a_canceled_one_lets_the_next_go_and_a_redelivery_is_last() {
    let world = World::new().await;
    let told = Told::to_answer(500).await;
    ordered(&world, &told.receiver, Ordering::Strict, retry(5, HOUR)).await;
    let label = world.annotated().await;
    let ids = events(&world, &[&label; 3]).await;
    world.deliver().await;
    let rows = world.notifications().await;
    told.answers(200);
    let id = |index: usize| rows[index].id.to_string();
    notification::redeliver(&world.app, &world.owner, &id(0)).await.unwrap();
    notification::cancel(&world.app, &world.owner, &id(2)).await.unwrap();
    world.deliver().await;
    assert_eq!(told.count(), 1, "the first is not over");
    notification::cancel(&world.app, &world.owner, &id(0)).await.unwrap();
    world.deliver().await;
    assert_eq!(statuses(&world).await, [Canceled, Succeeded, Canceled, Succeeded]);
    let again = [&ids[0], &ids[1], &ids[0]].map(String::clone);
    assert_eq!(came(&told.receiver), again);
}

#[tokio::test]
async fn a_changed_order_holds_for_what_waits() {
    let world = World::new().await;
    let told = Told::to_answer(500).await;
    let webhook = ordered(&world, &told.receiver, Ordering::None, retry(5, HOUR)).await;
    let (one, other) = (world.annotated().await, world.annotated().await);
    let reorder = async |ordering: Ordering| {
        let ordering = Some(ordering);
        change(
            &world,
            &webhook,
            Settings {
                ordering,
                ..Settings::default()
            }
            .into(),
        )
        .await;
        world.deliver().await;
        told.count()
    };
    events(&world, &[&one, &other, &one, &other]).await;
    world.deliver().await;
    assert_eq!(told.count(), 4, "without an order");
    world.clock.advance(HOUR);
    assert_eq!(reorder(Ordering::Strict).await, 5, "one retry");
    world.clock.advance(HOUR);
    assert_eq!(reorder(Ordering::PerDataRow).await, 7, "one of each");
    told.answers(200);
    assert_eq!(reorder(Ordering::None).await, 9, "the others do not wait any more");
    world.after(HOUR).await;
    assert_eq!(statuses(&world).await, [Succeeded; 4]);
}

#[tokio::test]
async fn a_test_does_not_wait_for_its_turn() {
    let world = World::new().await;
    let told = Told::to_answer(500).await;
    let webhook = ordered(&world, &told.receiver, Ordering::Strict, retry(5, HOUR)).await;
    publish(&world, 2).await;
    world.deliver().await;
    told.answers(200);
    let app = world.app.clone();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(labelhook_core::dispatcher::run(app, shutdown.clone()));
    let ping = notification::ping(&world.app, &world.owner, &webhook.id.to_string())
        .await
        .unwrap();
    assert_eq!((ping.status, told.count()), (Succeeded, 2));
    shutdown.cancel();
    running.await.unwrap();
}
