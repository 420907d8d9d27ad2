//! PostgreSQL's advisory locks, by which the nodes of an installation exclude each other. SQLite has one process and
//! one writer, and needs none.
//!
//! A lock is a number. It is held for as long as a connection lives ([`wait`], [`try_take`]) or until a transaction
//! ends ([`wait_until_commit`]). The server releases it in either case, so a node that dies holds none.

use super::statement::raw;
use crate::Result;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The lock of migrations.
pub(crate) const MIGRATIONS: i64 = 0x6c61_6265_6c68_6f6b;
/// The lock of a copy into this database.
pub(crate) const COPIES: i64 = 0x6c61_6265_6c63_6f70;
/// The lock of retention.
pub(crate) const RETENTION: i64 = 0x6c61_6265_6c72_6574;

/// Returns the lock of a row: the random half of its id.
pub(crate) fn of_row(id: Uuid) -> i64 {
    let (_, half) = id.as_u64_pair();
    i64::from_be_bytes(half.to_be_bytes())
}

/// Waits for a lock, and holds it until the connection is closed.
pub(crate) async fn wait(conn: &DatabaseConnection, lock: i64) -> Result<()> {
    conn.execute_raw(raw(conn, "SELECT pg_advisory_lock(?)", [lock.into()]))
        .await?;
    Ok(())
}

/// Takes a lock, and holds it until the connection is closed. Returns `false` if another connection has it.
pub(crate) async fn try_take(conn: &impl ConnectionTrait, lock: i64) -> Result<bool> {
    let row = conn
        .query_one_raw(raw(conn, "SELECT pg_try_advisory_lock(?)", [lock.into()]))
        .await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false))
}

/// Waits for the locks of rows, and holds them until the transaction ends.
pub(crate) async fn wait_until_commit(db: &impl ConnectionTrait, rows: impl Iterator<Item = Uuid>) -> Result<()> {
    let locks: BTreeSet<i64> = rows.map(of_row).collect();
    let locks: Vec<String> = locks.iter().map(i64::to_string).collect();
    db.query_one_raw(raw(db, WAIT, [locks.join(",").into()])).await?;
    Ok(())
}

/// Takes locks until the commit. Binds: the locks, sorted, so that no two transactions deadlock.
const WAIT: &str =
    "SELECT count(pg_advisory_xact_lock(k)::text) AS taken FROM unnest(string_to_array(?1, ',')::bigint[]) AS k";
