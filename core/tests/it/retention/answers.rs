//! Tests of requests that refer to removed rows: an id is not found, a cursor is reported as too old, and a replay
//! sends what is left.

use super::{DAY, counts, days_later, delivered, is_whole};
use crate::support::{Receiver, World, invalid};
use entity::ReplayStatus;
use labelhook_core::{
    Error,
    background::replays,
    event,
    live::{self, Position},
    notification::{self, Filter},
    replay::{self, Start},
};

#[tokio::test]
async fn what_was_removed_is_not_found() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    delivered(&world, &change).await;
    let old = world.notification().await;
    days_later(&world, 38).await;
    let (app, owner, id) = (&world.app, &world.owner, old.id.to_string());
    assert!(matches!(
        notification::get(app, owner, &id).await,
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        notification::redeliver(app, owner, &id).await,
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        notification::cancel(app, owner, &id).await,
        Err(Error::NotFound { .. })
    ));
    let event_id = old.event_id.to_string();
    assert!(matches!(
        event::log::get(app, owner, &event_id).await,
        Err(Error::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_place_before_what_is_kept_says_so() {
    let (world, receiver) = (World::present().await, Receiver::ok().await);
    world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    let event = world.publish(&change).await;
    world.deliver().await;
    let row = world.notification().await;
    let refused = async || {
        let (app, owner) = (&world.app, &world.owner);
        let place = |sequence, id| Some(Position { sequence, id });
        let events = live::events(app, owner, event::Filter::default(), place(event.sequence, event.id.0)).await;
        let all = Filter::default();
        let notifications = live::notifications(app, owner, all, place(row.sequence, row.id.0)).await;
        [events.err().map(invalid), notifications.err().map(invalid)]
    };
    assert_eq!(refused().await, [None, None]);
    days_later(&world, 45).await;
    for answer in refused().await {
        assert_eq!(answer, Some(("after".into(), "is older than what is kept".into())));
    }
    world.publish(&change).await;
    for answer in refused().await {
        let (field, reason) = answer.unwrap();
        assert_eq!(field, "after");
        assert!(
            reason.starts_with("is older than what is kept: the log goes back to "),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn a_replay_over_a_range_that_is_partly_gone_sends_what_there_is() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let row = world.webhook(&receiver.url()).await;
    let change = world.annotated().await;
    delivered(&world, &change).await;
    world.clock.advance(DAY * 29);
    delivered(&world, &change).await;
    days_later(&world, 9).await;
    assert_eq!(counts(&world).await, [1; 4]);
    let first = replay::start(
        &world.app,
        &world.owner,
        Start {
            filter: Filter::of_webhook(row.id, None),
            ..Start::default()
        },
    );
    let first = first.await.unwrap();
    while replays::run_until_idle(&world.app).await.unwrap() {
        world.deliver().await;
    }
    let first = replay::get(&world.app, &world.owner, &first.id.to_string())
        .await
        .unwrap();
    assert_eq!(
        (first.status, first.total, first.skipped),
        (ReplayStatus::Succeeded, 1, 0)
    );
    assert_eq!(receiver.count(), 3);
    // Everything that this replay matches is removed before its first step.
    let second = replay::start(
        &world.app,
        &world.owner,
        Start {
            filter: Filter::of_webhook(row.id, None),
            ..Start::default()
        },
    );
    let second = second.await.unwrap();
    days_later(&world, 60).await;
    while replays::run_until_idle(&world.app).await.unwrap() {
        world.deliver().await;
    }
    let second = replay::get(&world.app, &world.owner, &second.id.to_string())
        .await
        .unwrap();
    assert_eq!((second.status, second.done), (ReplayStatus::Succeeded, second.total));
    assert_eq!(receiver.count(), 3);
    assert!(is_whole(&world).await);
}
