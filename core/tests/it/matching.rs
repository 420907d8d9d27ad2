//! Tests of the webhooks that an event goes to, and of the input that is refused when a webhook is created or changed.

use crate::support::{World, invalid, limited};
use entity::{AuthType, Role, WebhookStatus, WebhookTopic, project};
use labelhook_core::{
    Error,
    event::{Change, Data},
    webhook::{self, New, Patch, Retry, Settings},
};
use sea_orm::{ActiveModelTrait, IntoActiveModel, Set};

const URL: &str = "http://127.0.0.1:9/";

#[tokio::test]
async fn an_event_goes_to_the_webhooks_of_its_topic_and_project() {
    use WebhookTopic::*;
    let world = World::new().await;
    let (mine, other) = (world.annotated().await, world.annotated().await);
    let everything = world.webhook(URL).await.id;
    let created = world
        .webhook_with(URL, |new| new.settings.topics = Some(vec![LabelCreated]))
        .await
        .id;
    let of_mine = world
        .webhook_with(URL, |new| new.project_id = Some(mine.project.id.to_string()))
        .await
        .id;
    let reviews_of_other = world
        .webhook_with(URL, |new| {
            new.project_id = Some(other.project.id.to_string());
            new.settings.topics = Some(vec![ReviewCreated, ReviewUpdated]);
        })
        .await
        .id;
    let off = world.webhook(URL).await;
    let patch = Patch {
        status: Some(WebhookStatus::Inactive),
        ..Patch::default()
    };
    webhook::update(&world.app, &world.owner, &off.id.to_string(), patch)
        .await
        .unwrap();
    let table: [(Data, Change, WebhookTopic, &[_]); 6] = [
        (
            mine.data(),
            Change::Created,
            LabelCreated,
            &[everything, created, of_mine],
        ),
        (mine.data(), Change::Updated, LabelUpdated, &[everything, of_mine]),
        (other.data(), Change::Created, LabelCreated, &[everything, created]),
        (other.data(), Change::Deleted, LabelDeleted, &[everything]),
        (
            other.reviewed(1.0),
            Change::Created,
            ReviewCreated,
            &[everything, reviews_of_other],
        ),
        (
            other.reviewed(1.0),
            Change::Deleted,
            ReviewUpdated,
            &[everything, reviews_of_other],
        ),
    ];
    for (data, change, topic, expected) in table {
        let event = world.publish_as(data, change).await;
        assert_eq!(event.topic, topic);
        let rows = world.notifications().await;
        let rows = rows.iter().filter(|row| row.event_id == event.id);
        let mut got: Vec<_> = rows.map(|row| row.webhook_id).collect();
        got.sort();
        assert_eq!(got, expected, "{topic:?}");
    }
}

#[tokio::test]
async fn a_webhook_of_another_organization_never_matches() {
    let world = World::new().await;
    world.webhook(URL).await;
    let label = world.annotated().await;
    let foreign = entity::OrganizationId::new();
    crate::support::publish(&world.app, foreign, label.data(), Change::Created)
        .await
        .unwrap();
    assert!(world.notifications().await.is_empty());
    assert_eq!(world.number("SELECT count(*) FROM payload").await, 0, "nobody wants it");
}

#[tokio::test]
async fn a_webhook_that_has_changed_is_matched_as_it_is_now() {
    let world = World::new().await;
    let created = world
        .webhook_with(URL, |new| new.settings.topics = Some(vec![WebhookTopic::LabelDeleted]))
        .await;
    let label = world.annotated().await;
    world.publish(&label).await;
    assert!(world.notifications().await.is_empty());
    let patch = Settings {
        topics: Some(vec![WebhookTopic::LabelCreated]),
        ..Settings::default()
    }
    .into();
    webhook::update(&world.app, &world.owner, &created.id.to_string(), patch)
        .await
        .unwrap();
    world.publish(&label).await;
    assert_eq!(world.notifications().await.len(), 1);
}

type Spoil = fn(&mut New);

fn new() -> New {
    New {
        project_id: None,
        secret: Some("secret".into()),
        settings: Settings {
            url: Some(URL.into()),
            topics: Some(vec![WebhookTopic::LabelCreated]),
            ..Settings::default()
        },
    }
}

#[tokio::test]
async fn a_webhook_that_cannot_be_is_refused_by_field_and_nothing_is_made() {
    let world = World::new().await;
    let table: [(&str, Spoil); 10] = [
        ("topics", |new| new.settings.topics = Some(vec![])),
        ("url", |new| new.settings.url = Some("ftp://example.com".into())),
        ("secret", |new| new.secret = None),
        ("secret", |new| new.secret = Some(String::new())),
        ("bearerToken", |new| new.settings.auth_type = Some(AuthType::Bearer)),
        ("authorizationHeader", |new| {
            new.settings.auth_type = Some(AuthType::Header)
        }),
        ("headers", |new| {
            new.settings.headers = Some(serde_json::json!({"Host": "x"}))
        }),
        ("timeoutMs", |new| new.settings.timeout_ms = Some(999)),
        ("maxInFlight", |new| new.settings.max_in_flight = Some(0)),
        ("retryPolicy.maxAttempts", |new| {
            new.settings.retry.max_attempts = Some(0)
        }),
    ];
    for (field, change) in table {
        let mut input = new();
        change(&mut input);
        let refused = webhook::create(&world.app, &world.owner, input).await.unwrap_err();
        assert_eq!(invalid(refused).0, field);
    }
    assert_eq!(world.number("SELECT count(*) FROM webhook").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM webhook_secret").await, 0);
}

#[tokio::test]
async fn a_webhook_belongs_to_a_live_project_that_its_maker_sees() {
    let world = World::new().await;
    let (mine, other) = (world.annotated().await, world.annotated().await);
    let gone = mine.project.clone();
    let deleted = world.annotated().await.project;
    let id = deleted.id;
    world
        .write(move |txn| {
            Box::pin(async move {
                let mut row: project::ActiveModel = deleted.into_active_model();
                row.deleted = Set(true);
                Ok(row.update(txn.conn()).await.map(drop)?)
            })
        })
        .await
        .unwrap();
    let make = async |actor: &labelhook_core::auth::Actor, project_id: Option<String>| {
        let input = New { project_id, ..new() };
        webhook::create(&world.app, actor, input).await
    };
    let refused = make(&world.owner, Some(id.to_string())).await.unwrap_err();
    assert_eq!(invalid(refused).0, "project");
    for unknown in ["nonsense".to_owned(), entity::ProjectId::new().to_string()] {
        let refused = make(&world.owner, Some(unknown)).await.unwrap_err();
        assert!(
            matches!(refused, Error::NotFound { noun: "project", .. }),
            "{refused:?}"
        );
    }
    let key = limited(&world.owner, [gone.id]);
    assert!(matches!(make(&key, None).await, Err(Error::Forbidden(_))));
    let refused = make(&key, Some(other.project.id.to_string())).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })));
    let made = make(&key, Some(gone.id.to_string())).await.unwrap();
    let of_all = make(&world.owner, None).await.unwrap();
    assert!(webhook::get(&world.app, &key, &made.id.to_string()).await.is_ok());
    let hidden = webhook::get(&world.app, &key, &of_all.id.to_string()).await;
    assert!(matches!(hidden, Err(Error::NotFound { .. })));
    for role in [Role::WorkforceManager, Role::User, Role::Worker] {
        let actor = world.actor(role).await;
        assert!(matches!(make(&actor, None).await, Err(Error::Forbidden(_))), "{role:?}");
    }
}

#[tokio::test]
async fn a_change_that_is_refused_changes_nothing() {
    let world = World::new().await;
    let mut unsigned = new();
    (unsigned.settings.auth_type, unsigned.secret) = (Some(AuthType::None), None);
    let created = webhook::create(&world.app, &world.owner, unsigned).await.unwrap();
    let id = created.id.to_string();
    let none = Settings::default;
    let table = [
        (
            "topics",
            Settings {
                topics: Some(vec![]),
                ..none()
            },
        ),
        (
            "url",
            Settings {
                url: Some("http://u:p@example.com".into()),
                ..none()
            },
        ),
        (
            "bearerToken",
            Settings {
                auth_type: Some(AuthType::Bearer),
                ..none()
            },
        ),
        (
            "authType",
            Settings {
                auth_type: Some(AuthType::Secret),
                ..none()
            },
        ),
        (
            "headers",
            Settings {
                headers: Some(serde_json::json!([])),
                ..none()
            },
        ),
        (
            "timeoutMs",
            Settings {
                timeout_ms: Some(30_001),
                ..none()
            },
        ),
        (
            "maxInFlight",
            Settings {
                max_in_flight: Some(257),
                ..none()
            },
        ),
        (
            "description",
            Settings {
                description: Some("x".repeat(2_001)),
                ..none()
            },
        ),
        (
            "retryPolicy.jitter",
            Settings {
                retry: Retry {
                    jitter: Some(2.0),
                    ..Retry::default()
                },
                ..none()
            },
        ),
    ];
    for (field, settings) in table {
        let patch = Patch::from(Settings {
            description: settings.description.or(Some("changed".into())),
            ..settings
        });
        let refused = webhook::update(&world.app, &world.owner, &id, patch).await.unwrap_err();
        assert_eq!(invalid(refused).0, field);
    }
    assert_eq!(webhook::get(&world.app, &world.owner, &id).await.unwrap(), created);
}
