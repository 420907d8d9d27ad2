//! Filters: only events of which a webhook's filter is true are sent to it.

use crate::support::{Receiver, World, invalid};
use entity::{NotificationStatus, WebhookTopic, webhook};
use labelhook_core::{
    event::{Change, Data},
    notification,
    subscribers::filter::FilterFaults,
    webhook::{New, Settings, filter_faults},
};

fn filter(source: &str) -> impl FnOnce(&mut New) {
    let source = source.to_owned();
    move |new| new.settings.filter = Some(Some(source))
}

async fn patched(world: &World, row: &webhook::Model, filter: Option<&str>) -> webhook::Model {
    let patch = Settings {
        filter: Some(filter.map(str::to_owned)),
        ..Settings::default()
    }
    .into();
    labelhook_core::webhook::update(&world.app, &world.owner, &row.id.to_string(), patch)
        .await
        .unwrap()
}

#[tokio::test]
async fn only_what_a_filter_is_true_of_is_sent() {
    let world = World::new().await;
    let label = world.annotated().await;
    let wanted = [
        "event.topic == 'REVIEW_CREATED'".to_owned(),
        "event.topic.startsWith('REVIEW_') && event.data.review.score >= 0.5".to_owned(),
        format!("event.project.id == '{}' && has(event.data.review)", label.project.id),
        format!("event.dataRow.id == '{}' && 'review' in event.data", label.data_row.id),
    ];
    for source in &wanted {
        world.webhook_with("http://127.0.0.1:9/", filter(source)).await;
    }
    let never = world
        .webhook_with("http://127.0.0.1:9/", filter("event.project.name == 'Another'"))
        .await;
    let always = world.webhook("http://127.0.0.1:9/").await;
    world.publish(&label).await;
    world.publish_as(label.reviewed(1.0), Change::Created).await;
    let rows = world.notifications().await;
    let of = |topic| rows.iter().filter(move |row| row.topic == topic).count();
    assert_eq!(of(WebhookTopic::LabelCreated), 1, "the one without a filter");
    assert_eq!(of(WebhookTopic::ReviewCreated), wanted.len() + 1);
    assert!(rows.iter().all(|row| row.webhook_id != never.id));
    assert_eq!(rows.iter().filter(|row| row.webhook_id == always.id).count(), 2);
}

#[tokio::test]
async fn an_error_is_no_match_and_is_counted() {
    let world = World::new().await;
    let (label, sound) = (
        world.annotated().await,
        "!has(event.data.review) || event.data.review.score > 0.0",
    );
    let row = world
        .webhook_with("http://127.0.0.1:9/", filter("event.data.review.score > 0.0"))
        .await;
    let other = world.webhook_with("http://127.0.0.1:9/", filter(sound)).await;
    assert_eq!(filter_faults(&world.app, row.id), FilterFaults::default());
    for _ in 0..3 {
        world.publish(&label).await;
    }
    world.publish_as(label.reviewed(1.0), Change::Created).await;
    let faults = filter_faults(&world.app, row.id);
    assert_eq!(faults.count, 3);
    assert!(faults.last.unwrap().contains("review"));
    assert_eq!(filter_faults(&world.app, other.id), FilterFaults::default());
    let rows = world.notifications().await;
    assert_eq!(rows.iter().filter(|found| found.webhook_id == row.id).count(), 1);
    assert_eq!(rows.iter().filter(|found| found.webhook_id == other.id).count(), 4);
    patched(&world, &row, Some(sound)).await;
    assert_eq!(
        filter_faults(&world.app, row.id),
        FilterFaults::default(),
        "counted anew"
    );
}

#[tokio::test]
async fn a_filter_that_cannot_work_is_refused_where_it_is_at_fault() {
    let world = World::new().await;
    let row = world.webhook_with("http://127.0.0.1:9/", filter("true")).await;
    for (source, reason) in [
        ("event.topic ==", "line 1, column 15: "),
        (
            "true &&\n  topic == 'PING'",
            "line 2, column 3: unknown name topic, there is event",
        ),
        (
            "event.payload == 1",
            "line 1, column 1: event has no payload, it has id, topic",
        ),
        ("event.topic", ""),
        ("event.topic + 'x'", "the result is not a boolean"),
        ("", "the expression is empty"),
    ] {
        let settings = Settings {
            url: Some("http://127.0.0.1:9/".into()),
            topics: Some(vec![WebhookTopic::LabelCreated]),
            auth_type: Some(entity::AuthType::None),
            filter: Some(Some(source.into())),
            ..Settings::default()
        };
        let new = New {
            settings,
            ..New::default()
        };
        let patch = Settings {
            filter: Some(Some(source.into())),
            ..Settings::default()
        }
        .into();
        let made = labelhook_core::webhook::create(&world.app, &world.owner, new).await;
        let changed = labelhook_core::webhook::update(&world.app, &world.owner, &row.id.to_string(), patch).await;
        if reason.is_empty() {
            assert!(
                made.is_ok() && changed.is_ok(),
                "whether a member is a boolean shows at run time"
            );
            continue;
        }
        for refused in [made, changed] {
            let (field, found) = invalid(refused.unwrap_err());
            assert_eq!(field, "filter", "{source}");
            assert!(found.contains(reason), "{source}: {found}");
        }
    }
}

#[tokio::test]
async fn a_new_filter_holds_at_once_and_none_lets_everything_through() {
    let world = World::new().await;
    let label = world.annotated().await;
    let row = world.webhook_with("http://127.0.0.1:9/", filter("false")).await;
    world.publish(&label).await;
    assert_eq!(world.notifications().await.len(), 0);
    patched(&world, &row, Some("event.data.label.secondsToLabel >= 0.0")).await;
    world.publish(&label).await;
    assert_eq!(world.notifications().await.len(), 1);
    patched(&world, &row, Some("false")).await;
    world.publish(&label).await;
    assert_eq!(world.notifications().await.len(), 1);
    assert_eq!(patched(&world, &row, None).await.filter, None);
    world.publish(&label).await;
    assert_eq!(world.notifications().await.len(), 2);
}

#[tokio::test]
async fn a_filter_holds_after_a_restart() {
    let world = World::new().await;
    let label = world.annotated().await;
    let row = world
        .webhook_with("http://127.0.0.1:9/", filter("event.topic == 'LABEL_CREATED'"))
        .await;
    let world = world.restart().await;
    world.publish(&label).await;
    world.publish_as(label.data(), Change::Updated).await;
    let sent = world.notification().await;
    assert_eq!((sent.webhook_id, sent.topic), (row.id, WebhookTopic::LabelCreated));
}

#[tokio::test]
async fn a_large_annotation_does_no_harm_to_a_filter_on_something_else() {
    let world = World::new().await;
    let label = world.annotated().await;
    world
        .webhook_with("http://127.0.0.1:9/", filter("event.data.dataRow.rowData != ''"))
        .await;
    let reads = world
        .webhook_with("http://127.0.0.1:9/", filter("event.data.label.label.contains('x')"))
        .await;
    let mut change = label.change();
    change.label.label = "x".repeat(1 << 20).as_str().into();
    world.publish_as(Data::Label(Box::new(change)), Change::Created).await;
    assert_eq!(world.notifications().await.len(), 1);
    let faults = filter_faults(&world.app, reads.id);
    assert_eq!((faults.count, faults.last.as_deref()), (1, Some("event is too large")));
}

#[tokio::test]
async fn what_a_person_sends_is_not_filtered() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let label = world.annotated().await;
    let row = world.webhook(&receiver.url()).await;
    world.publish(&label).await;
    world.deliver().await;
    let sent = world.notification().await;
    patched(&world, &row, Some("false")).await;
    notification::redeliver(&world.app, &world.owner, &sent.id.to_string())
        .await
        .unwrap();
    world.deliver().await;
    assert_eq!(receiver.count(), 2);
    let id = row.id.to_string();
    let (ping, ()) = tokio::join!(notification::ping(&world.app, &world.owner, &id), async {
        // Its commit is seen a moment before its lane has it.
        while receiver.count() < 3 {
            world.deliver().await;
        }
    });
    assert_eq!(ping.unwrap().status, NotificationStatus::Succeeded);
    assert_eq!(receiver.count(), 3);
}
