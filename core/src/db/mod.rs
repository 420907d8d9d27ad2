//! The database: readers beside writers that commit in groups. Verbs that only look use [`Db::read`]; verbs that change
//! something hand a unit of work to [`Db::write`], say whom it concerns ([`Scope`]), and are answered after the commit is
//! on disk.

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
    label_context::About,
    queue::lanes::Lanes,
    sql::{postgres, sequence::Sequence, sqlite},
    subscribers::Index,
};
use entity::IdempotencyId;
use migration::MigratorTrait;
use sea_orm::DatabaseConnection;
use std::{fs::File, sync::Arc};
use store::Store;
use unresponsive::Silence;
use writer::{Kind, Shared, Stores};

/// An open database.
#[derive(Debug)]
pub struct Db {
    reader: DatabaseConnection,
    writer: writer::Handle,
    graphs: Arc<Graphs>,
    apart: Option<DatabaseConnection>,
    silence: Arc<Silence>,
    server: Option<Arc<postgres::Server>>,
    _lock: Option<File>,
}

impl Db {
    /// Opens the database at `url`, brings its tables up to date and starts the writers. A SQLite file that another
    /// process has open is refused.
    pub async fn open(
        url: &str,
        clock: Clock,
        index: Arc<Index>,
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
            silence: Arc::default(),
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
            silence: shared.silence,
            server,
            _lock: lock,
        })
    }

    /// A connection for looking only.
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// A connection that nobody waits for, to a database that many nodes share.
    pub(crate) fn apart(&self) -> Option<&DatabaseConnection> {
        self.apart.as_ref()
    }

    /// Waits for something that changes nothing, unless the database falls silent meanwhile.
    pub async fn outlast<T>(&self, look: impl Future<Output = Result<T>>) -> Result<T> {
        self.silence.outlast(look).await
    }

    /// The database has not answered for too long: what waits for it is broken off.
    pub(crate) fn is_silent(&self) {
        self.silence.noticed();
    }

    /// A connection of its own to a PostgreSQL server, for what is done to the tables themselves; none on SQLite.
    pub(crate) async fn maintenance(&self) -> Result<Option<DatabaseConnection>> {
        match &self.server {
            Some(server) => server.writer().await.map(Some),
            None => Ok(None),
        }
    }

    /// The workflows of projects, ready for use.
    pub(crate) fn graphs(&self) -> &Graphs {
        &self.graphs
    }

    /// Runs `unit` in a transaction that it may share with others, inside a savepoint of its own, and answers after the
    /// commit. An error undoes the unit alone.
    pub async fn write<T, F>(&self, scope: impl Into<Scope>, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        let scope = scope.into();
        match request_mark::current() {
            None => self.writer.write(Kind::Writes, scope, unit).await,
            Some(id) => self.writer.write(Kind::Writes, scope, marked(id, unit)).await,
        }
    }

    /// As [`Db::write`], for a unit that only looks and leaves what it makes in its outbox: it needs no savepoint, and what
    /// stands around the labels that it is about is looked for beforehand, with that of others.
    pub(crate) async fn append<T, F>(&self, scope: Scope, about: Vec<About>, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        match request_mark::current() {
            None => self.writer.write(Kind::Appends(about), scope, unit).await,
            Some(id) => self.writer.write(Kind::Writes, scope, marked(id, unit)).await,
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

/// The connections of a database, and what holds it.
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
            request_mark::mark(txn, id).await?;
            Ok(value)
        })
    }
}

/// Whether the database answers, and the writer lives.
pub async fn ping(db: &Db) -> Result<()> {
    db.writer.ping()?;
    db.read().ping().await.map_err(Error::from)
}
