//! An item whose step fails stops no other. The faults are real: a trigger in the test's own database refuses the
//! change of one row.

use crate::support::{Receiver, World, annotated, organization, publish};
use entity::{ReplayStatus, WebhookStatus, deletion, event, label, webhook};
use labelhook_core::{
    Error,
    background::{deletions, listeners, replays, retention},
    data_row,
    event::Change,
    listener::{self, RECONNECT_TIMEOUT},
    replay::{self, Start},
    webhook::{New, Settings},
};
use sea_orm::{ConnectionTrait, EntityTrait};
use servers::Database;
use std::time::Duration;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Changes that the database refuses until this is lifted.
struct Refusal {
    table: &'static str,
}

impl Refusal {
    /// Refuses a change (`UPDATE` or `DELETE`) of the rows that have this id in this column.
    async fn of(world: &World, change: &str, table: &'static str, column: &str, id: Uuid) -> Self {
        let condition = format!("OLD.{column} = {}", world.literal(id));
        let made = match Database::is_postgres() {
            true => format!(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'refused by a test'; END $$; \
                 CREATE TRIGGER refused BEFORE {change} ON {table} FOR EACH ROW WHEN ({condition}) \
                 EXECUTE FUNCTION refuse()"
            ),
            false => format!(
                "CREATE TRIGGER refused BEFORE {change} ON {table} WHEN {condition} \
                 BEGIN SELECT RAISE(ABORT, 'refused by a test'); END"
            ),
        };
        run(world, made).await;
        Self { table }
    }

    async fn lift(self, world: &World) {
        let dropped = match Database::is_postgres() {
            true => format!("DROP TRIGGER refused ON {}; DROP FUNCTION refuse()", self.table),
            false => "DROP TRIGGER refused".to_owned(),
        };
        run(world, dropped).await;
    }
}

async fn run(world: &World, sql: String) {
    world
        .write(move |txn| Box::pin(async move { Ok(txn.conn().execute_unprepared(&sql).await.map(drop)?) }))
        .await
        .unwrap();
}

#[track_caller]
fn assert_fault<T: std::fmt::Debug>(run: Result<T, Error>) {
    assert!(matches!(run, Err(Error::Internal(_))), "{run:?}");
}

async fn is_deleted(world: &World, of: &label::Model) -> bool {
    let row = label::Entity::find_by_id(of.id).one(world.app.db.read()).await;
    row.unwrap().unwrap().deleted
}

/// Deletions that are not done.
async fn deletions_left(world: &World) -> usize {
    let rows = deletion::Entity::find().all(world.app.db.read()).await.unwrap();
    rows.iter().filter(|row| row.done_at.is_none()).count()
}

#[tokio::test]
async fn a_deletion_that_fails_stops_no_later_one_and_is_done_when_it_can_be() {
    let world = World::new().await;
    let (broken, whole) = (world.annotated().await, world.annotated().await);
    for of in [&broken, &whole] {
        let id = of.data_row.id.to_string();
        data_row::delete(&world.app, &world.owner, &[id]).await.unwrap();
    }
    let refusal = Refusal::of(&world, "UPDATE", "label", "id", broken.label.id.0).await;
    assert_fault(deletions::run_until_idle(&world.app).await);
    assert!(is_deleted(&world, &whole.label).await);
    assert!(!is_deleted(&world, &broken.label).await);
    assert_eq!(deletions_left(&world).await, 1);

    refusal.lift(&world).await;
    deletions::run_until_idle(&world.app).await.unwrap();
    assert!(is_deleted(&world, &broken.label).await);
    assert_eq!(deletions_left(&world).await, 0);
}

/// The organizations that have an event left.
async fn with_events(world: &World) -> Vec<entity::OrganizationId> {
    let rows = event::Entity::find().all(world.app.db.read()).await.unwrap();
    rows.into_iter().map(|row| row.organization_id).collect()
}

#[tokio::test]
async fn an_organization_whose_log_cannot_be_removed_stops_no_later_one() {
    let world = World::new().await;
    world.publish(&world.annotated().await).await;
    let (other, owner) = organization(&world.app).await;
    let change = annotated(&world.app, other, &owner).await;
    publish(&world.app, other, change.data(), Change::Created)
        .await
        .unwrap();
    world.clock.advance(38 * DAY);
    let broken = world.organization_id;
    let refusal = Refusal::of(&world, "DELETE", "event", "organization_id", broken.0).await;
    assert_fault(retention::run_until_idle(&world.app).await);
    assert_eq!(with_events(&world).await, [broken]);

    refusal.lift(&world).await;
    retention::run_until_idle(&world.app).await.unwrap();
    assert_eq!(with_events(&world).await, []);
}

async fn listeners_webhook(world: &World) -> webhook::Model {
    let settings = Settings {
        url: Some("http://localhost:3000/hook".into()),
        ..Settings::default()
    };
    let new = New {
        settings,
        ..New::default()
    };
    listener::create(&world.app, &world.owner, new).await.unwrap().webhook
}

async fn row(world: &World, of: &webhook::Model) -> webhook::Model {
    let row = webhook::Entity::find_by_id(of.id).one(world.app.db.read()).await;
    row.unwrap().unwrap()
}

#[tokio::test]
async fn a_listeners_webhook_that_cannot_be_removed_stops_no_later_one() {
    let world = World::new().await;
    let (broken, whole) = (listeners_webhook(&world).await, listeners_webhook(&world).await);
    world.clock.advance(RECONNECT_TIMEOUT);
    let refusal = Refusal::of(&world, "UPDATE", "webhook", "id", broken.id.0).await;
    assert_fault(listeners::run_until_idle(&world.app).await);
    assert_eq!(row(&world, &whole).await.status, WebhookStatus::Revoked);
    assert_eq!(row(&world, &whole).await.listener_seen_at, None, "it is over");
    assert_eq!(row(&world, &broken).await.status, WebhookStatus::Active);

    refusal.lift(&world).await;
    listeners::run_until_idle(&world.app).await.unwrap();
    assert_eq!(row(&world, &broken).await.status, WebhookStatus::Revoked);
}

#[tokio::test]
async fn a_departure_that_cannot_be_written_stops_no_other_and_is_written_later() {
    let world = World::new().await;
    let (broken, whole) = (listeners_webhook(&world).await, listeners_webhook(&world).await);
    for of in [&broken, &whole] {
        let attached = listener::attach(&world.app, &world.owner, &of.id.to_string()).await;
        drop(attached.unwrap());
    }
    let refusal = Refusal::of(&world, "UPDATE", "webhook", "id", broken.id.0).await;
    assert_fault(listeners::run_until_idle(&world.app).await);
    assert_eq!(row(&world, &whole).await.listener_node, None);
    assert!(row(&world, &broken).await.listener_node.is_some());

    refusal.lift(&world).await;
    listeners::run_until_idle(&world.app).await.unwrap();
    assert_eq!(row(&world, &broken).await.listener_node, None);
}

#[tokio::test]
async fn a_part_of_a_replay_that_fails_stops_no_other() {
    let (world, receiver) = (World::new().await, Receiver::ok().await);
    let (broken, _whole) = (
        world.webhook(&receiver.url()).await,
        world.webhook(&receiver.url()).await,
    );
    world.publish(&world.annotated().await).await;
    world.deliver().await;
    let begun = replay::start(&world.app, &world.owner, Start::default()).await.unwrap();
    let refusal = Refusal::of(&world, "UPDATE", "replay_part", "webhook_id", broken.id.0).await;
    assert_fault(replays::run_until_idle(&world.app).await);
    let now = async || {
        replay::get(&world.app, &world.owner, &begun.id.to_string())
            .await
            .unwrap()
    };
    assert_eq!((now().await.status, now().await.done), (ReplayStatus::Running, 1));

    refusal.lift(&world).await;
    replays::run_until_idle(&world.app).await.unwrap();
    assert_eq!((now().await.status, now().await.done), (ReplayStatus::Succeeded, 2));
}
