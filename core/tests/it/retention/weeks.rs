//! Tests of the partitions on PostgreSQL: created ahead, dropped beside the traffic, and a default partition for the
//! rows that no week covers. On SQLite the same stories have the same outcome.

use super::{DAY, counts, is_whole};
use crate::support::{Receiver, World};
use entity::{
    EventId, NotificationId, NotificationStatus, PayloadContent, PayloadFormat, PayloadId, Timestamp, WebhookTopic,
    attempt, event, notification, payload, webhook,
};
use labelhook_core::{
    Clock,
    background::{self, heartbeat},
    queue::lanes::Window,
};
use sea_orm::{EntityTrait, IntoActiveModel};
use servers::Database;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use uuid::Uuid;

fn id(at: Timestamp) -> Uuid {
    let seconds = u64::try_from(at.seconds()).unwrap();
    Uuid::new_v7(uuid::Timestamp::from_unix_time(seconds, 0, 0, 0))
}

/// Writes a row of each table as it would have been written at that time: an attempt only if the status is not pending.
/// Returns the id of the event.
async fn written(world: &World, webhook: &webhook::Model, at: Timestamp, status: NotificationStatus) -> EventId {
    let (organization_id, webhook_id) = (world.organization_id, webhook.id);
    let open = status == NotificationStatus::Pending;
    let url = webhook.url.clone();
    world
        .write(move |txn| {
            Box::pin(async move {
                let event = event::Model {
                    id: EventId(id(at)),
                    organization_id,
                    sequence: at.0,
                    topic: WebhookTopic::Ping,
                    project_id: None,
                    data_row_id: None,
                    external_id: None,
                    data: "{}".into(),
                    test: false,
                    created_at: at,
                };
                let payload = payload::Model {
                    id: PayloadId(id(at)),
                    organization_id,
                    event_id: event.id,
                    format: PayloadFormat::Labelbox,
                    content: PayloadContent::Full,
                    query_hash: None,
                    body: b"{}".to_vec(),
                };
                let row = notification::Model {
                    id: NotificationId(id(at)),
                    organization_id,
                    webhook_id,
                    event_id: event.id,
                    payload_id: payload.id,
                    project_id: None,
                    stage_id: None,
                    task_id: None,
                    topic: event.topic,
                    external_id: None,
                    status,
                    attempt_count: i32::from(!open),
                    throttled_count: 0,
                    order_key: None,
                    due_at: open.then_some(at),
                    node_id: None,
                    response_code: None,
                    error: None,
                    redelivery_of: None,
                    sequence: at.0,
                    created_at: at,
                    updated_at: at,
                };
                let attempt = attempt::Model {
                    notification_id: row.id,
                    number: 1,
                    organization_id,
                    started_at: at,
                    duration_ms: 1,
                    url,
                    request_headers: "{}".into(),
                    response_status: Some(200),
                    response_headers: None,
                    response_body: None,
                    body_truncated: false,
                    error: None,
                    error_message: None,
                };
                let id = event.id;
                event::Entity::insert(event.into_active_model())
                    .exec_without_returning(txn.conn())
                    .await?;
                payload::Entity::insert(payload.into_active_model())
                    .exec_without_returning(txn.conn())
                    .await?;
                notification::Entity::insert(row.into_active_model())
                    .exec_without_returning(txn.conn())
                    .await?;
                if !open {
                    attempt::Entity::insert(attempt.into_active_model())
                        .exec_without_returning(txn.conn())
                        .await?;
                }
                Ok(id)
            })
        })
        .await
        .unwrap()
}

/// Returns the number of partitions of a table, including the default one.
async fn partitions(world: &World, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM pg_inherits WHERE inhparent = '{table}'::regclass");
    world.number(&sql).await
}

/// Returns the numbers of rows in the default partitions: events, payloads, notifications, attempts.
async fn strays(world: &World) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in ["event", "payload", "notification", "attempt"] {
        counts.push(world.number(&format!("SELECT count(*) FROM {table}_default")).await);
    }
    counts
}

async fn pass(world: &World) {
    background::retention::run_until_idle(&world.app).await.unwrap();
}

/// Returns a world that has run for this many days, with a partition for each week and a row for each day.
async fn aged(days: u32, webhook: &str) -> (World, webhook::Model) {
    let begin = Clock::default().now().minus(DAY * days);
    let world = World::begun(Window::default(), begin).await;
    let webhook = world.webhook(webhook).await;
    for day in 0..days {
        if day % 7 == 0 {
            pass(&world).await;
        }
        written(&world, &webhook, world.clock.now(), NotificationStatus::Succeeded).await;
        world.clock.advance(DAY);
    }
    (world, webhook)
}

#[tokio::test]
async fn weeks_that_are_too_old_are_dropped_and_those_to_come_are_made() {
    let (world, _) = aged(70, "http://127.0.0.1:9/hook").await;
    pass(&world).await;
    let [events, payloads, notifications, attempts] = counts(&world).await;
    assert!((30..=37).contains(&events), "{events}");
    assert_eq!([payloads, notifications, attempts], [events; 3]);
    if Database::is_postgres() {
        assert_eq!(strays(&world).await, [0; 4]);
        for table in ["event", "payload", "notification", "attempt"] {
            let count = partitions(&world, table).await;
            assert!(
                (9..=11).contains(&count),
                "{table}: five or six weeks, three to come, the default: {count}"
            );
        }
    }
    pass(&world).await;
    assert_eq!(counts(&world).await[0], events, "nothing more is to be done");
}

#[tokio::test]
async fn what_is_needed_of_a_dropped_week_is_still_there() {
    let (world, webhook) = aged(14, "http://127.0.0.1:9/hook").await;
    let early = world.clock.now().minus(DAY * 10);
    let open = written(&world, &webhook, early, NotificationStatus::Pending).await;
    world.clock.advance(DAY * 60);
    pass(&world).await;
    assert_eq!(counts(&world).await, [1, 1, 1, 0]);
    assert!(is_whole(&world).await);
    assert_eq!(world.notification().await.event_id, open);
    if Database::is_postgres() {
        assert_eq!(strays(&world).await, [1, 1, 1, 0]);
    }
}

#[tokio::test]
async fn traffic_goes_on_while_weeks_are_made_and_dropped() {
    let receiver = Receiver::ok().await;
    let (world, webhook) = aged(100, &receiver.url()).await;
    for day in [90, 80, 70, 60, 50] {
        let at = world.clock.now().minus(DAY * day);
        written(&world, &webhook, at, NotificationStatus::Pending).await;
    }
    let change = world.annotated().await;
    let over = AtomicBool::new(false);
    let traffic = async {
        let mut published = 0;
        while !over.load(Ordering::SeqCst) || published < 50 {
            world.publish(&change).await;
            world.deliver().await;
            published += 1;
        }
        published
    };
    let passes = async {
        for _ in 0..3 {
            pass(&world).await;
            world.clock.advance(Duration::from_secs(1));
        }
        over.store(true, Ordering::SeqCst);
    };
    let (published, ()) = tokio::join!(traffic, passes);
    world.deliver().await;
    // A week's partition that a long transaction uses is dropped by the next pass.
    pass(&world).await;
    assert_eq!(
        receiver.count(),
        published + 5,
        "what was queued long ago, and everything new"
    );
    assert_eq!(world.status_count(NotificationStatus::Pending).await, 0);
    assert!(is_whole(&world).await);
    let [events, ..] = counts(&world).await;
    assert!(events <= 37 + i64::try_from(published).unwrap() + 5, "{events}");
    if Database::is_postgres() {
        let count = partitions(&world, "notification").await;
        assert!(count <= 11, "{count}");
    }
}

#[tokio::test]
async fn the_default_takes_what_no_week_covers_and_a_week_made_later_takes_it_over() {
    let world = World::present().await;
    let webhook = world.webhook("http://127.0.0.1:9/hook").await;
    let later = world.clock.now().plus(DAY * 70);
    written(&world, &webhook, later, NotificationStatus::Pending).await;
    written(&world, &webhook, later, NotificationStatus::Succeeded).await;
    pass(&world).await;
    if Database::is_postgres() {
        assert_eq!(strays(&world).await, [2, 2, 2, 1]);
    }
    world.clock.advance(DAY * 70);
    pass(&world).await;
    assert_eq!(counts(&world).await, [2, 2, 2, 1]);
    if Database::is_postgres() {
        assert_eq!(strays(&world).await, [0; 4]);
    }
}

#[tokio::test]
async fn two_nodes_do_not_get_into_each_others_way() {
    if !Database::is_postgres() {
        return;
    }
    let (world, _) = aged(50, "http://127.0.0.1:9/hook").await;
    // The node's row is gone and the node has not noticed: for that moment both nodes lead.
    heartbeat::leave(&world.app).await;
    let other = labelhook_core::App::open(world.config()).await.unwrap();
    assert!(world.app.nodes.leads() && other.nodes.leads());
    let (one, two) = tokio::join!(
        background::retention::run_until_idle(&world.app),
        background::retention::run_until_idle(&other)
    );
    one.and(two).unwrap();
    pass(&world).await;
    assert!((30..=37).contains(&counts(&world).await[0]));
    assert!(is_whole(&world).await);
    other.db.close().await;
}
