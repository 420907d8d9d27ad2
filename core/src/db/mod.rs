//! The database: readers beside one writer that commits in groups. Verbs that only look use [`Db::read`]; verbs that
//! change something hand a unit of work to [`Db::write`] and are answered after the commit is on disk.

mod fault;
mod sqlite;
mod txn;
mod writer;

pub(crate) use fault::is_duplicate;
pub use sqlite::file_of;
pub use txn::{Txn, Work};

use writer::Kind;

use crate::{
    Clock, Error, Result,
    dispatcher::Lanes,
    idempotency,
    live::{Hints, Live},
    webhook::Index,
    workflow::Graphs,
};
use entity::{IdempotencyId, Timestamp};
use migration::MigratorTrait;
use sea_orm::{DatabaseConnection, FromQueryResult, Statement};
use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// An open database.
#[derive(Debug)]
pub struct Db {
    reader: DatabaseConnection,
    writer: writer::Handle,
    graphs: Arc<Graphs>,
    _lock: File,
}

impl Db {
    /// Opens the database at `url`, brings its tables up to date and starts the writer. Fails when another process has
    /// it open.
    pub async fn open(url: &str, clock: Clock, index: Arc<Index>, lanes: Arc<Lanes>, live: Arc<Live>) -> Result<Self> {
        let files = sqlite::Files::parse(url)?;
        let lock = files.lock()?;
        let conn = sqlite::writer(url).await?;
        migration::Migrator::up(&conn, None).await?;
        let reader = sqlite::readers(url).await?;
        let sequence = Arc::new(Sequence::start(&reader, clock.now()).await?);
        live.announce(sequence.newest(), Hints::default());
        let graphs = Arc::new(Graphs::new(Arc::clone(&index)));
        let writer = writer::start(writer::Writer {
            url: url.to_owned(),
            conn,
            clock,
            sequence,
            index,
            graphs: Arc::clone(&graphs),
            lanes,
            live,
        });
        Ok(Self {
            reader,
            writer,
            graphs,
            _lock: lock,
        })
    }

    /// A connection for looking only.
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// The workflows of projects, ready for use.
    pub(crate) fn graphs(&self) -> &Graphs {
        &self.graphs
    }

    /// Runs `unit` in a transaction that it may share with others, inside a savepoint of its own, and answers after the
    /// commit. An error undoes the unit alone.
    pub async fn write<T, F>(&self, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        match idempotency::current() {
            None => self.writer.write(Kind::Writes, unit).await,
            Some(id) => self.writer.write(Kind::Writes, marked(id, unit)).await,
        }
    }

    /// As [`Db::write`], for a unit that only looks and leaves what it makes in its outbox: it needs no savepoint.
    pub(crate) async fn append<T, F>(&self, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        match idempotency::current() {
            None => self.writer.write(Kind::Appends, unit).await,
            Some(id) => self.writer.write(Kind::Writes, marked(id, unit)).await,
        }
    }

    /// Waits until every unit handed over so far is committed, then closes the connections.
    pub async fn close(&self) {
        self.writer.close().await;
        if let Err(error) = self.reader.clone().close().await {
            tracing::warn!(%error, "the readers did not close");
        }
    }
}

/// A unit of a request that carries an idempotency key: what it commits and the mark in the request's row are one.
fn marked<T, F>(id: IdempotencyId, unit: F) -> impl for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
{
    move |txn: &Txn| -> Work<'_, T> {
        let work = unit(txn);
        Box::pin(async move {
            let value = work.await?;
            idempotency::mark(txn, id).await?;
            Ok(value)
        })
    }
}

/// Whether the database answers, and the writer lives.
pub async fn ping(db: &Db) -> Result<()> {
    db.writer.ping()?;
    db.read().ping().await.map_err(Error::from)
}

/// Numbers that grow over all organizations, with gaps. One process owns a SQLite file, so they are counted in memory;
/// starting at the time in microseconds, or past the newest event and notification, keeps them growing over restarts,
/// whatever the clock does: a cursor that somebody holds stays below what comes. Both maxima are one step of an index for
/// each organization; the feed needs those indexes anyway, so no mark has to be stored beside them.
#[derive(Debug)]
pub(crate) struct Sequence(AtomicI64);

#[derive(FromQueryResult)]
struct Newest {
    newest: Option<i64>,
}

impl Sequence {
    async fn start(db: &DatabaseConnection, now: Timestamp) -> Result<Self> {
        let newest = |table| {
            format!(
                "SELECT (SELECT max(sequence) FROM {table} WHERE organization_id = organization.id) AS newest FROM organization"
            )
        };
        let (events, notifications) = (newest("event"), newest("notification"));
        let sql = format!("SELECT max(newest) AS newest FROM ({events} UNION ALL {notifications}) AS numbers");
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let newest = Newest::find_by_statement(statement)
            .one(db)
            .await?
            .and_then(|row| row.newest);
        Ok(Self(AtomicI64::new(newest.unwrap_or(0).max(now.0))))
    }

    pub(crate) fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The number given last.
    pub(crate) fn newest(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// How SQLite would go about a statement, line by line, on an empty database of ours.
#[cfg(test)]
pub(crate) async fn plan(sql: &str) -> Vec<String> {
    use sea_orm::{ConnectionTrait, Database};
    let db = Database::connect("sqlite::memory:").await.unwrap();
    migration::Migrator::up(&db, None).await.unwrap();
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await;
    let lines = rows.unwrap().into_iter();
    lines.map(|row| row.try_get("", "detail").unwrap()).collect()
}
