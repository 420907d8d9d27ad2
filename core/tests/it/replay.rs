//! Tests of replays: everything that a filter matches is sent again, beside live traffic and across restarts.

use crate::{
    support::{Annotated, Receiver, Response, START, World, invalid, limited},
    workflow::support::{Flow, hook, labelled_then_sent},
};
use entity::{
    NotificationStatus::*, Ordering, PayloadFormat, ReplayStatus, Role, TaskStatus, Timestamp, WebhookStatus,
    WebhookTopic, replay as replays, stage as stages, webhook as webhooks,
};
use labelhook_core::{
    Error, Result, background,
    delivery::limit::Rate,
    dispatcher,
    event::Change,
    notification::{self, Filter},
    replay::{self, Start},
    webhook::{self, Patch, Settings},
};
use sea_orm::EntityTrait;
use std::{collections::BTreeMap, time::Duration};
use tokio_util::sync::CancellationToken;

async fn begin(world: &World, filter: Filter) -> replays::Model {
    let start = Start {
        filter,
        ..Start::default()
    };
    replay::start(&world.app, &world.owner, start).await.unwrap()
}

async fn missed(world: &World, webhook: &webhooks::Model, filter: Filter) -> Result<replays::Model> {
    let start = Start {
        filter,
        missed_by: Some(webhook.id.to_string()),
        ..Start::default()
    };
    replay::start(&world.app, &world.owner, start).await
}

/// Alternates steps of the replays and deliveries until nothing is left.
async fn finish(world: &World) {
    world.deliver().await;
    while background::replays::run_until_idle(&world.app).await.unwrap() {
        world.deliver().await;
    }
}

async fn now(world: &World, row: &replays::Model) -> replays::Model {
    replay::get(&world.app, &world.owner, &row.id.to_string())
        .await
        .unwrap()
}

/// Returns the status of a replay, and the numbers of notifications that it matched, processed and skipped.
fn progress(row: &replays::Model) -> (ReplayStatus, i32, i32, i32) {
    (row.status, row.total, row.done, row.skipped)
}

async fn publish(world: &World, label: &Annotated, count: usize) {
    for _ in 0..count {
        world.publish(label).await;
    }
}

async fn patch(world: &World, webhook: &webhooks::Model, patch: Patch) {
    webhook::update(&world.app, &world.owner, &webhook.id.to_string(), patch)
        .await
        .unwrap();
}

async fn switch(world: &World, webhook: &webhooks::Model, status: WebhookStatus) {
    let status = Some(status);
    patch(
        world,
        webhook,
        Patch {
            status,
            ..Patch::default()
        },
    )
    .await;
}

fn failed() -> Filter {
    Filter {
        statuses: Some(vec![Failed]),
        ..Filter::default()
    }
}

/// Returns the number of requests for each event, by the event's id.
fn arrivals(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for request in receiver.requests() {
        *times.entry(request.headers["webhook-id"].clone()).or_default() += 1;
    }
    times
}

/// Returns a receiver that answers 500 to this many requests and then 200, and its webhook, which makes one attempt.
async fn refusing(world: &World, refusals: usize) -> (Receiver, webhooks::Model) {
    let receiver = Receiver::new(move |number, _| Response::status(if number < refusals { 500 } else { 200 })).await;
    let webhook = world
        .webhook_with(&receiver.url(), |new| {
            new.settings.retry.max_attempts = Some(1);
            new.settings.max_in_flight = Some(1);
        })
        .await;
    (receiver, webhook)
}

#[tokio::test]
async fn all_that_failed_is_sent_again_with_the_same_bytes_and_nothing_else() {
    let world = World::new().await;
    let (receiver, _) = refusing(&world, 3).await;
    let label = world.annotated().await;
    publish(&world, &label, 5).await;
    world.deliver().await;
    let before = world.notifications().await;
    let begun = begin(&world, failed()).await;
    assert_eq!(progress(&begun), (ReplayStatus::Running, 3, 0, 0));
    finish(&world).await;
    assert_eq!(progress(&now(&world, &begun).await), (ReplayStatus::Succeeded, 3, 3, 0));
    let rows = world.notifications().await;
    assert_eq!(rows[..5], before[..], "the old ones stay as they were");
    let repeated: Vec<_> = rows[5..].iter().map(|row| row.redelivery_of).collect();
    assert_eq!(repeated, before[..3].iter().map(|row| Some(row.id)).collect::<Vec<_>>());
    let requests = receiver.requests();
    for (old, new) in requests[..3].iter().zip(&requests[5..]) {
        assert_eq!(
            (&old.body, &old.headers["webhook-id"]),
            (&new.body, &new.headers["webhook-id"])
        );
    }
    assert_eq!(requests.len(), 8);
}

#[tokio::test]
async fn a_replay_of_everything_does_not_match_what_it_sends_itself() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    publish(&world, &label, 150).await;
    world.deliver().await;
    let begun = begin(&world, Filter::default()).await;
    publish(&world, &label, 1).await;
    finish(&world).await;
    assert_eq!(
        progress(&now(&world, &begun).await),
        (ReplayStatus::Succeeded, 150, 150, 0)
    );
    assert_eq!(receiver.count(), 150 + 150 + 1);
    let empty = begin(&world, failed()).await;
    assert_eq!(progress(&empty), (ReplayStatus::Succeeded, 0, 0, 0));
}

#[tokio::test]
async fn what_is_under_way_is_left_out_and_an_event_is_sent_once_however_often_it_matched() {
    let world = World::new().await;
    let (receiver, created) = refusing(&world, 2).await;
    let more = Settings {
        max_in_flight: Some(4),
        ..Settings::default()
    }
    .into();
    patch(&world, &created, more).await;
    let label = world.annotated().await;
    publish(&world, &label, 1).await;
    world.deliver().await;
    let first = world.notification().await;
    notification::redeliver(&world.app, &world.owner, &first.id.to_string())
        .await
        .unwrap();
    world.deliver().await;
    assert_eq!(world.status_count(Failed).await, 2);
    publish(&world, &label, 1).await;
    let begun = begin(&world, Filter::default()).await;
    background::replays::run_until_idle(&world.app).await.unwrap();
    finish(&world).await;
    assert_eq!(progress(&now(&world, &begun).await), (ReplayStatus::Succeeded, 3, 3, 2));
    let rows = world.notifications().await;
    assert_eq!(rows[3].redelivery_of, Some(rows[1].id), "the newest of the two");
    assert_eq!((rows.len(), receiver.count()), (4, 4));
}

#[tokio::test]
async fn a_live_notification_waits_for_two_rounds_of_replayed_ones_at_most() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(4))
        .await;
    let label = world.annotated().await;
    publish(&world, &label, 300).await;
    world.deliver().await;
    let begun = begin(&world, Filter::default()).await;
    for round in 0..100 {
        background::replays::run_until_idle(&world.app).await.unwrap();
        assert!(
            world.status_count(Sending).await <= 8,
            "a replay adds two rounds and waits"
        );
        let before = receiver.count();
        let live = world.publish(&label).await.id.to_string();
        world.deliver().await;
        let behind = receiver.requests()[before..]
            .iter()
            .position(|request| request.headers["webhook-id"] == live)
            .unwrap();
        assert!(behind <= 8, "round {round}: behind {behind}");
        if now(&world, &begun).await.status == ReplayStatus::Succeeded {
            assert!(round >= 300 / 8);
            assert_eq!(receiver.count(), 300 + 300 + round + 1);
            return;
        }
    }
    panic!("the replay does not end");
}

#[tokio::test]
async fn a_strict_order_is_not_filled_up_by_a_replay() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world
        .webhook_with(&receiver.url(), |new| {
            new.settings.max_in_flight = Some(4);
            new.settings.ordering = Some(Ordering::Strict);
        })
        .await;
    let label = world.annotated().await;
    publish(&world, &label, 40).await;
    world.deliver().await;
    let begun = begin(&world, Filter::default()).await;
    background::replays::run_until_idle(&world.app).await.unwrap();
    let waiting = world.status_count(Sending).await + world.status_count(Pending).await;
    assert!((1..=8).contains(&waiting), "{waiting} are in front of a live one");
    finish(&world).await;
    assert_eq!(
        progress(&now(&world, &begun).await),
        (ReplayStatus::Succeeded, 40, 40, 0)
    );
    assert_eq!(receiver.count(), 80);
}

#[tokio::test]
async fn a_replay_waits_while_live_traffic_fills_the_lane() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(2))
        .await;
    let label = world.annotated().await;
    publish(&world, &label, 20).await;
    world.deliver().await;
    publish(&world, &label, 3).await;
    let begun = begin(&world, Filter::default()).await;
    assert!(!background::replays::run_until_idle(&world.app).await.unwrap());
    assert_eq!(
        now(&world, &begun).await.done,
        0,
        "three of four places are taken by live ones"
    );
    finish(&world).await;
    assert_eq!(
        progress(&now(&world, &begun).await),
        (ReplayStatus::Succeeded, 23, 23, 0)
    );
}

#[tokio::test]
async fn a_paced_webhook_gets_a_replay_at_its_pace_and_live_ones_in_between() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let created = world.webhook(&receiver.url()).await;
    let label = world.annotated().await;
    publish(&world, &label, 30).await;
    world.deliver().await;
    let rate = Rate {
        requests: 1,
        per_ms: 60_000,
    };
    let rate = Some(Some(rate));
    patch(
        &world,
        &created,
        Settings {
            rate,
            ..Settings::default()
        }
        .into(),
    )
    .await;
    begin(&world, Filter::default()).await;
    finish(&world).await;
    background::replays::run_until_idle(&world.app).await.unwrap();
    let before = receiver.count();
    let live = world.publish(&label).await.id.to_string();
    for _ in 0..3 {
        world.after(Duration::from_secs(60)).await;
        background::replays::run_until_idle(&world.app).await.unwrap();
    }
    let arrived = receiver.requests()[before..]
        .iter()
        .position(|request| request.headers["webhook-id"] == live);
    assert!(arrived.unwrap() <= 1, "behind one at most: {arrived:?}");
}

#[tokio::test]
async fn a_replay_goes_on_after_a_restart_and_repeats_nothing() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(4))
        .await;
    let label = world.annotated().await;
    publish(&world, &label, 50).await;
    world.deliver().await;
    let begun = begin(&world, Filter::default()).await;
    background::replays::run_until_idle(&world.app).await.unwrap();
    world.deliver().await;
    background::replays::run_until_idle(&world.app).await.unwrap();
    let half = now(&world, &begun).await;
    assert_eq!(progress(&half), (ReplayStatus::Running, 50, 16, 0));
    let world = world.restart().await;
    assert_eq!(now(&world, &begun).await, half);
    finish(&world).await;
    assert_eq!(
        progress(&now(&world, &begun).await),
        (ReplayStatus::Succeeded, 50, 50, 0)
    );
    assert!(
        arrivals(&receiver).values().all(|times| *times == 2),
        "once live, once again"
    );
    assert_eq!(world.status_count(Succeeded).await, 100);
}

#[tokio::test]
async fn a_slow_webhook_holds_up_no_other() {
    let world = World::new().await;
    let (slow, fast) = (Receiver::holding().await, Receiver::ok().await);
    let stuck = world
        .webhook_with(&slow.url(), |new| new.settings.max_in_flight = Some(1))
        .await;
    world.webhook(&fast.url()).await;
    let label = world.annotated().await;
    publish(&world, &label, 10).await;
    slow.release(10);
    world.deliver().await;
    let begun = begin(&world, Filter::default()).await;
    let shutdown = CancellationToken::new();
    let running = [
        tokio::spawn(dispatcher::run(world.app.clone(), shutdown.clone())),
        tokio::spawn(background::replays::run(world.app.clone(), shutdown.clone())),
    ];
    fast.until(20).await;
    slow.until(11).await;
    let held = world.notifications().await.into_iter();
    let held = held.filter(|row| row.webhook_id == stuck.id && row.status == Sending);
    assert!(held.count() <= 2, "no more than two rounds at a time");
    slow.release(10);
    slow.until(20).await;
    shutdown.cancel();
    for task in running {
        task.await.unwrap();
    }
    finish(&world).await;
    assert_eq!(
        progress(&now(&world, &begun).await),
        (ReplayStatus::Succeeded, 20, 20, 0)
    );
    assert_eq!((slow.count(), fast.count()), (20, 20));
}

#[tokio::test]
async fn a_webhook_that_is_not_active_is_left_out_and_counted() {
    let world = World::new().await;
    let (off, on) = (Receiver::ok().await, Receiver::ok().await);
    let switched = world.webhook(&off.url()).await;
    world.webhook(&on.url()).await;
    let label = world.annotated().await;
    publish(&world, &label, 3).await;
    world.deliver().await;
    switch(&world, &switched, WebhookStatus::Inactive).await;
    let begun = begin(&world, Filter::default()).await;
    finish(&world).await;
    assert_eq!(progress(&now(&world, &begun).await), (ReplayStatus::Succeeded, 6, 6, 3));
    assert_eq!((off.count(), on.count()), (3, 6));
}

#[tokio::test]
async fn all_that_a_webhook_missed_while_it_was_inactive_is_sent_by_one_call() {
    let world = World::new().await;
    let label = world.annotated().await;
    publish(&world, &label, 2).await;
    let (receiver, other) = (Receiver::ok().await, Receiver::ok().await);
    let created = world.webhook(&receiver.url()).await;
    world.webhook(&other.url()).await;
    publish(&world, &label, 1).await;
    world.deliver().await;
    switch(&world, &created, WebhookStatus::Inactive).await;
    let refused = missed(&world, &created, Filter::default()).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    world.clock.advance(Duration::from_hours(1));
    publish(&world, &label, 150).await;
    world.publish_as(label.reviewed(1.0), Change::Created).await;
    world.deliver().await;
    switch(&world, &created, WebhookStatus::Active).await;
    world.clock.advance(Duration::from_hours(1));
    publish(&world, &label, 1).await;

    let begun = missed(&world, &created, Filter::default()).await.unwrap();
    assert_eq!(
        (begun.total, begun.missed_by),
        (153, Some(created.id)),
        "two were before it was made, in its moment"
    );
    replay::cancel(&world.app, &world.owner, &begun.id.to_string())
        .await
        .unwrap();
    let since = Filter {
        created_from: Some(START.plus(Duration::from_secs(1))),
        ..Filter::default()
    };
    let begun = missed(&world, &created, since.clone()).await.unwrap();
    let world = world.restart().await;
    finish(&world).await;
    assert_eq!(
        progress(&now(&world, &begun).await),
        (ReplayStatus::Succeeded, 151, 151, 0)
    );
    assert_eq!(receiver.count(), 153);
    assert!(arrivals(&receiver).values().all(|times| *times == 1));
    let again = missed(&world, &created, since).await.unwrap();
    assert_eq!(progress(&again), (ReplayStatus::Succeeded, 0, 0, 0));
    let body = |receiver: &Receiver| {
        let requests = receiver.requests();
        let review = requests
            .iter()
            .find(|request| request.headers["x-labelbox-event"] == "REVIEW_CREATED");
        review.unwrap().body.clone()
    };
    assert_eq!(body(&receiver), body(&other), "one rendering for both");
}

#[tokio::test]
async fn what_a_webhooks_filter_does_not_match_was_not_missed() {
    let world = World::new().await;
    let label = world.annotated().await;
    let receiver = Receiver::ok().await;
    let created = world
        .webhook_with(&receiver.url(), |new| {
            new.settings.filter = Some(Some("event.topic == 'REVIEW_CREATED'".into()));
        })
        .await;
    switch(&world, &created, WebhookStatus::Inactive).await;
    publish(&world, &label, 120).await;
    world.publish_as(label.reviewed(1.0), Change::Created).await;
    publish(&world, &label, 5).await;
    switch(&world, &created, WebhookStatus::Active).await;
    let begun = missed(&world, &created, Filter::default()).await.unwrap();
    finish(&world).await;
    assert_eq!(progress(&now(&world, &begun).await), (ReplayStatus::Succeeded, 1, 1, 0));
    assert_eq!(receiver.count(), 1);
    assert_eq!(receiver.requests()[0].headers["x-labelbox-event"], "REVIEW_CREATED");
}

#[tokio::test]
async fn what_was_missed_is_narrowed_by_time_project_and_topic() {
    let world = World::new().await;
    let (label, elsewhere) = (world.annotated().await, world.annotated().await);
    let created = world.webhook("http://127.0.0.1:9/").await;
    switch(&world, &created, WebhookStatus::Inactive).await;
    for _ in 0..4 {
        world.clock.advance(Duration::from_secs(60));
        publish(&world, &label, 2).await;
        publish(&world, &elsewhere, 1).await;
        world.publish_as(label.data(), Change::Updated).await;
    }
    switch(&world, &created, WebhookStatus::Active).await;
    let minutes = |count: i64| Some(Timestamp(START.0 + count * 60_000_000));
    let none = Filter::default;
    let (from, before) = (minutes(2), minutes(4));
    for (filter, expected) in [
        (none(), 16),
        (
            Filter {
                created_from: from,
                ..none()
            },
            12,
        ),
        (
            Filter {
                created_before: before,
                ..none()
            },
            12,
        ),
        (
            Filter {
                created_from: from,
                created_before: before,
                ..none()
            },
            8,
        ),
        (
            Filter {
                created_from: before,
                created_before: from,
                ..none()
            },
            0,
        ),
        (
            Filter {
                project_ids: Some(vec![elsewhere.project.id]),
                ..none()
            },
            4,
        ),
        (
            Filter {
                topics: Some(vec![WebhookTopic::LabelUpdated]),
                ..none()
            },
            4,
        ),
        (
            Filter {
                topics: Some(vec![WebhookTopic::Ping]),
                ..none()
            },
            0,
        ),
        (
            Filter {
                external_id: Some("other".into()),
                ..none()
            },
            0,
        ),
    ] {
        let begun = missed(&world, &created, filter.clone()).await.unwrap();
        assert_eq!(begun.total, expected, "{filter:?}");
        replay::cancel(&world.app, &world.owner, &begun.id.to_string())
            .await
            .ok();
    }
    for (filter, field) in [
        (failed(), "where.statuses"),
        (
            Filter {
                webhook_ids: Some(vec![]),
                ..none()
            },
            "where.webhookIds",
        ),
        (
            Filter {
                response_codes: Some(vec![500]),
                ..none()
            },
            "where.responseCodes",
        ),
    ] {
        assert_eq!(invalid(missed(&world, &created, filter).await.unwrap_err()).0, field);
    }
}

#[tokio::test]
async fn rerender_sends_the_present_format_and_the_default_the_stored_bytes() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let created = world.webhook(&receiver.url()).await;
    publish(&world, &world.annotated().await, 1).await;
    world.deliver().await;
    let payload_format = Some(PayloadFormat::Ango);
    patch(
        &world,
        &created,
        Settings {
            payload_format,
            ..Settings::default()
        }
        .into(),
    )
    .await;
    for rerender in [false, true] {
        let old = Filter {
            created_before: Some(START.plus(Duration::from_secs(1))),
            ..Filter::default()
        };
        world.clock.advance(Duration::from_secs(1));
        let start = Start {
            filter: old,
            rerender,
            missed_by: None,
        };
        replay::start(&world.app, &world.owner, start).await.unwrap();
        finish(&world).await;
    }
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].body, requests[1].body);
    assert_ne!(requests[0].body, requests[2].body);
    assert_eq!(requests[0].headers["webhook-id"], requests[2].headers["webhook-id"]);
}

#[tokio::test]
async fn a_held_tasks_newest_notification_moves_it_when_the_replay_is_answered() {
    let receiver = Receiver::new(|number, _| Response::status(if number < 2 { 500 } else { 200 })).await;
    let world = World::new().await;
    let mut drawn = labelled_then_sent(&receiver.url());
    drawn[2].webhook = hook("", &receiver.url(), &[]).webhook;
    drawn[2].webhook.as_mut().unwrap().settings.retry.max_attempts = Some(1);
    let flow = Flow::new(&world, drawn).await;
    let tasks = flow.tasks(2).await;
    for task in &tasks {
        flow.submit(task).await.unwrap();
    }
    world.deliver().await;
    for task in &tasks {
        assert_eq!(flow.place(task).await, ("Hook".into(), TaskStatus::Held));
    }
    let begun = begin(&world, failed()).await;
    background::replays::run_until_idle(&world.app).await.unwrap();
    assert_eq!(flow.place(&tasks[0]).await, ("Hook".into(), TaskStatus::Waiting));
    finish(&world).await;
    for task in &tasks {
        assert_eq!(flow.place(task).await, ("Done".into(), TaskStatus::Done));
    }
    assert_eq!(progress(&now(&world, &begun).await), (ReplayStatus::Succeeded, 2, 2, 0));
    let stage_id = flow.stage("Hook").await;
    let stage = stages::Entity::find_by_id(stage_id).one(world.app.db.read()).await;
    let own = stage.unwrap().unwrap().webhook_id.unwrap().to_string();
    let own = webhook::get(&world.app, &world.owner, &own).await.unwrap();
    let refused = missed(&world, &own, Filter::default()).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
}

#[tokio::test]
async fn a_canceled_replay_hands_over_no_more() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world
        .webhook_with(&receiver.url(), |new| new.settings.max_in_flight = Some(2))
        .await;
    publish(&world, &world.annotated().await, 20).await;
    world.deliver().await;
    let begun = begin(&world, Filter::default()).await;
    background::replays::run_until_idle(&world.app).await.unwrap();
    let id = begun.id.to_string();
    let canceled = replay::cancel(&world.app, &world.owner, &id).await.unwrap();
    assert_eq!(progress(&canceled), (ReplayStatus::Canceled, 20, 4, 0));
    finish(&world).await;
    assert_eq!((now(&world, &begun).await, receiver.count()), (canceled, 24));
    let again = replay::cancel(&world.app, &world.owner, &id).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
}

#[tokio::test]
async fn a_replay_stays_within_what_its_actor_sees() {
    let world = World::new().await;
    let (own, others) = (world.annotated().await, world.annotated().await);
    let receiver = Receiver::ok().await;
    let wide = world.webhook(&receiver.url()).await;
    let narrow = world
        .webhook_with(&receiver.url(), |new| new.project_id = Some(own.project.id.to_string()))
        .await;
    publish(&world, &own, 2).await;
    publish(&world, &others, 2).await;
    world.deliver().await;
    let key = limited(&world.owner, [own.project.id]);
    let start = |missed_by: Option<String>| Start {
        missed_by,
        ..Start::default()
    };
    let begun = replay::start(&world.app, &key, start(None)).await.unwrap();
    assert_eq!(begun.total, 2, "what went to its project's webhook");
    let stranger = limited(&world.owner, [others.project.id]);
    let id = begun.id.to_string();
    assert!(replay::get(&world.app, &key, &id).await.is_ok());
    for refused in [
        replay::get(&world.app, &stranger, &id).await,
        replay::cancel(&world.app, &stranger, &id).await,
        replay::start(&world.app, &key, start(Some(wide.id.to_string()))).await,
        replay::start(&world.app, &stranger, start(Some(narrow.id.to_string()))).await,
        replay::get(&world.app, &key, "unknown").await,
    ] {
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    }
    let everything = begin(&world, Filter::default()).await;
    let hidden = replay::get(&world.app, &key, &everything.id.to_string()).await;
    assert!(matches!(hidden, Err(Error::NotFound { .. })), "{hidden:?}");
    finish(&world).await;
    assert_eq!(progress(&now(&world, &begun).await), (ReplayStatus::Succeeded, 2, 2, 0));
    for role in [Role::WorkforceManager, Role::User, Role::Worker] {
        let actor = world.actor(role).await;
        let refused = replay::start(&world.app, &actor, start(None)).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_new_replay_waits_for_no_timer() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    world.webhook(&receiver.url()).await;
    publish(&world, &world.annotated().await, 1).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(background::replays::run(world.app.clone(), shutdown.clone()));
    let all = async {
        for _ in 0..40 {
            world.deliver().await;
            let row = begin(&world, Filter::default()).await;
            while now(&world, &row).await.status == ReplayStatus::Running {
                tokio::task::yield_now().await;
            }
        }
    };
    // The timer alone, which fires every five seconds, would take more than three minutes.
    let all = tokio::time::timeout(Duration::from_secs(120), all);
    all.await.expect("each wakes the task that does them");
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn ten_replays_of_an_organization_run_at_a_time() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    publish(&world, &world.annotated().await, 1).await;
    world.deliver().await;
    for _ in 0..10 {
        begin(&world, Filter::default()).await;
    }
    let refused = replay::start(&world.app, &world.owner, Start::default()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    finish(&world).await;
    assert_eq!(receiver.count(), 11);
    begin(&world, Filter::default()).await;
}
