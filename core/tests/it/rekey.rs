//! Tests of changing the master key: every sealed value is sealed under the new key, even if the change is interrupted.

use crate::support::{Receiver, START, World};
use entity::{AuthType, webhook};
use labelhook_core::{
    App, Clock, Config, Error,
    admin::rekey::{BATCH_SIZE, Position, Rekey, SEALED},
    idempotency::{self, Begun, Request, StoredResponse},
    secret::Keyring,
    webhook::{Rotation, rotate},
};
use sea_orm::{ConnectionTrait, Database, EntityTrait, Statement, sea_query::Expr};
use std::{collections::BTreeSet, sync::Arc};

const KEYS: [&str; 3] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
];

fn key(number: usize) -> Keyring {
    Keyring::from_base64(KEYS[number]).unwrap()
}

/// A database that can be opened with different keys.
struct Disk {
    _folder: tempfile::TempDir,
    database: servers::Database,
}

impl Disk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            database: servers::Database::new(folder.path()).await,
            _folder: folder,
        }
    }

    fn config(&self, number: usize) -> Config {
        Config {
            clock: Clock::mock(START),
            guard: labelhook_core::delivery::guard::Guard::new(vec!["127.0.0.0/8".parse().unwrap()], vec![]),
            ..Config::new(
                self.database.url().to_owned(),
                Arc::new(key(number)),
                Arc::new(crate::support::shaper::Words),
            )
        }
    }

    async fn rekey(&self, from: usize, to: usize) -> labelhook_core::Result<Rekey> {
        Rekey::open(self.config(from), || Ok(key(to))).await
    }

    /// Returns the error of a server that is started with this key. Panics if the server starts.
    async fn refuses(&self, number: usize) -> String {
        match App::open(self.config(number)).await {
            Ok(_) => panic!("it starts"),
            Err(error) => error.to_string(),
        }
    }

    /// Ends the process and, on PostgreSQL, removes its row among the nodes.
    async fn end(&self, world: World) {
        drop(world);
        if servers::Database::is_postgres() {
            let db = Database::connect(self.database.url()).await.unwrap();
            db.execute_unprepared("DELETE FROM node").await.unwrap();
            db.close().await.unwrap();
        }
    }

    /// Sets the last heartbeat of the only node to this long ago.
    async fn was_seen(&self, ago: &str) {
        let db = Database::connect(self.database.url()).await.unwrap();
        let seen = format!(
            "UPDATE node SET seen_at = (extract(epoch FROM clock_timestamp() - interval '{ago}') * 1000000)::bigint"
        );
        assert_eq!(db.execute_unprepared(&seen).await.unwrap().rows_affected(), 1);
        db.close().await.unwrap();
    }

    async fn values(&self, sql: &str) -> Vec<String> {
        let db = Database::connect(self.database.url()).await.unwrap();
        let rows = db
            .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
            .await;
        let values = rows
            .unwrap()
            .iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect();
        db.close().await.unwrap();
        values
    }

    /// Returns the ids of the keys under which the stored values are sealed.
    async fn keys_in_use(&self) -> BTreeSet<String> {
        let of = |(table, column): &(&str, &str)| {
            let column = format!("\"{column}\"");
            let id = match servers::Database::is_postgres() {
                true => format!("encode(substr({column}, 2, 4), 'hex')"),
                false => format!("lower(hex(substr({column}, 2, 4)))"),
            };
            format!("SELECT {id} FROM {table} WHERE {column} IS NOT NULL")
        };
        let all: Vec<String> = SEALED.iter().map(of).collect();
        self.values(&all.join(" UNION ALL ")).await.into_iter().collect()
    }
}

/// Fills every sealed column, with more secrets than one step takes. Returns the number of sealed values.
async fn furnished(world: &World, url: &str) -> usize {
    let bearer = |new: &mut labelhook_core::webhook::New| {
        new.settings.auth_type = Some(AuthType::Bearer);
        new.settings.bearer_token = Some("the-token".into());
        new.settings.headers = Some(serde_json::json!({"X-Custom": "the-value"}));
    };
    let row = world.webhook_with(url, bearer).await;
    let rotation = Rotation {
        secret: Some("second".into()),
        grace_seconds: None,
    };
    rotate(&world.app, &world.owner, &row.id.to_string(), rotation)
        .await
        .unwrap();
    for _ in 0..BATCH_SIZE {
        world
            .webhook_with("https://example.com/a", |new| {
                new.settings.topics = Some(vec![entity::WebhookTopic::Ping])
            })
            .await;
    }
    let Begun::New(claim) = idempotency::begin(&world.app, &world.owner, request()).await.unwrap() else {
        panic!("a new key");
    };
    let answer = StoredResponse {
        status: 200,
        content_type: "application/json".into(),
        body: b"the answer".to_vec(),
    };
    idempotency::finish(&world.app, claim, answer, true).await.unwrap();
    2 + BATCH_SIZE + 1 + 1 + 1 + 1
}

fn request() -> Request {
    Request {
        key: "k".into(),
        content: b"what was asked".to_vec(),
    }
}

#[tokio::test]
async fn a_change_that_is_broken_off_is_refused_by_a_server_and_finished_with_the_same_keys() {
    let receiver = Receiver::ok().await;
    let disk = Disk::new().await;
    let world = World::over(disk.config(0)).await;
    let values = furnished(&world, &receiver.url()).await;
    let (label, owner) = (world.annotated().await, world.owner.clone());
    disk.end(world).await;

    let broken = disk.rekey(0, 1).await.unwrap();
    let mut seen = Vec::new();
    let next = broken
        .step(Position::default(), &mut |place| seen.push(place.values))
        .await
        .unwrap();
    assert!(next.is_some());
    assert_eq!(seen, [BATCH_SIZE as u64]);
    drop(broken);
    assert_eq!(disk.keys_in_use().await.len(), 2, "it is in the middle");
    for number in [0, 1] {
        let refused = disk.refuses(number).await;
        assert!(
            refused.contains("broken off") && refused.contains(&key(1).id()),
            "{refused}"
        );
    }
    for (from, to) in [(0, 2), (1, 2), (2, 1), (1, 0)] {
        match disk.rekey(from, to).await.map(|_| ()) {
            Err(Error::Invalid { field, reason }) => {
                assert_eq!(field, "newMasterKey");
                assert!(
                    reason.contains(&key(0).id()) && reason.contains(&key(1).id()),
                    "{reason}"
                );
            }
            other => panic!("{from} {to}: {other:?}"),
        }
    }

    let done = disk.rekey(0, 1).await.unwrap().run(|_| ()).await.unwrap();
    assert_eq!(done, values as u64);
    assert_eq!(disk.keys_in_use().await, BTreeSet::from([key(1).id()]));
    let again = disk.rekey(0, 1).await.unwrap().run(|_| ()).await.unwrap();
    assert_eq!(again, done, "a change that has ended can be run again");
    assert!(disk.refuses(0).await.contains("masterKey"));

    let app = App::open(disk.config(1)).await.unwrap();
    crate::support::publish(
        &app,
        owner.organization_id,
        label.data(),
        labelhook_core::event::Change::Created,
    )
    .await
    .unwrap();
    labelhook_core::dispatcher::run_until_idle(&app).await.unwrap();
    let sent = receiver.requests().pop().unwrap();
    assert_eq!(sent.headers["authorization"], "Bearer the-token");
    assert_eq!(sent.headers["x-custom"], "the-value");
    assert_eq!(sent.headers["webhook-signature"].split(' ').count(), 2);
    match idempotency::begin(&app, &owner, request()).await.unwrap() {
        Begun::Known(answer) => assert_eq!(answer.body, b"the answer"),
        _ => panic!("the first answer"),
    }
}

#[tokio::test]
async fn a_key_can_be_changed_back_and_forth() {
    let disk = Disk::new().await;
    let world = World::over(disk.config(0)).await;
    world.webhook("https://example.com/a").await;
    disk.end(world).await;
    for (from, to) in [(0, 1), (1, 0), (0, 1)] {
        assert_eq!(disk.rekey(from, to).await.unwrap().run(|_| ()).await.unwrap(), 1);
        assert_eq!(disk.keys_in_use().await, BTreeSet::from([key(to).id()]));
    }
    App::open(disk.config(1)).await.unwrap();
}

#[tokio::test]
async fn a_change_from_a_key_that_is_not_the_databases_changes_nothing() {
    let disk = Disk::new().await;
    let world = World::over(disk.config(0)).await;
    world.webhook("https://example.com/a").await;
    let held = disk.rekey(0, 1).await.map(|_| ()).unwrap_err().to_string();
    assert!(
        held.contains("in use by another process") || held.contains("is at work"),
        "{held}"
    );
    disk.end(world).await;
    for (from, to) in [(2, 1), (0, 0)] {
        let refused = disk.rekey(from, to).await.map(|_| ()).unwrap_err();
        assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
    }
    App::open(disk.config(0)).await.unwrap();
}

#[tokio::test]
async fn a_node_that_died_holds_a_change_up_for_five_minutes_and_no_longer() {
    if !servers::Database::is_postgres() {
        return;
    }
    let disk = Disk::new().await;
    let world = World::over(disk.config(0)).await;
    world.webhook("https://example.com/a").await;
    drop(world);
    disk.was_seen("290 seconds").await;
    let held = disk.rekey(0, 1).await.map(|_| ()).unwrap_err().to_string();
    assert!(held.contains("is at work"), "{held}");
    disk.was_seen("310 seconds").await;
    assert_eq!(disk.rekey(0, 1).await.unwrap().run(|_| ()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_value_that_opens_with_neither_key_is_named_and_nothing_is_lost() {
    let disk = Disk::new().await;
    let world = World::over(disk.config(0)).await;
    let row = world.webhook("https://example.com/a").await;
    world
        .write(move |txn| {
            Box::pin(async move {
                let bytes = vec![1_u8, 2, 3, 4, 5, 6, 7];
                let change = webhook::Entity::update_many().col_expr(webhook::Column::Headers, Expr::value(bytes));
                change.exec(txn.conn()).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    disk.end(world).await;
    let error = disk.rekey(0, 1).await.unwrap().run(|_| ()).await.unwrap_err();
    assert!(
        error.to_string().contains(&format!("webhook/{}/headers", row.id)),
        "{error}"
    );
    assert!(disk.refuses(0).await.contains("broken off"));
}

#[tokio::test]
async fn every_column_of_bytes_is_either_sealed_or_known_to_be_no_secret() {
    let disk = Disk::new().await;
    drop(App::open(disk.config(0)).await.unwrap());
    let columns = match servers::Database::is_postgres() {
        true => {
            "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
                 AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'bytea'::regtype"
        }
        false => {
            "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND lower(c.type) = 'blob'"
        }
    };
    let found: BTreeSet<String> = disk.values(columns).await.into_iter().collect();
    let sealed = SEALED.iter().map(|(table, column)| format!("{table}.{column}"));
    let plain = [
        "api_key.hash",
        "attempt.response_body",
        "payload.body",
        "payload.query_hash",
    ]
    .map(str::to_owned);
    assert_eq!(found, sealed.chain(plain).collect());
}
