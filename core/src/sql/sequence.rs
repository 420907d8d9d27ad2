//! The sequence numbers of the feed: they increase over all organizations, with gaps.
//!
//! A SQLite file belongs to one process, so the numbers are counted in memory. The counter starts at the time in
//! microseconds, or after the newest event and notification if that is higher. So numbers increase across restarts,
//! whatever the clock does, and a cursor that a client holds stays below new rows. Both maxima cost one index step for
//! each organization. The feed needs these indexes anyway, so no counter is stored.
//!
//! On PostgreSQL many transactions are open at once, on many nodes. Each derives its numbers from its own transaction
//! id, which the server assigns in order. A row can still become visible after one with a higher number, but never
//! below the *horizon* (low watermark) of the oldest open transaction: the feed reads up to there. A base is added to
//! all numbers, so that they increase when an installation moves to another server, whose transaction ids start again.

use crate::{Error, Result};
use entity::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, FromQueryResult, Statement};
use std::sync::atomic::{AtomicI64, Ordering};

/// The numbers that one transaction may use on PostgreSQL, as a power of two.
const NUMBERS_PER_TXN_LOG2: u32 = 20;

/// A counter of sequence numbers.
#[derive(Debug)]
pub(crate) struct Sequence(AtomicI64);

#[derive(FromQueryResult)]
struct Newest {
    newest: Option<i64>,
}

impl From<i64> for Sequence {
    fn from(first: i64) -> Self {
        Self(AtomicI64::new(first))
    }
}

impl Sequence {
    /// Starts a counter after everything in a SQLite file.
    pub(crate) async fn start(db: &DatabaseConnection, now: Timestamp) -> Result<Self> {
        Ok(Self::from(newest(db).await?.unwrap_or(0).max(now.0)))
    }

    /// Returns the next number.
    pub(crate) fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Returns the last number given out.
    pub(crate) fn newest(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Returns the highest number in the database.
async fn newest(db: &DatabaseConnection) -> Result<Option<i64>> {
    let newest = |table| {
        format!(
            "SELECT (SELECT max(sequence) FROM {table} WHERE organization_id = organization.id) AS newest FROM organization"
        )
    };
    let (events, notifications) = (newest("event"), newest("notification"));
    let sql = format!("SELECT max(newest) AS newest FROM ({events} UNION ALL {notifications}) AS numbers");
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = Newest::find_by_statement(statement).one(db).await?;
    Ok(row.and_then(|row| row.newest))
}

/// Returns the number before the first of a transaction on PostgreSQL.
pub(crate) fn first_of(base: i64, transaction: i64) -> i64 {
    base + (transaction << NUMBERS_PER_TXN_LOG2)
}

#[derive(FromQueryResult)]
struct Number {
    number: i64,
}

/// Selects the number before the first of the oldest open transaction. Binds nothing.
const HORIZON: &str = "SELECT (SELECT value FROM setting WHERE name = 'sequence_base') \
     + (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 20) - 1 AS number";

/// Returns the number up to which no new row can become visible; on SQLite that is every number.
pub(crate) async fn horizon(db: &DatabaseConnection) -> Result<i64> {
    match db.get_database_backend() {
        DbBackend::Postgres => number(db, HORIZON).await,
        _ => Ok(i64::MAX),
    }
}

async fn number(db: &DatabaseConnection, sql: &str) -> Result<i64> {
    let row = Number::find_by_statement(Statement::from_string(db.get_database_backend(), sql));
    let row = row.one(db).await?;
    row.map(|row| row.number)
        .ok_or_else(|| Error::internal("a statement without a table gives one row"))
}

/// A snapshot of the feed on PostgreSQL: the transactions that are committed by then. Some of them lie above the
/// horizon.
#[derive(Debug, PartialEq)]
pub(crate) struct Moment {
    base: i64,
    /// The oldest open transaction, or the next one if none is open.
    oldest: i64,
    next: i64,
    open: Vec<i64>,
}

#[derive(FromQueryResult)]
struct Snapshot {
    base: i64,
    snapshot: String,
}

impl Moment {
    /// Takes a snapshot; `None` on SQLite, where the newest number is enough.
    pub(crate) async fn now(db: &DatabaseConnection) -> Result<Option<Self>> {
        if db.get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let sql =
            "SELECT value AS base, pg_current_snapshot()::text AS snapshot FROM setting WHERE name = 'sequence_base'";
        let row = Snapshot::find_by_statement(Statement::from_string(DbBackend::Postgres, sql));
        let row = row.one(db).await?;
        let moment = row.and_then(|row| Self::parse(row.base, &row.snapshot));
        moment
            .map(Some)
            .ok_or_else(|| Error::internal("there is a base, and a snapshot has three parts"))
    }

    /// Parses `10:20:10,14,15`: the oldest open transaction, the next one, and all that are open.
    fn parse(base: i64, snapshot: &str) -> Option<Self> {
        let mut parts = snapshot.split(':');
        Some(Self {
            base,
            oldest: parts.next()?.parse().ok()?,
            next: parts.next()?.parse().ok()?,
            open: parts.next()?.split(',').filter_map(|id| id.parse().ok()).collect(),
        })
    }

    /// Returns the number up to which no new row can become visible.
    pub(crate) fn horizon(&self) -> i64 {
        first_of(self.base, self.oldest) - 1
    }

    /// Returns whether a row with this number was committed before the snapshot.
    pub(crate) fn is_past(&self, sequence: i64) -> bool {
        let transaction = (sequence - self.base) >> NUMBERS_PER_TXN_LOG2;
        transaction < self.next && !self.open.contains(&transaction)
    }
}

/// Returns the base of a PostgreSQL server. It is raised first when imported rows have higher numbers than the server's
/// transactions would give. Only one node does this at a time, and before any node writes.
pub(crate) async fn base(db: &DatabaseConnection) -> Result<i64> {
    let base = number(db, "SELECT value AS number FROM setting WHERE name = 'sequence_base'").await?;
    let current = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS number";
    let newest = newest(db).await?.unwrap_or(0);
    if newest < first_of(base, number(db, current).await?) {
        return Ok(base);
    }
    let raised = "UPDATE setting SET value = ? WHERE name = 'sequence_base'";
    db.execute_raw(crate::sql::statement::raw(db, raised, [newest.into()]))
        .await?;
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_past_also_beside_what_is_open() {
        let moment = Moment::parse(7, "10:20:10,14").unwrap();
        assert_eq!(moment.horizon(), first_of(7, 10) - 1);
        for (transaction, is_past) in [(9, true), (10, false), (12, true), (14, false), (19, true), (20, false)] {
            assert_eq!(moment.is_past(first_of(7, transaction) + 3), is_past, "{transaction}");
        }
        assert!(Moment::parse(0, "10:10:").unwrap().open.is_empty());
        assert_eq!(Moment::parse(0, "10"), None);
    }
}
