//! Two nodes over one PostgreSQL database.

use super::{TEST_TIMEOUT, TestBus, over_nats};
use crate::{
    support::{World, publish},
    workflow::support::{Flow, labelled_then_sent},
};
use entity::WebhookId;
use labelhook_core::{
    App, Config, Error,
    api_key::{self, New},
    background::{heartbeat, hints},
    bus::{Choice, Message, memory::Hub},
    event::{self, Change},
    live, notification, task, webhook,
};
use servers::{Nats, Postgres};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// For how long a node keeps what it has read of a webhook and hears nothing of.
const KEPT: Duration = Duration::from_secs(60);

/// Two nodes; the database is that of a third, which is silent.
struct Two {
    one: World,
    other: Arc<App>,
    _database: World,
    _nats: Option<Nats>,
    _stop: DropGuard,
}

impl Two {
    /// With this bus, or with one that drops everything.
    async fn with(choice: Option<Choice>, nats: Option<Nats>) -> Self {
        let database = World::on_postgres().await;
        let config = Config {
            bus: choice.clone().unwrap_or_default(),
            ..database.config()
        };
        let one = World::over(config.clone()).await;
        let other = App::open(config).await.unwrap();
        let stop = CancellationToken::new();
        if choice.is_some() {
            for app in [&one.app, &other] {
                tokio::spawn(hints::run(Arc::clone(app), stop.clone()));
            }
        }
        Self {
            one,
            other,
            _database: database,
            _nats: nats,
            _stop: stop.drop_guard(),
        }
    }
}

/// Every bus, and none.
async fn all() -> Vec<Two> {
    if Postgres::shared().await.is_none() {
        return Vec::new();
    }
    let mut all = vec![
        Two::with(None, None).await,
        Two::with(Some(Choice::Memory(Hub::default())), None).await,
        Two::with(Some(Choice::Postgres), None).await,
    ];
    if let Some(test_bus) = over_nats().await {
        all.push(Two::with(Some(test_bus.choice), test_bus.nats).await);
    }
    all
}

async fn soon<T>(waited: impl Future<Output = T>) -> T {
    timeout(TEST_TIMEOUT, waited).await.expect("it comes")
}

#[tokio::test]
async fn a_subscriber_sees_what_another_node_accepts_in_order_and_once_whatever_the_bus_loses() {
    for Two { one, other, .. } in &all().await {
        one.webhook("http://127.0.0.1:9/hook").await;
        let change = one.annotated().await;
        let everything = event::Filter::default();
        let mut events = live::events(other, &one.owner, everything, None).await.unwrap();
        let every = notification::Filter::default();
        let mut notifications = live::notifications(other, &one.owner, every, None).await.unwrap();
        for _ in 0..3 {
            let mut accepted = Vec::new();
            for _ in 0..10 {
                let row = publish(&one.app, one.organization_id, change.data(), Change::Created).await;
                accepted.push(row.unwrap().id);
            }
            for id in accepted {
                assert_eq!(soon(events.next()).await.unwrap().id, id);
                assert_eq!(soon(notifications.next()).await.unwrap().row.event_id, id);
            }
        }
    }
}

#[tokio::test]
async fn a_subscriber_sees_how_tasks_move_on_another_node() {
    for Two { one, other, .. } in &heard().await {
        let flow = Flow::new(one, labelled_then_sent("http://127.0.0.1:9/hook")).await;
        let mut told = live::tasks(other, &one.owner, task::Filter::default()).unwrap();
        let made = flow.task().await;
        assert_eq!(soon(told.next()).await.unwrap().row, made);
        flow.submit(&made).await.unwrap();
        assert_eq!(soon(told.next()).await.unwrap().row, flow.now(&made).await);
    }
}

#[tokio::test]
async fn what_happens_all_the_time_is_told_to_nobody_while_nobody_else_is_there() {
    if Postgres::shared().await.is_none() {
        return;
    }
    let database = World::on_postgres().await;
    heartbeat::leave(&database.app).await;
    let choice = Choice::Memory(Hub::default());
    let (stop, test_bus) = (CancellationToken::new(), TestBus::over(choice.clone()));
    let ear = test_bus.end(0).await;
    let config = Config {
        bus: choice,
        ..database.config()
    };
    let one = World::over(config.clone()).await;
    tokio::spawn(hints::run(Arc::clone(&one.app), stop.clone()));
    let change = one.annotated().await;
    let changes = async || {
        let row = publish(&one.app, one.organization_id, change.data(), Change::Created).await;
        row.unwrap();
    };
    changes().await;
    one.app.bus.tell(Message::due([WebhookId::new()]));
    let heard = soon(async {
        let mut heard = Message::default();
        while heard.due.is_empty() {
            heard.append(ear.heard.next().await);
        }
        heard
    });
    assert!(heard.await.feed.is_empty(), "it is alone");
    let _other = App::open(config).await.unwrap();
    heartbeat::step(&one.app).await.unwrap();
    ear.hears(&Message::feeds()).await;
    changes().await;
    ear.hears(&Message::feed([one.organization_id])).await;
    stop.cancel();
}

/// Over a bus that carries, since what a node keeps it keeps for ten seconds.
async fn heard() -> Vec<Two> {
    let mut all = all().await;
    if !all.is_empty() {
        drop(all.remove(0));
    }
    all
}

#[tokio::test]
async fn a_key_that_is_revoked_on_one_node_is_refused_on_the_others() {
    for Two { one, other, .. } in &heard().await {
        let new = New {
            name: "for a test".into(),
            user_id: None,
            projects: None,
            expires_at: None,
        };
        let made = api_key::create(&one.app, &one.owner, new).await.unwrap();
        let mut changes = api_key::changes(other);
        api_key::authenticate(other, &made.key).await.unwrap();
        let id = made.row.id.to_string();
        api_key::revoke(&one.app, &one.owner, &id).await.unwrap();
        while let Ok(actor) = api_key::authenticate(other, &made.key).await {
            assert_eq!(actor.key_id, made.row.id);
            // Nothing but a hint says that keys have changed: what is kept too long is only looked up again.
            soon(changes.changed()).await.unwrap();
        }
        let refused = api_key::authenticate(other, &made.key).await;
        assert!(matches!(refused, Err(Error::Unauthenticated(_))));
    }
}

#[tokio::test]
async fn a_webhook_that_changes_on_one_node_is_read_anew_by_the_others() {
    for Two { one, other, .. } in &heard().await {
        let id = one.webhook("http://127.0.0.1:9/old").await.id;
        let cache = &other.delivery_settings;
        let target = async || {
            let found = cache.of(other.db.read(), &other.keyring, other.clock.now(), id).await;
            found.unwrap().unwrap()
        };
        assert!(target().await.url.as_str().ends_with("/old"));
        let patch = webhook::Settings {
            url: Some("http://127.0.0.1:9/new".into()),
            ..webhook::Settings::default()
        }
        .into();
        webhook::update(&one.app, &one.owner, &id.to_string(), patch)
            .await
            .unwrap();
        let read = async {
            while !target().await.url.as_str().ends_with("/new") {
                tokio::task::yield_now().await;
            }
        };
        timeout(KEPT * 3 / 4, read).await.expect("a hint");
    }
}
