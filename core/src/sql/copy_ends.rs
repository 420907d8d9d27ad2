//! The two ends of a copy: a SQLite file that is read and locked, so that no server opens it meanwhile, and a
//! PostgreSQL server that is filled over one connection.

use super::{postgres, sequence, sqlite};
use crate::{Error, Result};
use sea_orm::DatabaseConnection;
use std::fs::File;

/// A SQLite file that is locked against other processes.
#[derive(Debug)]
pub(crate) struct LockedSource {
    /// The read-only connections.
    pub(crate) conn: DatabaseConnection,
    _lock: File,
}

/// Opens an existing SQLite file that has no pending migration. Fails while a process has it open.
pub(crate) async fn hold(url: &str) -> Result<LockedSource> {
    let files = sqlite::Files::parse(url)?;
    if !files.exists() {
        return Err(Error::NotAllowed(format!("there is no database at {url}")));
    }
    let lock = files.lock()?;
    let pending = crate::sql::pending::pending(url).await?;
    if !pending.is_empty() {
        let reason = format!("{url} is of an older release: bring it up to date with labelhook migrate first");
        return Err(Error::Conflict(reason));
    }
    let conn = sqlite::readers(url).await?;
    Ok(LockedSource { conn, _lock: lock })
}

/// Opens a connection to a PostgreSQL server. Its tables are created once `may_fill` has accepted what is there.
pub(crate) async fn to_fill(
    url: &str,
    may_fill: impl AsyncFnOnce(&DatabaseConnection) -> Result<()>,
) -> Result<DatabaseConnection> {
    if !postgres::is_meant(url) {
        return Err(Error::invalid(
            "to",
            "must name a PostgreSQL database, as in postgres://user@host/labelhook",
        ));
    }
    let conn = postgres::looking(url).await?;
    let allowed = may_fill(&conn).await;
    conn.close().await?;
    allowed?;
    let server = postgres::Server::open(url).await?;
    server.writer().await
}

/// Raises the base of the feed's sequence numbers above those that were imported, and returns the new base.
pub(crate) async fn raise_base(db: &DatabaseConnection) -> Result<i64> {
    sequence::base(db).await
}
