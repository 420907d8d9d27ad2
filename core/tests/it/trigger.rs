//! Samples on demand: of every topic, marked as tests, to listeners or to one webhook.

use crate::support::{Receiver, World, invalid};
use entity::{NotificationStatus::*, WebhookTopic, event};
use labelhook_core::{
    Error, listener,
    notification::{self, Trigger},
    replay,
    webhook::{New, Settings},
};
use sea_orm::{EntityTrait, Iterable};

fn of(topic: WebhookTopic) -> Trigger {
    Trigger {
        topic,
        webhook: None,
        project: None,
    }
}

async fn events(world: &World) -> Vec<event::Model> {
    event::Entity::find().all(world.app.db.read()).await.unwrap()
}

#[tokio::test]
async fn every_topic_has_a_sample_that_is_sent_as_a_test() {
    let world = World::new().await;
    let receiver = Receiver::ok().await;
    let webhook = world.webhook(&receiver.url()).await;
    let topics = WebhookTopic::iter().filter(|topic| *topic != WebhookTopic::ReviewDeleted);
    for (index, topic) in topics.enumerate() {
        let trigger = Trigger {
            webhook: Some(webhook.id.to_string()),
            ..of(topic)
        };
        let sent = notification::trigger(&world.app, &world.owner, trigger).await.unwrap();
        assert_eq!((sent.len(), sent[0].topic), (1, topic));
        world.deliver().await;
        let requests = receiver.requests();
        assert_eq!(requests.len(), index + 1, "{topic:?}");
        assert_eq!(requests[index].headers["x-labelbox-event"], topic.as_str());
    }
    assert!(events(&world).await.iter().all(|event| event.test));
    assert_eq!(world.status_count(Succeeded).await, receiver.requests().len());
}

#[tokio::test]
async fn a_topic_without_a_sample_is_refused_with_those_that_have_one() {
    let world = World::new().await;
    let refused = notification::trigger(&world.app, &world.owner, of(WebhookTopic::ReviewDeleted)).await;
    let (field, reason) = invalid(refused.unwrap_err());
    assert_eq!(field, "topic");
    assert!(
        reason.contains("REVIEW_DELETED; there are LABEL_CREATED, LABEL_UPDATED"),
        "{reason}"
    );
}

#[tokio::test]
async fn listeners_are_sent_to_unless_a_webhook_is_named() {
    let world = World::new().await;
    let refused = notification::trigger(&world.app, &world.owner, of(WebhookTopic::LabelCreated)).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "nobody listens");
    world.webhook("http://127.0.0.1:9/").await;
    let change = world.annotated().await;
    let project = change.project.id.to_string();
    let new = |project_id: Option<&str>| New {
        project_id: project_id.map(str::to_owned),
        settings: Settings {
            url: Some("http://localhost:3000/".into()),
            ..Settings::default()
        },
        ..New::default()
    };
    let other = world.annotated().await.project.id.to_string();
    let mut made = Vec::new();
    for project_id in [None, Some(&*project), Some(&*other)] {
        let listener = listener::create(&world.app, &world.owner, new(project_id))
            .await
            .unwrap();
        made.push(listener.webhook.id);
    }
    let sent = notification::trigger(&world.app, &world.owner, of(WebhookTopic::LabelCreated))
        .await
        .unwrap();
    assert_eq!(sent.iter().map(|row| row.webhook_id).collect::<Vec<_>>(), made);
    let trigger = Trigger {
        project: Some(project),
        ..of(WebhookTopic::LabelDeleted)
    };
    let sent = notification::trigger(&world.app, &world.owner, trigger.clone())
        .await
        .unwrap();
    assert_eq!(sent.iter().map(|row| row.webhook_id).collect::<Vec<_>>(), made[..2]);
    assert!(sent.iter().all(|row| row.project_id == Some(change.project.id)));
    let both = Trigger {
        webhook: Some(made[0].to_string()),
        ..trigger
    };
    let refused = notification::trigger(&world.app, &world.owner, both).await;
    assert_eq!(invalid(refused.unwrap_err()).0, "project");
}

#[tokio::test]
async fn a_test_is_nothing_that_a_webhook_has_missed() {
    let world = World::new().await;
    let (receiver, missing) = (Receiver::ok().await, Receiver::ok().await);
    let webhook = world.webhook(&receiver.url()).await;
    let other = world.webhook(&missing.url()).await;
    let trigger = Trigger {
        webhook: Some(webhook.id.to_string()),
        ..of(WebhookTopic::LabelCreated)
    };
    notification::trigger(&world.app, &world.owner, trigger).await.unwrap();
    world.deliver().await;
    let start = replay::Start {
        missed_by: Some(other.id.to_string()),
        ..replay::Start::default()
    };
    assert_eq!(replay::start(&world.app, &world.owner, start).await.unwrap().total, 0);
}
