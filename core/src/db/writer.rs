//! Group commit: units of work that arrive together share one transaction, each inside its own savepoint, and each
//! caller is answered after the commit. No timer: a unit that comes alone is committed alone, and what arrives while a
//! commit is under way makes the next group.
//!
//! A unit that *appends* only looks, and leaves what it makes in its outbox: with nothing to undo it needs no savepoint,
//! which saves two statements of its three. That is what submitting a label does.
//!
//! What units publish is collected and written once a group, as multi-row statements, by `dispatcher/outbox`. After
//! the commit what changed is announced, and the notifications born claimed are handed to the [`Lanes`].

use super::{
    Sequence, sqlite,
    txn::{Txn, Work},
};
use crate::{
    Clock, Error, Result,
    dispatcher::{Lanes, Outbox},
    live::Live,
    webhook::Index,
    workflow::Graphs,
};
use sea_orm::{DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
};
use tokio::sync::{mpsc, oneshot};

/// Units in one transaction at most; more brings nothing (performance.md section 3).
const GROUP: usize = 256;
/// Units that may wait; a caller past it waits to hand over.
const QUEUE: usize = 1024;

/// Tells a caller how its unit ended: `None` once it is committed, or what stopped the whole group.
type Answer = Box<dyn FnOnce(Option<Error>) + Send>;
type Ran<'t> = Pin<Box<dyn Future<Output = (Result<()>, Answer)> + Send + 't>>;

/// A unit of work with its caller's address. Either it runs, or it is refused.
trait Unit: Send {
    fn kind(&self) -> Kind;
    fn run<'t>(self: Box<Self>, txn: &'t Txn) -> Ran<'t>;
    fn refuse(self: Box<Self>, why: Error);
}

/// How a unit changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// By statements of its own.
    Writes,
    /// By what it leaves in its outbox, and in no other way.
    Appends,
}

struct Addressed<T, F> {
    kind: Kind,
    unit: F,
    answer: oneshot::Sender<Result<T>>,
}

impl<T, F> Unit for Addressed<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
{
    fn kind(&self) -> Kind {
        self.kind
    }

    /// A panic inside a unit is its own error: the writer serves everybody and must live.
    fn run<'t>(self: Box<Self>, txn: &'t Txn) -> Ran<'t> {
        let Self { unit, answer, .. } = *self;
        Box::pin(async move {
            let mut work: Option<Work<'t, T>> = None;
            let mut unit = Some(unit);
            let result = std::future::poll_fn(|cx| {
                catch_unwind(AssertUnwindSafe(|| {
                    let work = work.get_or_insert_with(|| unit.take().expect("a unit starts once")(txn));
                    work.as_mut().poll(cx)
                }))
                .unwrap_or_else(|_| Poll::Ready(Err(Error::internal("a unit of work panicked"))))
            })
            .await;
            let outcome = result.as_ref().map(|_| ()).map_err(Clone::clone);
            let answer: Answer = Box::new(move |stopped| {
                answer.send(stopped.map_or(result, Err)).ok();
            });
            (outcome, answer)
        })
    }

    fn refuse(self: Box<Self>, why: Error) {
        self.answer.send(Err(why)).ok();
    }
}

/// The way to the writer.
#[derive(Debug)]
pub(super) struct Handle {
    units: Mutex<Option<mpsc::Sender<Box<dyn Unit>>>>,
    ended: tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
}

pub(super) fn start(writer: Writer) -> Handle {
    let (units, queue) = mpsc::channel(QUEUE);
    let task = tokio::spawn(writer.run(queue));
    Handle {
        units: Mutex::new(Some(units)),
        ended: tokio::sync::Mutex::new(Some(task)),
    }
}

impl Handle {
    pub(super) async fn write<T, F>(&self, kind: Kind, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let units = self
            .units
            .lock()
            .expect("held for a clone only")
            .clone()
            .ok_or_else(closed)?;
        units
            .send(Box::new(Addressed { kind, unit, answer }))
            .await
            .map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Whether units are still taken.
    pub(super) fn ping(&self) -> Result<()> {
        let units = self.units.lock().expect("held for a look only");
        units
            .as_ref()
            .filter(|units| !units.is_closed())
            .map(drop)
            .ok_or_else(closed)
    }

    pub(super) async fn close(&self) {
        self.units.lock().expect("held for a take only").take();
        if let Some(task) = self.ended.lock().await.take() {
            task.await.ok();
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("the server is shutting down".into())
}

/// What commits the units.
pub(super) struct Writer {
    pub(super) url: String,
    pub(super) conn: DatabaseConnection,
    pub(super) clock: Clock,
    pub(super) sequence: Arc<Sequence>,
    pub(super) index: Arc<Index>,
    pub(super) graphs: Arc<Graphs>,
    pub(super) lanes: Arc<Lanes>,
    pub(super) live: Arc<Live>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Unit>>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.recv_many(&mut group, GROUP).await > 0 {
            self.commit(group.drain(..)).await;
        }
        self.conn.close().await.ok();
    }

    /// Commits a group and answers its callers. Whatever stops the whole transaction is everybody's answer.
    async fn commit(&mut self, units: impl Iterator<Item = Box<dyn Unit>>) {
        let mut answers = Vec::new();
        let mut outbox = Outbox::default();
        let committed = self.transact(units, &mut answers, &mut outbox).await;
        if committed.is_err() {
            self.reconnect().await;
        }
        if committed.is_ok() {
            self.live
                .announce(self.sequence.newest(), std::mem::take(outbox.hints()));
        }
        outbox.settle(&self.lanes, committed.is_ok());
        for answer in answers {
            answer(committed.as_ref().err().cloned());
        }
    }

    /// After a fault nobody can say what state the connection is in: SQLite rolls a transaction back by itself when the
    /// disk is full, and the library, which counts savepoints, does not notice; the next group would be nested in a
    /// transaction that nothing commits. A new connection has no past.
    async fn reconnect(&mut self) {
        self.conn.clone().close().await.ok();
        match sqlite::writer(&self.url).await {
            Ok(conn) => self.conn = conn,
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "the writer cannot connect again"
            ),
        }
    }

    async fn transact(
        &self,
        units: impl Iterator<Item = Box<dyn Unit>>,
        answers: &mut Vec<Answer>,
        outbox: &mut Outbox,
    ) -> Result<()> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let outer = match self.conn.begin_with_options(options).await {
            Ok(outer) => Arc::new(outer),
            Err(fault) => {
                let why = Error::from(fault);
                units.for_each(|unit| unit.refuse(why.clone()));
                return Err(why);
            }
        };
        let mut stopped = None;
        for unit in units {
            match &stopped {
                Some(why) => unit.refuse(Error::clone(why)),
                None => stopped = self.savepoint(&outer, unit, answers, outbox).await,
            }
        }
        self.finish(outer, stopped, outbox).await
    }

    /// Runs a unit inside its savepoint. A value says that the transaction as a whole cannot go on: SQLite may have
    /// rolled it back by itself, so nothing after it can be trusted.
    async fn savepoint(
        &self,
        outer: &Arc<DatabaseTransaction>,
        unit: Box<dyn Unit>,
        answers: &mut Vec<Answer>,
        outbox: &mut Outbox,
    ) -> Option<Error> {
        let savepoint = match unit.kind() {
            Kind::Appends => Ok(Arc::clone(outer)),
            Kind::Writes => outer.begin().await.map(Arc::new),
        };
        let conn = match savepoint {
            Ok(conn) => conn,
            Err(fault) => {
                let why = Error::from(fault);
                unit.refuse(why.clone());
                return Some(why);
            }
        };
        let txn = self.txn(conn);
        let (outcome, answer) = unit.run(&txn).await;
        answers.push(answer);
        let Txn {
            conn,
            outbox: left,
            stale,
            ..
        } = txn;
        match &outcome {
            Ok(()) => outbox.append(left.into_inner().expect("nothing panics while it holds the outbox")),
            Err(_) => stale
                .into_inner()
                .expect("held for a push only")
                .into_iter()
                .for_each(|id| self.index.forget(id)),
        }
        let ended = match Arc::into_inner(conn) {
            Some(savepoint) if outcome.is_ok() => savepoint.commit().await,
            Some(savepoint) => savepoint.rollback().await,
            None => Ok(()),
        };
        match (outcome, ended) {
            (Err(error @ Error::Unavailable(_)), _) => Some(error),
            (_, Err(fault)) => Some(fault.into()),
            _ => None,
        }
    }

    fn txn(&self, conn: Arc<DatabaseTransaction>) -> Txn {
        Txn {
            conn,
            now: self.clock.now(),
            sequence: Arc::clone(&self.sequence),
            index: Arc::clone(&self.index),
            graphs: Arc::clone(&self.graphs),
            outbox: Mutex::default(),
            stale: Mutex::default(),
        }
    }

    async fn finish(&self, outer: Arc<DatabaseTransaction>, stopped: Option<Error>, outbox: &mut Outbox) -> Result<()> {
        let flushed = match stopped {
            Some(error) => Err(error),
            None => outbox.flush(outer.as_ref(), &self.lanes).await,
        };
        let outer = Arc::into_inner(outer).expect("no unit keeps the transaction");
        let committed = match flushed {
            Ok(()) => outer.commit().await.map_err(Error::from),
            Err(error) => {
                outer.rollback().await.ok();
                Err(error)
            }
        };
        if committed.is_err() {
            self.index.forget_all();
        }
        committed
    }
}
