//! Lists pending migrations and the SQL they would run. The database is only read, and need not exist. The migrations
//! are tried on a scratch database: in memory, or in temporary tables of PostgreSQL, which nobody else sees and which
//! end with their connection.

use super::{postgres, sqlite};
use crate::{Error, Result};
use migration::Pending;
use url::Url;

/// The database that every PostgreSQL server has.
const ALWAYS_THERE: &str = "postgres";
/// The schema in front of the scratch tables' names in the server's statements.
const SCRATCH: &str = "pg_temp.";

/// Returns the pending migrations of the database at `url`, oldest first, with their SQL.
pub async fn pending(url: &str) -> Result<Vec<Pending>> {
    match postgres::is_meant(url) {
        true => of_postgres(url).await,
        false => of_sqlite(url).await,
    }
}

async fn of_sqlite(url: &str) -> Result<Vec<Pending>> {
    let scratch = sqlite::in_memory().await?;
    let file = sqlite::Files::parse(url)?;
    if !file.exists() {
        return Ok(migration::pending(None, scratch).await?);
    }
    let db = sqlite::looking(url).await?;
    let found = migration::pending(Some(&db), scratch).await;
    db.close().await?;
    Ok(found?)
}

async fn of_postgres(url: &str) -> Result<Vec<Pending>> {
    let db = postgres::looking(url).await?;
    let is_there = match db.ping().await {
        Ok(()) => true,
        Err(fault) if postgres::is_unknown_database(&fault) => false,
        Err(fault) => return Err(fault.into()),
    };
    let scratch = match is_there {
        true => postgres::scratch(url).await?,
        false => postgres::scratch(&beside(url)?).await?,
    };
    let found = migration::pending(is_there.then_some(&db), scratch.clone()).await;
    scratch.close().await?;
    db.close().await?;
    let mut found = found?;
    for text in found.iter_mut().flat_map(|step| &mut step.statements) {
        *text = text.replace(SCRATCH, "");
    }
    Ok(found)
}

/// Returns the URL of the database that always exists on the same server.
fn beside(url: &str) -> Result<String> {
    let invalid = |_| Error::invalid("databaseUrl", "cannot be read");
    let mut url = Url::parse(url).map_err(invalid)?;
    url.set_path(ALWAYS_THERE);
    Ok(url.into())
}
