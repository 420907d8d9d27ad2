//! The database: a pool of readers, and writers that commit in groups (group commit).
//!
//! Verbs that only look use [`Db::read`]. Verbs that change something hand a unit of work to [`Db::write`], name the
//! organizations that it concerns ([`Scope`]), and are answered after the commit is on disk. Callers are all verbs, the
//! dispatcher and the tasks in the background.
//!
//! It must never import the [`App`](crate::App) or call a verb, except `idempotency`, which marks the request's row in
//! the same transaction. It knows the outbox, the lanes, the feed and the read models that a commit needs.

mod organization_locks;
mod prefetch;
mod queue;
pub(crate) mod request_mark;
mod scope;
mod store;
mod txn;
mod unresponsive;
mod writer;

pub use scope::Scope;
pub use txn::{Txn, Work};

use crate::{
    Clock, Error, Result,
    bus::{Bus, changes::Hints},
    feed::Live,
    graph::Graphs,
    label_context::LabelKey,
    queue::lanes::Lanes,
    sql::{postgres, sequence::Sequence, sqlite},
    subscribers::SubscriberCache,
};
use entity::IdempotencyId;
use migration::MigratorTrait;
use sea_orm::DatabaseConnection;
use std::{fs::File, sync::Arc};
use store::Store;
use unresponsive::Unresponsive;
use writer::{Access, Shared, Stores};

/// An open database: SQLite or PostgreSQL.
#[derive(Debug)]
pub struct Db {
    reader: DatabaseConnection,
    writer: writer::Handle,
    graphs: Arc<Graphs>,
    apart: Option<DatabaseConnection>,
    unresponsive: Arc<Unresponsive>,
    server: Option<Arc<postgres::Server>>,
    _lock: Option<File>,
}

impl Db {
    /// Opens the database at `url`, runs pending migrations and starts the writers. A SQLite file that another process
    /// has open is refused.
    pub async fn open(
        url: &str,
        clock: Clock,
        index: Arc<SubscriberCache>,
        lanes: Arc<Lanes>,
        live: Arc<Live>,
        bus: Arc<Bus>,
    ) -> Result<Self> {
        let graphs = Arc::new(Graphs::new(Arc::clone(&index)));
        let shared = Shared {
            clock,
            index,
            graphs: Arc::clone(&graphs),
            lanes,
            live,
            bus,
            unresponsive: Arc::default(),
        };
        let Opened {
            reader,
            stores,
            apart,
            server,
            lock,
        } = match postgres::is_meant(url) {
            true => of_postgres(url).await?,
            false => of_sqlite(url, &shared).await?,
        };
        Ok(Self {
            reader,
            writer: writer::start(stores, &shared),
            graphs,
            apart,
            unresponsive: shared.unresponsive,
            server,
            _lock: lock,
        })
    }

    /// Returns the read-only connections.
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Returns a connection of its own for the heartbeat, so that it never waits for one; `None` on SQLite, which one
    /// process has alone.
    pub(crate) fn apart(&self) -> Option<&DatabaseConnection> {
        self.apart.as_ref()
    }

    /// Waits for a query that changes nothing, until the database is reported unresponsive.
    pub async fn until_unresponsive<T>(&self, look: impl Future<Output = Result<T>>) -> Result<T> {
        self.unresponsive.until_unresponsive(look).await
    }

    /// Reports that the database has not answered for too long: everything that waits for it is canceled.
    pub(crate) fn is_silent(&self) {
        self.unresponsive.report();
    }

    /// Opens a connection of its own to a PostgreSQL server, for maintenance of the tables; `None` on SQLite.
    pub(crate) async fn maintenance(&self) -> Result<Option<DatabaseConnection>> {
        match &self.server {
            Some(server) => server.writer().await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns the compiled workflows of projects.
    pub(crate) fn graphs(&self) -> &Graphs {
        &self.graphs
    }

    /// Runs `unit` in a transaction that it may share with others, inside a savepoint of its own, and answers after the
    /// commit. An error rolls back the unit alone.
    pub async fn write<T, F>(&self, scope: impl Into<Scope>, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        let scope = scope.into();
        match request_mark::current() {
            None => self.writer.write(Access::ReadWrite, scope, unit).await,
            Some(id) => self.writer.write(Access::ReadWrite, scope, marked(id, unit)).await,
        }
    }

    /// Like [`Db::write`], for a unit that only reads and leaves its changes in the outbox. It needs no savepoint. The
    /// context of the labels in `about` is prefetched, for many units by one query.
    pub(crate) async fn append<T, F>(&self, scope: Scope, about: Vec<LabelKey>, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        match request_mark::current() {
            None => self.writer.write(Access::AppendOnly(about), scope, unit).await,
            Some(id) => self.writer.write(Access::ReadWrite, scope, marked(id, unit)).await,
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

/// The connections of a database, and the lock file of SQLite.
struct Opened {
    reader: DatabaseConnection,
    stores: Stores,
    apart: Option<DatabaseConnection>,
    server: Option<Arc<postgres::Server>>,
    lock: Option<File>,
}

async fn of_sqlite(url: &str, shared: &Shared) -> Result<Opened> {
    let lock = sqlite::Files::parse(url)?.lock()?;
    let conn = sqlite::writer(url).await?;
    migration::Migrator::up(&conn, None).await?;
    let reader = sqlite::readers(url).await?;
    let sequence = Arc::new(Sequence::start(&reader, shared.clock.now()).await?);
    shared.live.announce(sequence.newest(), Hints::default());
    Ok(Opened {
        reader,
        stores: Stores::One(Store::sqlite(url, conn, sequence)),
        apart: None,
        server: None,
        lock: Some(lock),
    })
}

async fn of_postgres(url: &str) -> Result<Opened> {
    let server = Arc::new(postgres::Server::open(url).await?);
    let (mut appends, mut writes) = (Vec::new(), Vec::new());
    for _ in 0..postgres::APPENDERS {
        appends.push(Store::postgres(&server).await?);
    }
    for _ in 0..postgres::WRITERS {
        writes.push(Store::postgres(&server).await?);
    }
    Ok(Opened {
        reader: server.readers().await?,
        stores: Stores::Many { appends, writes },
        apart: Some(server.writer().await?),
        server: Some(server),
        lock: None,
    })
}

/// Wraps a unit of a request that carries an idempotency key: its changes and the mark in the request's row are
/// committed together.
fn marked<T, F>(id: IdempotencyId, unit: F) -> impl for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
{
    move |txn: &Txn| -> Work<'_, T> {
        let work = unit(txn);
        Box::pin(async move {
            let value = work.await?;
            request_mark::mark(txn, id).await?;
            Ok(value)
        })
    }
}

/// Checks that the database answers and that the writers run.
pub async fn ping(db: &Db) -> Result<()> {
    db.writer.ping()?;
    db.read().ping().await.map_err(Error::from)
}
