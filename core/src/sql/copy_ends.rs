//! The two ends of a copy: a SQLite file that is read and held, so that no server opens it meanwhile, and a PostgreSQL
//! server that is filled over one connection.

use super::{postgres, sequence, sqlite};
use crate::{Error, Result};
use sea_orm::DatabaseConnection;
use std::fs::File;

/// A SQLite file that nobody else has open.
#[derive(Debug)]
pub(crate) struct Held {
    /// For looking only.
    pub(crate) conn: DatabaseConnection,
    _lock: File,
}

/// Opens a SQLite file that is there and up to date. Fails while a process has it open.
pub(crate) async fn hold(url: &str) -> Result<Held> {
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
    Ok(Held { conn, _lock: lock })
}

/// A connection to a PostgreSQL server, whose tables are made when `may_fill` says yes to what is there.
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

/// Lets the numbers of the feed go on above those that were brought here. Gives what is added to them from now on.
pub(crate) async fn raise_base(db: &DatabaseConnection) -> Result<i64> {
    sequence::base(db).await
}
