//! Weeks on PostgreSQL. Ids carry the time of what they name, so the tables that grow with traffic are partitioned by the
//! range of their ids: a partition a week, made ahead, and one for whatever no week covers, so that no insert ever fails.
//!
//! A week that is too old for everybody is dropped whole. The few of its rows that are still needed go to the default
//! first, in the same transaction, and are removed from there when nothing needs them any more. (Keeping a whole week
//! would leave every week in place for as long as one switched-off webhook has something queued.) When they are many, the
//! week stays for now and loses its rows in steps.
//!
//! Whoever uses a table holds a lock on it until their commit, so dropping waits for them, and those that come meanwhile
//! wait behind it: for a moment only, since the locks are asked for with a short limit and again later. With them held
//! nobody is in the middle of anything: what is looked up then is all there is.

mod week;

use super::Pace;
use crate::{Result, sql::statement::raw};
use entity::{StageType, Timestamp};
use sea_orm::{
    ActiveEnum, ConnectionTrait, DatabaseConnection, DatabaseTransaction, FromQueryResult, Statement, TransactionTrait,
};
use std::collections::BTreeSet;
use tokio::time::Instant;
use week::Week;

/// What is partitioned, and by which column.
const TABLES: [(&str, &str); 4] = [
    ("event", "id"),
    ("payload", "id"),
    ("notification", "id"),
    ("attempt", "notification_id"),
];
/// Weeks made ahead of this one.
const AHEAD: i64 = 3;
/// Rows that are moved at most while everybody waits.
const MOVED: i64 = 2_000;
/// How often the locks are asked for in one pass.
const TRIES: usize = 5;
/// What the advisory lock is called.
const LOCK: i64 = 0x6c61_6265_6c72_6574;
/// For how long others may have to wait behind us for each table.
const PATIENCE: &str = "SET LOCAL lock_timeout = '200ms'";
/// What is needed still is little and is found on indexes, whatever the server has counted.
const ON_INDEXES: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
     SET LOCAL enable_mergejoin = off; SET LOCAL jit = off";

#[derive(FromQueryResult)]
struct Number {
    number: Option<i64>,
}

#[derive(FromQueryResult)]
struct Name {
    name: String,
}

/// Whether no other node does this now; until `conn` is closed, none will.
pub(super) async fn is_first(conn: &DatabaseConnection) -> Result<bool> {
    let taken = "SELECT pg_try_advisory_lock(?)::int::bigint AS number";
    let row = Number::find_by_statement(raw(conn, taken, [LOCK.into()]))
        .one(conn)
        .await?;
    Ok(row.and_then(|row| row.number) == Some(1))
}

/// Makes the partitions of this week and of some that come, where there are none.
pub(super) async fn make(conn: &DatabaseConnection, now: Timestamp) -> Result<()> {
    for (table, column) in TABLES {
        let known = weeks(conn, table).await?;
        for week in Week::of(now).and_next(AHEAD).filter(|week| !known.contains(week)) {
            if let Err(error) = make_one(conn, table, column, week).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    partition = week.name(table),
                    "a partition could not be made and is tried again"
                );
            }
        }
    }
    Ok(())
}

/// What came into the default before there was a partition for it moves there, unless it is so much that everybody would
/// have to wait.
async fn make_one(conn: &DatabaseConnection, table: &str, column: &str, week: Week) -> Result<()> {
    let name = week.name(table);
    let within = week.holds(column);
    let stray =
        format!("SELECT count(*) AS number FROM (SELECT 1 FROM {table}_default WHERE {within} LIMIT {MOVED}) AS found");
    if number(conn, &stray).await? == Some(MOVED) {
        tracing::warn!(
            partition = name,
            "the default partition holds too much of this week to make a partition of its own"
        );
        return Ok(());
    }
    let txn = conn.begin().await?;
    run(
        &txn,
        &[
            PATIENCE.to_owned(),
            format!("CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"),
            format!("LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE"),
            format!("LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE"),
            format!(
                "WITH moved AS (DELETE FROM {table}_default WHERE {within} RETURNING *) \
                 INSERT INTO {name} SELECT * FROM moved"
            ),
            format!("ALTER TABLE {table} ATTACH PARTITION {name} {}", week.bounds()),
        ],
    )
    .await?;
    Ok(txn.commit().await?)
}

/// Drops every week that ended before a moment.
pub(super) async fn drop_old(conn: &DatabaseConnection, before: Timestamp, pace: Pace) -> Result<()> {
    let old = weeks(conn, "event").await?;
    for week in old.into_iter().filter(|week| week.ends_before(before)) {
        if !is_old(conn, week, before).await? {
            continue;
        }
        let needed = needed(conn, week).await?;
        if needed >= MOVED {
            tracing::info!(
                week = week.name("event"),
                "too much of an old week is still needed; it stays for now"
            );
            continue;
        }
        drop_patiently(conn, week, pace).await?;
    }
    Ok(())
}

/// Whether the newest that is in it is old by its own time, too: a clock may have been wrong.
async fn is_old(conn: &DatabaseConnection, week: Week, before: Timestamp) -> Result<bool> {
    for table in ["event", "notification"] {
        let newest = format!(
            "SELECT created_at AS number FROM {} ORDER BY id DESC LIMIT 1",
            week.name(table)
        );
        if number(conn, &newest).await?.is_some_and(|made| made >= before.0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many of a week's rows are needed still, counted no further than what may be moved.
async fn needed(conn: &DatabaseConnection, week: Week) -> Result<i64> {
    let others = format!(
        "SELECT event_id AS id FROM notification WHERE {0} AND id < '{1}' \
         UNION ALL SELECT event_id FROM notification WHERE {0} AND id >= '{2}'",
        week.holds("event_id"),
        week.from(),
        week.until()
    );
    let parts = [
        kept_notifications(week),
        others,
        kept_by_tasks(&week.holds("t.event_id")),
    ];
    let mut sum = 0;
    for part in parts {
        let sql = format!("SELECT count(*) AS number FROM (SELECT 1 FROM ({part}) AS all_of LIMIT {MOVED}) AS found");
        sum += number(conn, &sql).await?.unwrap_or(0);
    }
    Ok(sum)
}

/// What is not over is due, held or in an order; those that tasks refer to stay, too.
fn kept_notifications(week: Week) -> String {
    let table = week.name("notification");
    format!(
        "SELECT id FROM {table} WHERE due_at IS NOT NULL \
         UNION SELECT id FROM {table} WHERE node_id IS NOT NULL \
         UNION SELECT id FROM {table} WHERE order_key IS NOT NULL \
         UNION SELECT t.notification_id FROM task t WHERE {} AND NOT t.deleted",
        week.holds("t.notification_id")
    )
}

/// Events that a webhook stage may send again.
fn kept_by_tasks(which: &str) -> String {
    format!(
        "SELECT t.event_id AS id FROM task t JOIN stage s ON s.id = t.stage_id \
         WHERE {which} AND NOT t.deleted AND s.stage_type = {}",
        StageType::Webhook.to_value()
    )
}

/// The locks may not be had at once: somebody is in the middle of something.
async fn drop_patiently(conn: &DatabaseConnection, week: Week, pace: Pace) -> Result<()> {
    for _ in 0..TRIES {
        let begun = Instant::now();
        match drop_one(conn, week).await {
            Ok(()) => {
                tracing::info!(week = week.name("event"), "dropped a week that was too old");
                return Ok(());
            }
            Err(error) => tracing::info!(
                error = &error as &dyn std::error::Error,
                week = week.name("event"),
                "an old week could not be dropped at once and is tried again"
            ),
        }
        pace.rest(begun).await;
    }
    Ok(())
}

async fn drop_one(conn: &DatabaseConnection, week: Week) -> Result<()> {
    let txn = conn.begin().await?;
    let [event, payload, notification, attempt] = TABLES.map(|(table, _)| week.name(table));
    let mut steps = vec![
        PATIENCE.to_owned(),
        ON_INDEXES.to_owned(),
        "LOCK TABLE ONLY event, ONLY payload, ONLY notification, ONLY attempt IN ACCESS EXCLUSIVE MODE".to_owned(),
    ];
    steps.extend(TABLES.map(|(table, _)| format!("ALTER TABLE {table} DETACH PARTITION {}", week.name(table))));
    let used = |which: &str, of_task: &str| {
        format!(
            "SELECT event_id AS id FROM notification WHERE {which} UNION {}",
            kept_by_tasks(of_task)
        )
    };
    let own = used(&week.holds("event_id"), &week.holds("t.event_id"));
    let until = week.until();
    let up_to = used(&format!("event_id < '{until}'"), &format!("t.event_id < '{until}'"));
    steps.extend([
        format!(
            "INSERT INTO notification SELECT * FROM {notification} WHERE id IN ({})",
            kept_notifications(week)
        ),
        format!(
            "INSERT INTO attempt SELECT * FROM {attempt} WHERE notification_id IN \
             (SELECT id FROM notification_default WHERE {})",
            week.holds("id")
        ),
        format!("INSERT INTO event SELECT * FROM {event} WHERE id IN ({own})"),
        format!("INSERT INTO payload SELECT * FROM {payload} WHERE event_id IN ({up_to})"),
        format!("DROP TABLE {event}, {payload}, {notification}, {attempt}"),
    ]);
    run(&txn, &steps).await?;
    Ok(txn.commit().await?)
}

async fn run(txn: &DatabaseTransaction, statements: &[String]) -> Result<()> {
    for statement in statements {
        txn.execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn number(conn: &DatabaseConnection, sql: &str) -> Result<Option<i64>> {
    let statement = Statement::from_string(conn.get_database_backend(), sql);
    let row = Number::find_by_statement(statement).one(conn).await?;
    Ok(row.and_then(|row| row.number))
}

/// The weeks that a table has a partition for, oldest first.
async fn weeks(conn: &DatabaseConnection, table: &str) -> Result<BTreeSet<Week>> {
    let sql = "SELECT part.relname::text AS name FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid \
         WHERE inhparent = ?::regclass";
    let names = Name::find_by_statement(raw(conn, sql, [table.into()]))
        .all(conn)
        .await?;
    Ok(names.iter().filter_map(|row| Week::named(&row.name, table)).collect())
}
