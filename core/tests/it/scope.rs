//! Tests of keys that are limited to projects: they see and control the deliveries of the webhooks they see, and no
//! others.

use crate::support::{World, limited};
use entity::NotificationStatus::Sending;
use labelhook_core::{
    Error,
    notification::{self, Filter, PageRequest},
    page::End,
};

#[tokio::test]
async fn a_limited_key_does_not_steer_the_deliveries_of_an_organization_wide_webhook() {
    let world = World::new().await;
    world.webhook("http://127.0.0.1:9/").await;
    let label = world.annotated().await;
    world.publish(&label).await;
    let id = world.notification().await.id.to_string();
    let key = limited(&world.owner, [label.project.id]);
    for refused in [
        notification::cancel(&world.app, &key, &id).await,
        notification::redeliver(&world.app, &key, &id).await,
    ] {
        assert!(
            matches!(
                refused,
                Err(Error::NotFound {
                    noun: "notification",
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    assert_eq!(world.notification().await.status, Sending);
}

#[tokio::test]
async fn a_limited_key_does_not_see_what_an_organization_wide_webhook_got_of_its_projects() {
    let world = World::new().await;
    let wide = world.webhook("http://127.0.0.1:9/").await;
    let label = world.annotated().await;
    let project = label.project.id.to_string();
    let own = world
        .webhook_with("http://127.0.0.1:9/", |new| new.project_id = Some(project))
        .await;
    let event = world.publish(&label).await;
    let key = limited(&world.owner, [label.project.id]);
    let span = PageRequest {
        count: 10,
        from: End::First,
        after: None,
        before: None,
    };
    let of_event = Filter {
        event_ids: Some(vec![event.id]),
        ..Filter::default()
    };
    let of_wide = Filter {
        webhook_ids: Some(vec![wide.id]),
        ..Filter::default()
    };
    for (filter, expected) in [
        (Filter::default(), vec![own.id]),
        (of_event, vec![own.id]),
        (of_wide, vec![]),
    ] {
        let listed = notification::list(&world.app, &key, &filter, span).await.unwrap().rows;
        let numbered = notification::numbered(&world.app, &key, &filter, End::First, 0, 10).await;
        for rows in [listed, numbered.unwrap()] {
            let seen: Vec<_> = rows.iter().map(|row| row.webhook_id).collect();
            assert_eq!(seen, expected, "{filter:?}");
        }
    }
    for row in world.notifications().await {
        let seen = notification::get(&world.app, &key, &row.id.to_string()).await;
        assert_eq!(seen.is_ok(), row.webhook_id == own.id, "{seen:?}");
    }
}
