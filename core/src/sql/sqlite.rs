//! SQLite: one writer connection with full syncs (group commit makes them cheap), a few readers beside it, and a lock
//! file, so that a second process fails clearly instead of sharing the file.

use crate::{Error, Result};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::Duration,
};

const READERS: u32 = 4;
/// 2 MiB for each reader. What readers read again is in the system's cache, and reading a long log would fill a cache
/// of any size.
const READER_CACHE: &str = "-2048";

/// The files that belong to a SQLite URL.
pub(crate) struct Files {
    database: PathBuf,
    /// The URL says that a database that does not exist is created.
    creates: bool,
}

impl Files {
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let database = file_of(url)
            .ok_or_else(|| Error::invalid("databaseUrl", "must name a file, as in sqlite://labelhook.db?mode=rwc"))?;
        let creates = url.contains("mode=rwc");
        Ok(Self { database, creates })
    }

    /// Creates the database file, if it is to be created, for its owner alone. SQLite gives the files beside it the same
    /// permissions.
    fn create_for_owner(&self) {
        if self.creates {
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&self.database);
            // It is there already, or SQLite says why it cannot be made.
            file.map(drop).ok();
        }
    }

    /// Returns whether the database file exists.
    pub(crate) fn exists(&self) -> bool {
        self.database.exists()
    }

    /// Holds the lock file beside the database for as long as the returned file is open. A link to the database is
    /// resolved first: it is another name, not another file.
    pub(crate) fn lock(&self) -> Result<File> {
        let database = self.database.canonicalize().unwrap_or_else(|_| self.database.clone());
        let path = database.with_added_extension("lock");
        let open = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path);
        let mut file = open.map_err(|error| Error::Unavailable(format!("cannot open {}: {error}", path.display())))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(&mut file, &self.database)),
            Err(TryLockError::Error(error)) => return Err(Error::internal(error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()))
            .ok();
        self.create_for_owner();
        Ok(file)
    }
}

/// Returns the path inside a SQLite URL; `None` for an in-memory database or another database.
pub fn file_of(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest).split('?').next()?;
    (!path.is_empty() && !path.contains(":memory:")).then(|| PathBuf::from(path))
}

/// Returns the error for a file that another process has open.
fn in_use(file: &mut File, database: &std::path::Path) -> Error {
    let mut holder = String::new();
    file.read_to_string(&mut holder).ok();
    Error::Conflict(format!(
        "{} is in use by another process (pid {}); a SQLite database belongs to one process at a time",
        database.display(),
        holder.trim()
    ))
}

pub(crate) async fn writer(url: &str) -> Result<DatabaseConnection> {
    connect(url, 1, |options| options).await
}

pub(crate) async fn readers(url: &str) -> Result<DatabaseConnection> {
    connect(url, READERS, |options| {
        options.pragma("query_only", "on").pragma("cache_size", READER_CACHE)
    })
    .await
}

/// Opens a connection that changes nothing, not even the journal, whoever else has the file open.
pub(crate) async fn looking(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|options| options.read_only(true).create_if_missing(false));
    Ok(Database::connect(options).await?)
}

/// Opens an empty database that ends with its connection.
pub(crate) async fn in_memory() -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

async fn connect(
    url: &str,
    connections: u32,
    more: fn(SqliteConnectOptions) -> SqliteConnectOptions,
) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .min_connections(1)
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10))
        .sqlx_logging(super::statements_are_logged())
        .map_sqlx_sqlite_opts(move |options| more(pragmas(options)));
    Ok(Database::connect(options).await?)
}

/// Sets journal, sync and cache of a connection. Measured: full syncs cost nothing once commits are grouped, and a page
/// cache of 12 MiB holds the indexes that are written. A row of 2 to 3 KB, as labels, events and payloads are, fits
/// once into a page of 4 KiB and two or three times into a page of 8 KiB: fewer pages go to the write-ahead log and
/// from there to the file. A database keeps the page size that it was created with.
fn pragmas(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .page_size(8192)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(false)
        .statement_cache_capacity(256)
        .pragma("wal_autocheckpoint", "2000")
        .pragma("cache_size", "-12288")
        .pragma("temp_store", "memory")
}
