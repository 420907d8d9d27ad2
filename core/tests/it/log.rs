//! The log of notifications: pages, filters, lines, and who sees what.

use crate::support::{Receiver, Response, World, limited};
use entity::{NotificationId, NotificationStatus, WebhookTopic, notification as notifications};
use labelhook_core::{
    event::Change,
    notification::{self, Filter, PageRequest, log_line},
    page::End,
};
use std::time::Duration;

fn span(count: u64, from: End, after: Option<NotificationId>, before: Option<NotificationId>) -> PageRequest {
    PageRequest {
        count,
        from,
        after,
        before,
    }
}

async fn page(world: &World, filter: &Filter, span: PageRequest) -> notification::Page {
    notification::list(&world.app, &world.owner, filter, span)
        .await
        .unwrap()
}

fn ids(rows: &[notifications::Model]) -> Vec<NotificationId> {
    rows.iter().map(|row| row.id).collect()
}

async fn newest_first(world: &World) -> Vec<NotificationId> {
    let mut all = ids(&world.notifications().await);
    all.reverse();
    all
}

#[tokio::test]
async fn pages_forward_meet_every_row_once_while_rows_are_added() {
    let world = World::new().await;
    world.webhook("http://127.0.0.1:9/").await;
    let label = world.annotated().await;
    for _ in 0..7 {
        world.publish(&label).await;
    }
    let there = newest_first(&world).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let slice = page(&world, &Filter::default(), span(3, End::First, after, None)).await;
        assert_eq!(slice.has_previous, after.is_some());
        seen.extend(ids(&slice.rows));
        after = seen.last().copied();
        world.publish(&label).await;
        if !slice.has_next {
            break;
        }
    }
    assert_eq!(seen, there);
}

#[tokio::test]
async fn pages_backward_meet_every_row_once_and_stand_newest_first() {
    let world = World::new().await;
    world.webhook("http://127.0.0.1:9/").await;
    let label = world.annotated().await;
    for _ in 0..7 {
        world.publish(&label).await;
    }
    let there = newest_first(&world).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let slice = page(&world, &Filter::default(), span(3, End::Last, None, before)).await;
        assert_eq!(slice.has_next, before.is_some());
        seen.splice(0..0, ids(&slice.rows));
        before = seen.first().copied();
        if !slice.has_previous {
            break;
        }
    }
    assert_eq!(seen, there);
    let middle = page(
        &world,
        &Filter::default(),
        span(9, End::First, Some(there[1]), Some(there[5])),
    )
    .await;
    assert_eq!(ids(&middle.rows), there[2..5]);
    let numbered = notification::numbered(&world.app, &world.owner, &Filter::default(), End::First, 2, 3)
        .await
        .unwrap();
    assert_eq!(ids(&numbered), there[2..5]);
}

#[tokio::test]
async fn every_filter_narrows_the_log() {
    let world = World::new().await;
    let receiver = Receiver::new(|number, _| Response::status(if number == 0 { 500 } else { 200 })).await;
    let webhook = world.webhook(&receiver.url()).await.id;
    let (first, mut second) = (world.annotated().await, world.annotated().await);
    second.data_row.external_id = Some("other.jpg".into());
    let failed = world.publish(&first).await;
    world.deliver().await;
    world.clock.advance(Duration::from_secs(1));
    let between = world.clock.now();
    world.publish_as(second.data(), Change::Updated).await;
    world.deliver().await;
    let rows = world.notifications().await;
    let (old, new) = (rows[0].id, rows[1].id);
    let none = Filter::default;
    let strange = WebhookTopic::Ping;
    let table = [
        (none(), vec![new, old]),
        (
            Filter {
                ids: Some(vec![old]),
                ..none()
            },
            vec![old],
        ),
        (
            Filter {
                ids: Some(vec![]),
                ..none()
            },
            vec![],
        ),
        (
            Filter {
                webhook_ids: Some(vec![webhook]),
                ..none()
            },
            vec![new, old],
        ),
        (
            Filter {
                webhook_ids: Some(vec![entity::WebhookId::new()]),
                ..none()
            },
            vec![],
        ),
        (
            Filter {
                project_ids: Some(vec![first.project.id]),
                ..none()
            },
            vec![old],
        ),
        (
            Filter {
                event_ids: Some(vec![failed.id]),
                ..none()
            },
            vec![old],
        ),
        (
            Filter {
                topics: Some(vec![WebhookTopic::LabelUpdated, strange]),
                ..none()
            },
            vec![new],
        ),
        (
            Filter {
                statuses: Some(vec![NotificationStatus::Retrying]),
                ..none()
            },
            vec![old],
        ),
        (
            Filter {
                response_codes: Some(vec![200]),
                ..none()
            },
            vec![new],
        ),
        (
            Filter {
                external_id: Some("other.jpg".into()),
                ..none()
            },
            vec![new],
        ),
        (
            Filter {
                created_from: Some(between),
                ..none()
            },
            vec![new],
        ),
        (
            Filter {
                created_before: Some(between),
                ..none()
            },
            vec![old],
        ),
        (
            Filter {
                created_from: Some(between),
                response_codes: Some(vec![500]),
                ..none()
            },
            vec![],
        ),
    ];
    for (filter, expected) in table {
        let slice = page(&world, &filter, span(10, End::First, None, None)).await;
        assert_eq!(ids(&slice.rows), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_key_of_some_projects_sees_their_log_alone_and_a_foreign_one_nothing() {
    let world = World::new().await;
    let (mine, other) = (world.annotated().await, world.annotated().await);
    for label in [&mine, &other] {
        let project = label.project.id.to_string();
        world
            .webhook_with("http://127.0.0.1:9/", |new| new.project_id = Some(project))
            .await;
    }
    world.publish(&mine).await;
    world.publish(&other).await;
    let key = limited(&world.owner, [mine.project.id]);
    let all = span(10, End::First, None, None);
    let slice = notification::list(&world.app, &key, &Filter::default(), all)
        .await
        .unwrap();
    assert_eq!(slice.rows.len(), 1);
    assert_eq!(slice.rows[0].project_id, Some(mine.project.id));
    let asked = Filter {
        project_ids: Some(vec![other.project.id]),
        ..Filter::default()
    };
    assert!(
        notification::list(&world.app, &key, &asked, all)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    let hidden = world.notifications().await[1].id.to_string();
    assert!(notification::get(&world.app, &key, &hidden).await.is_err());
    let mut foreign = world.owner.clone();
    foreign.organization_id = entity::OrganizationId::new();
    let slice = notification::list(&world.app, &foreign, &Filter::default(), all)
        .await
        .unwrap();
    assert!(slice.rows.is_empty());
}

#[tokio::test]
async fn a_log_line_has_angos_form() {
    let world = World::new().await;
    let receiver = Receiver::new(|_, _| Response::status(503)).await;
    world.webhook(&receiver.url()).await;
    let closed = Receiver::ok().await.url();
    world.webhook(&closed).await;
    let mut label = world.annotated().await;
    world.publish(&label).await;
    let waiting = world.notifications().await.remove(0);
    assert_eq!(log_line(&waiting), "[2026-01-31T09:30:00.000Z][SENDING] Croissànt.jpg");
    world.deliver().await;
    let lines: Vec<String> = world.notifications().await.iter().map(log_line).collect();
    assert_eq!(lines[0], "[2026-01-31T09:30:00.000Z][503] Croissànt.jpg");
    assert_eq!(lines[1], "[2026-01-31T09:30:00.000Z][CONNECT] Croissànt.jpg");
    label.data_row.external_id = None;
    world.publish(&label).await;
    let newest = world.notifications().await.pop().unwrap();
    assert_eq!(log_line(&newest), "[2026-01-31T09:30:00.000Z][SENDING] ");
}
