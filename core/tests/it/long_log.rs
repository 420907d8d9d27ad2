//! Pages of a log that is longer than what a page looks at: rare rows are found, and a page that ends early says where.

use crate::support::{Receiver, World};
use entity::{NotificationId, NotificationStatus, WebhookId, WebhookTopic, notification as notifications};
use labelhook_core::{
    notification::{self, Filter, Page, PageRequest},
    page::{End, Stop},
};
use sea_orm::{ConnectionTrait, Database, EntityTrait, IntoActiveModel};
use uuid::Uuid;

/// More than a page looks at.
const ROWS: u64 = 14_000;

/// Copies of the one notification there is, older ones: of two webhooks in turn, two of them failed, with a rare
/// answer.
async fn long(world: &World) -> notifications::Model {
    let receiver = Receiver::ok().await;
    world.webhook(&receiver.url()).await;
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let newest = world.notification().await;
    assert_eq!(newest.status, NotificationStatus::Succeeded);
    let db = Database::connect(world.config().database_url).await.unwrap();
    let other = WebhookId::new();
    let copies: Vec<notifications::Model> = (1..ROWS).map(|number| copy(&newest, other, number)).collect();
    for copies in copies.chunks(1_000) {
        let rows = copies.iter().cloned().map(IntoActiveModel::into_active_model);
        notifications::Entity::insert_many(rows)
            .exec_without_returning(&db)
            .await
            .unwrap();
    }
    db.execute_unprepared("ANALYZE").await.unwrap();
    db.close().await.unwrap();
    newest
}

fn copy(newest: &notifications::Model, other: WebhookId, number: u64) -> notifications::Model {
    let has_failed = number % (ROWS / 2) == ROWS / 2 - 1;
    notifications::Model {
        id: NotificationId(Uuid::from_u128(newest.id.0.as_u128() - (u128::from(number) << 64))),
        webhook_id: if number.is_multiple_of(2) {
            newest.webhook_id
        } else {
            other
        },
        status: if has_failed {
            NotificationStatus::Failed
        } else {
            newest.status
        },
        response_code: Some(if has_failed { 418 } else { 200 }),
        topic: if has_failed { WebhookTopic::Ping } else { newest.topic },
        sequence: newest.sequence - i64::try_from(number).unwrap(),
        ..newest.clone()
    }
}

async fn page(world: &World, filter: &Filter, from: End, at: Option<NotificationId>) -> Page {
    let span = PageRequest {
        count: 10,
        from,
        after: at.filter(|_| from == End::First),
        before: at.filter(|_| from == End::Last),
    };
    notification::list(&world.app, &world.owner, filter, span)
        .await
        .unwrap()
}

/// Every page from one end to the other: the rows, and how many pages there were.
async fn all(world: &World, filter: &Filter, from: End) -> (Vec<NotificationId>, usize) {
    let (mut found, mut at, mut pages) = (Vec::new(), None, 0);
    loop {
        let slice = page(world, filter, from, at).await;
        pages += 1;
        let ids: Vec<_> = slice.rows.iter().map(|row| row.id).collect();
        let (more, end) = match from {
            End::First => (slice.has_next, ids.last().copied()),
            End::Last => (slice.has_previous, ids.first().copied()),
        };
        found.extend(ids);
        at = match slice.stop {
            Some(Stop::Older(row) | Stop::Newer(row)) => Some(row.id),
            None => end,
        };
        if !more {
            return (found, pages);
        }
    }
}

#[tokio::test]
async fn what_is_rare_in_a_long_log_is_found_at_once() {
    let world = World::new().await;
    long(&world).await;
    let none = Filter::default;
    let rare = [
        Filter {
            statuses: Some(vec![NotificationStatus::Failed]),
            ..none()
        },
        Filter {
            statuses: Some(vec![NotificationStatus::Failed, NotificationStatus::Canceled]),
            ..none()
        },
        Filter {
            response_codes: Some(vec![418, 204]),
            ..none()
        },
        Filter {
            topics: Some(vec![WebhookTopic::Ping, WebhookTopic::LabelDeleted]),
            ..none()
        },
        Filter {
            topics: Some(vec![WebhookTopic::Ping]),
            statuses: Some(vec![NotificationStatus::Failed]),
            ..none()
        },
    ];
    for filter in rare {
        let slice = page(&world, &filter, End::First, None).await;
        assert_eq!((slice.rows.len(), slice.has_next), (2, false), "{filter:?}");
        assert!(slice.rows[0].id > slice.rows[1].id && slice.stop.is_none());
    }
    for statuses in [
        vec![NotificationStatus::Canceled],
        vec![NotificationStatus::Pending, NotificationStatus::Sending],
    ] {
        let slice = page(
            &world,
            &Filter {
                statuses: Some(statuses),
                ..none()
            },
            End::First,
            None,
        )
        .await;
        assert!(slice.rows.is_empty() && !slice.has_next);
    }
}

#[tokio::test]
async fn a_page_that_would_look_at_too_much_ends_early_and_the_next_goes_on_there() {
    let world = World::new().await;
    let newest = long(&world).await;
    let nothing = Filter {
        statuses: Some(vec![NotificationStatus::Succeeded]),
        response_codes: Some(vec![200, 418]),
        topics: Some(vec![WebhookTopic::LabelUpdated]),
        ..Filter::default()
    };
    for from in [End::First, End::Last] {
        let slice = page(&world, &nothing, from, None).await;
        assert!(slice.rows.is_empty() && slice.stop.is_some());
        assert_eq!(
            (slice.has_next, slice.has_previous),
            (from == End::First, from == End::Last)
        );
        assert_eq!(all(&world, &nothing, from).await, (Vec::new(), 2));
    }
    let few = Filter {
        statuses: Some(vec![NotificationStatus::Failed, NotificationStatus::Succeeded]),
        topics: Some(vec![newest.topic, WebhookTopic::Ping]),
        response_codes: Some(vec![200, 418]),
        ..Filter::default()
    };
    for from in [End::First, End::Last] {
        let (found, _) = all(&world, &few, from).await;
        let mut distinct = found.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!((found.len() as u64, distinct.len() as u64), (ROWS, ROWS));
    }
}

#[tokio::test]
async fn several_webhooks_stand_in_one_order() {
    let world = World::new().await;
    let newest = long(&world).await;
    let ids: Vec<WebhookId> = world
        .notifications()
        .await
        .iter()
        .rev()
        .take(2)
        .map(|row| row.webhook_id)
        .collect();
    assert!(ids.contains(&newest.webhook_id) && ids[0] != ids[1]);
    let both = Filter {
        webhook_ids: Some(ids),
        ..Filter::default()
    };
    let slice = page(&world, &both, End::First, None).await;
    let expected = page(&world, &Filter::default(), End::First, None).await;
    assert_eq!(slice.rows, expected.rows);
    let numbered = notification::numbered(&world.app, &world.owner, &both, End::First, 3, 4)
        .await
        .unwrap();
    assert_eq!(numbered, expected.rows[3..7]);
}

#[tokio::test]
async fn times_keep_a_page_away_from_what_they_leave_out() {
    let world = World::present().await;
    long(&world).await;
    let now = world.clock.now();
    let hour = std::time::Duration::from_secs(3_600);
    let cases = [
        (Some(now.minus(hour)), None, 10),
        (Some(now.plus(hour)), None, 0),
        (None, Some(now.minus(hour)), 0),
    ];
    for (created_from, created_before, expected) in cases {
        let filter = Filter {
            created_from,
            created_before,
            ..Filter::default()
        };
        assert_eq!(page(&world, &filter, End::First, None).await.rows.len(), expected);
    }
}
