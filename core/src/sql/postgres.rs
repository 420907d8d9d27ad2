//! PostgreSQL: connections that are lazy, so that a server that is away is a fault of the moment and not of the start, a few
//! for writing and some for looking. Migrations run under a lock, so that many nodes may start together.

use super::{sequence, statement::raw};
use crate::{Error, Result};
use migration::MigratorTrait;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, RuntimeErr,
    sqlx::{self, postgres::PgConnectOptions},
};
use std::time::Duration;

/// Connections for looking.
const READERS: u32 = 8;
/// Connections for what appends: groups are as large as they can be, and a statement serves them whole.
pub(crate) const APPENDERS: usize = 1;
/// Connections for everything else that is written.
pub(crate) const WRITERS: usize = 3;
/// How long a connection may be waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the advisory lock of migrations is called.
const MIGRATIONS: i64 = 0x6c61_6265_6c68_6f6b;

/// A server that has been brought up to date.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    base: i64,
}

impl Server {
    /// Brings the tables up to date, one node at a time.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let conn = connect(url, 1, |options| options).await?;
        conn.execute_raw(raw(&conn, "SELECT pg_advisory_lock(?)", [MIGRATIONS.into()]))
            .await?;
        let migrated = migrate(&conn).await;
        // The lock ends with its connection.
        conn.close().await?;
        Ok(Self {
            url: url.to_owned(),
            base: migrated?,
        })
    }

    /// What is added to all numbers of the feed.
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

/// A connection that changes nothing.
pub(crate) async fn looking(url: &str) -> Result<DatabaseConnection> {
    connect(url, 1, |options| {
        limits(options).options([("default_transaction_read_only", "on")])
    })
    .await
}

/// A connection whose tables are temporary: nobody sees them, and they end with it.
pub(crate) async fn scratch(url: &str) -> Result<DatabaseConnection> {
    connect(url, 1, |options| limits(options).options([("search_path", "pg_temp")])).await
}

async fn migrate(conn: &DatabaseConnection) -> Result<i64> {
    migration::Migrator::up(conn, None).await?;
    let number = i64::from(rand::random::<u32>());
    conn.execute_raw(raw(conn, NUMBER, [number.into()])).await?;
    sequence::base(conn).await
}

/// The number that tells installations apart; a SQLite file has none, since nobody shares it.
pub(crate) async fn installation(db: &DatabaseConnection) -> Result<i64> {
    let read = "SELECT value FROM setting WHERE name = 'installation'";
    let row = db.query_one_raw(raw(db, read, [])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

/// Binds: a number for an installation that has none yet.
const NUMBER: &str = "INSERT INTO setting (name, value) VALUES ('installation', ?) ON CONFLICT DO NOTHING";

/// Whether a URL names a PostgreSQL server.
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
        .acquire_timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .sqlx_logging(super::statements_are_logged())
        .map_sqlx_postgres_opts(move |options| {
            more(options.application_name("labelhook").statement_cache_capacity(256))
        });
    Ok(Database::connect(options).await?)
}

/// No statement of ours takes long, so that none is worth being compiled, and nobody may hold a lock who has gone away or
/// stands still: others wait for it.
fn limits(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("statement_timeout", "30s"),
        ("lock_timeout", "20s"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("jit", "off"),
    ])
}

/// What is written is found by its keys, some hundred rows at a time: from each of these through an index is always right.
/// A plan is kept until the server has counted the table again, and where a partition is new, or a burst has just come, it
/// has counted nothing: then it would go through all there is.
const PLANS: [(&str, &str); 3] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

/// What the server's own codes mean (PostgreSQL documentation, appendix A). Faults that pass.
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

/// Whether the server is there and the database is not.
pub(crate) fn is_unknown_database(fault: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(source))
    | DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))) = fault
    else {
        return false;
    };
    matches!(&**source, sqlx::Error::Database(fault) if fault.code().as_deref() == Some("3D000"))
}

/// A commit whose answer did not come may have been carried out.
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

/// Of something whose commit was asked for and not answered.
pub(crate) fn not_known() -> Error {
    Error::Unavailable("the database was lost while it wrote: whether this was carried out is not known".into())
}
