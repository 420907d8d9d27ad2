//! Weekly partitions on PostgreSQL. Ids contain the time of their creation, so the tables that grow with traffic are
//! partitioned by ranges of their ids: one partition a week, created ahead, and a default partition for ids that no
//! week covers, so that no insert ever fails.
//!
//! A week that has expired for every organization is dropped whole. Before that, in the same transaction, the few rows
//! that are still needed move to the default partition; they are deleted from there when nothing needs them any more.
//! (If a needed row kept its whole week, one disabled webhook with queued notifications would keep every week.) If too
//! many rows are needed, the week stays for now and its rows are deleted in steps.
//!
//! Every transaction that uses a table holds a lock on it until its commit. A drop waits for these, and later
//! transactions wait behind the drop. This lasts for a moment only: the locks are requested with a short timeout, and
//! again later. While they are held no transaction is under way, so what is needed can be read reliably.

mod week;

use super::{Pacing, before};
use crate::{
    Result,
    sql::{advisory, statement::raw},
};
use entity::{StageType, Timestamp};
use sea_orm::{
    ActiveEnum, ConnectionTrait, DatabaseConnection, DatabaseTransaction, FromQueryResult, Statement, TransactionTrait,
};
use std::collections::BTreeSet;
use tokio::time::Instant;
use week::Week;

/// The partitioned tables, each with the column of its ranges.
const TABLES: [(&str, &str); 4] = [
    ("event", "id"),
    ("payload", "id"),
    ("notification", "id"),
    ("attempt", "notification_id"),
];
/// The number of weeks created ahead.
const WEEKS_AHEAD: i64 = 3;
/// The most rows that are moved while other transactions wait.
const MAX_MOVED_ROWS: i64 = 2_000;
/// The number of times that the locks are requested in one pass.
const LOCK_TRIES: usize = 5;
/// Limits the time that other transactions may have to wait behind ours for each table.
const SET_LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '200ms'";
/// Makes the planner use indexes, whatever its statistics say: the rows that are still needed are few.
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

/// Takes the advisory lock of retention, held until `conn` is closed. Returns `false` if another node has it.
pub(super) async fn is_first(conn: &DatabaseConnection) -> Result<bool> {
    advisory::try_take(conn, advisory::RETENTION).await
}

/// Makes partitions ahead, and drops those of weeks that ended more than `days` ago.
pub(super) async fn maintain(conn: &DatabaseConnection, now: Timestamp, days: u32, pace: Pacing) -> Result<()> {
    make(conn, now).await?;
    drop_old(conn, before(now, days), pace).await
}

/// Makes the partitions of this week and of some that come, where there are none.
async fn make(conn: &DatabaseConnection, now: Timestamp) -> Result<()> {
    for (table, column) in TABLES {
        let known = weeks(conn, table).await?;
        for week in Week::of(now).and_next(WEEKS_AHEAD).filter(|week| !known.contains(week)) {
            if let Err(error) = make_one(conn, table, column, week).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    partition = week.name(table),
                    "a partition could not be created; trying again later"
                );
            }
        }
    }
    Ok(())
}

/// Creates one partition. Rows that the default partition holds for this week move to it, unless they are so many that
/// all other transactions would have to wait long.
async fn make_one(conn: &DatabaseConnection, table: &str, column: &str, week: Week) -> Result<()> {
    let name = week.name(table);
    let within = week.holds(column);
    let stray = format!(
        "SELECT count(*) AS number FROM (SELECT 1 FROM {table}_default WHERE {within} LIMIT {MAX_MOVED_ROWS}) AS found"
    );
    if number(conn, &stray).await? == Some(MAX_MOVED_ROWS) {
        tracing::warn!(
            partition = name,
            "the default partition holds too many rows of this week to create its own partition"
        );
        return Ok(());
    }
    let txn = conn.begin().await?;
    run(
        &txn,
        &[
            SET_LOCK_TIMEOUT.to_owned(),
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

/// Drops every week that ended before a moment. One that fails stops no other; the first error is told.
async fn drop_old(conn: &DatabaseConnection, before: Timestamp, pace: Pacing) -> Result<()> {
    let old = weeks(conn, "event").await?;
    let mut first = Ok(());
    for week in old.into_iter().filter(|week| week.ends_before(before)) {
        first = first.and(drop_unneeded(conn, week, before, pace).await);
    }
    first
}

async fn drop_unneeded(conn: &DatabaseConnection, week: Week, before: Timestamp, pace: Pacing) -> Result<()> {
    if !is_old(conn, week, before).await? {
        return Ok(());
    }
    if needed(conn, week).await? >= MAX_MOVED_ROWS {
        tracing::info!(
            week = week.name("event"),
            "too much of an old week is still needed; it stays for now"
        );
        return Ok(());
    }
    drop_patiently(conn, week, pace).await
}

/// Returns whether the newest rows of the week have expired by their own time too: a clock may have been wrong.
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

/// Returns how many of a week's rows are still needed, counting no further than the number that may be moved.
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
        let sql = format!(
            "SELECT count(*) AS number FROM (SELECT 1 FROM ({part}) AS all_of LIMIT {MAX_MOVED_ROWS}) AS found"
        );
        sum += number(conn, &sql).await?.unwrap_or(0);
    }
    Ok(sum)
}

/// Selects the notifications of a week to keep: those that have not ended (due, claimed or in an ordered queue), and
/// those that tasks refer to.
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

/// Selects the events that a webhook stage may send again.
fn kept_by_tasks(which: &str) -> String {
    format!(
        "SELECT t.event_id AS id FROM task t JOIN stage s ON s.id = t.stage_id \
         WHERE {which} AND NOT t.deleted AND s.stage_type = {}",
        StageType::Webhook.to_value()
    )
}

/// Drops a week, with several attempts: the locks may not be available at once.
async fn drop_patiently(conn: &DatabaseConnection, week: Week, pace: Pacing) -> Result<()> {
    for _ in 0..LOCK_TRIES {
        let begun = Instant::now();
        match drop_one(conn, week).await {
            Ok(()) => {
                tracing::info!(week = week.name("event"), "dropped an expired week");
                return Ok(());
            }
            Err(error) => tracing::info!(
                error = &error as &dyn std::error::Error,
                week = week.name("event"),
                "an expired week could not be dropped at once; trying again"
            ),
        }
        pace.rest(begun).await;
    }
    Ok(())
}

/// Drops a week after moving the rows that are still needed, in one transaction.
async fn drop_one(conn: &DatabaseConnection, week: Week) -> Result<()> {
    let txn = conn.begin().await?;
    let [event, payload, notification, attempt] = TABLES.map(|(table, _)| week.name(table));
    let mut steps = vec![
        SET_LOCK_TIMEOUT.to_owned(),
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

/// Returns the weeks that a table has a partition for, oldest first.
async fn weeks(conn: &DatabaseConnection, table: &str) -> Result<BTreeSet<Week>> {
    let sql = "SELECT part.relname::text AS name FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid \
         WHERE inhparent = ?::regclass";
    let names = Name::find_by_statement(raw(conn, sql, [table.into()]))
        .all(conn)
        .await?;
    Ok(names.iter().filter_map(|row| Week::named(&row.name, table)).collect())
}
