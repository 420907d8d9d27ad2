//! PostgreSQL: a few connections for writing and some for reading. They are opened lazily, so that an unreachable
//! server is an error of the moment and not of the start. Migrations run under an advisory lock, so that many nodes may
//! start together.

use super::{advisory, sequence, statement::raw};
use crate::{Error, Result};
use migration::MigratorTrait;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, RuntimeErr,
    sqlx::{self, postgres::PgConnectOptions},
};
use std::time::Duration;

/// The connections for reading.
const READERS: u32 = 8;
/// The connections for appends: groups are as large as they can be, and one statement serves a whole group.
pub(crate) const APPENDERS: usize = 1;
/// The connections for everything else that is written.
pub(crate) const WRITERS: usize = 3;
/// The timeout for getting a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A server whose tables are up to date.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    base: i64,
}

impl Server {
    /// Runs pending migrations, one node at a time.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let conn = connect(url, 1, |options| options).await?;
        advisory::wait(&conn, advisory::MIGRATIONS).await?;
        let migrated = migrate(&conn).await;
        // The lock ends with its connection.
        conn.close().await?;
        Ok(Self {
            url: url.to_owned(),
            base: migrated?,
        })
    }

    /// Returns the base that is added to all sequence numbers of the feed.
    pub(crate) fn base(&self) -> i64 {
        self.base
    }

    pub(crate) async fn writer(&self) -> Result<DatabaseConnection> {
        connect(&self.url, 1, |options| limits(options).options(PLANS)).await
    }

    pub(crate) async fn readers(&self) -> Result<DatabaseConnection> {
        connect(&self.url, READERS, |options| {
            limits(options).options([("default_transaction_read_only", "on")])
        })
        .await
    }
}

/// Opens a read-only connection.
pub(crate) async fn looking(url: &str) -> Result<DatabaseConnection> {
    connect(url, 1, |options| {
        limits(options).options([("default_transaction_read_only", "on")])
    })
    .await
}

/// Opens a connection whose tables are temporary: nobody else sees them, and they end with it.
pub(crate) async fn scratch(url: &str) -> Result<DatabaseConnection> {
    connect(url, 1, |options| limits(options).options([("search_path", "pg_temp")])).await
}

async fn migrate(conn: &DatabaseConnection) -> Result<i64> {
    migration::Migrator::up(conn, None).await?;
    let number = i64::from(rand::random::<u32>());
    conn.execute_raw(raw(conn, NUMBER, [number.into()])).await?;
    sequence::base(conn).await
}

/// Returns the number that tells installations apart; 0 for a SQLite file, which nobody shares.
pub(crate) async fn installation(db: &DatabaseConnection) -> Result<i64> {
    let read = "SELECT value FROM setting WHERE name = 'installation'";
    let row = db.query_one_raw(raw(db, read, [])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

/// Binds: a number for an installation that has none yet.
const NUMBER: &str = "INSERT INTO setting (name, value) VALUES ('installation', ?) ON CONFLICT DO NOTHING";

/// Returns whether a URL names a PostgreSQL server.
pub(crate) fn is_meant(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

async fn connect(
    url: &str,
    connections: u32,
    more: fn(PgConnectOptions) -> PgConnectOptions,
) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .connect_lazy(true)
        .min_connections(0)
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(super::statements_are_logged())
        .map_sqlx_postgres_opts(move |options| {
            more(options.application_name("labelhook").statement_cache_capacity(256))
        });
    Ok(Database::connect(options).await?)
}

/// Sets the limits of a connection. No statement of ours takes long, so none is worth compiling (`jit`). A client that
/// has gone away or hangs must not hold a lock, because others wait for it.
fn limits(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("statement_timeout", "30s"),
        ("lock_timeout", "20s"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("jit", "off"),
    ])
}

/// Planner settings of writing connections. Rows are found by their keys, some hundred at a time, so an index is always
/// the right way to reach them. The server keeps a plan until it gathers statistics again. For a new partition, or
/// after a burst, it has none, and would then scan the whole table.
const PLANS: [(&str, &str); 3] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

/// Returns the reason of a transient error, by the server's codes (PostgreSQL documentation, appendix A).
pub(crate) fn trouble(fault: &dyn sqlx::error::DatabaseError) -> Option<&'static str> {
    let code = fault.code()?;
    match &*code {
        "40P01" | "40001" | "55P03" | "57014" => Some("it is busy"),
        "25P02" => Some("a statement before this one failed"),
        "25P03" => Some("this process stood still for too long"),
        "25006" => Some("it cannot be written"),
        "53100" => Some("the disk is full"),
        code if code.starts_with("08") || code.starts_with("57P") => Some("the server is going away or starting"),
        code if code.starts_with("53") => Some("it is short of connections or memory"),
        _ => None,
    }
}

/// Returns whether the server answers and the database does not exist.
pub(crate) fn is_unknown_database(fault: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(source))
    | DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))) = fault
    else {
        return false;
    };
    matches!(&**source, sqlx::Error::Database(fault) if fault.code().as_deref() == Some("3D000"))
}

/// Translates the error of a failed commit. A commit whose answer was lost may have been carried out.
pub(crate) fn broken_off(fault: DbErr) -> Error {
    let lost = matches!(&fault, DbErr::Conn(RuntimeErr::SqlxError(source))
        | DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source)) if !matches!(&**source, sqlx::Error::Database(_)));
    if !lost {
        return fault.into();
    }
    tracing::error!(error = %fault, "the connection was lost while a transaction was committed");
    not_known()
}

/// Returns the error for a commit that was sent and not answered.
pub(crate) fn not_known() -> Error {
    Error::Unavailable("the database was lost while it wrote: whether this was carried out is not known".into())
}
