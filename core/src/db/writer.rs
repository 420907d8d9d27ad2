//! Group commit: units of work that arrive together share one transaction, each inside its own savepoint, and each
//! caller is answered after the commit. A unit that comes alone is committed alone and at once, and what arrives while a
//! commit is under way makes the next group (`queue.rs`).
//!
//! A unit that *appends* only looks, and leaves what it makes in its outbox: with nothing to undo it needs no savepoint,
//! which saves two statements of its three. That is what submitting a label does, and recording an ordinary outcome.
//!
//! What units publish is collected and written once a group, as multi-row statements, by `dispatcher/outbox`. After
//! the commit what changed is announced, and the notifications born claimed are handed to the [`Lanes`].
//!
//! What such units read is the same for all of them, so it is looked for ahead, for many together (`ahead.rs`).
//!
//! On SQLite there is one writer. On PostgreSQL there are a few, each with a connection of its own; those that append have
//! a queue of their own, so that they need not wait for what takes longer. How groups keep out of each other's way there is
//! `turns.rs`.

use super::{
    prefetch,
    queue::{Hope, Queue, Units},
    scope::Scope,
    store::{Begun, Store},
    txn::{Txn, Work},
    unresponsive::{self, Silence},
};
use crate::{
    Clock, Error, Result,
    bus::Bus,
    feed::Live,
    graph::Graphs,
    label_context::{self, About, Subjects},
    queue::{lanes::Lanes, outbox::Outbox},
    sql::{postgres, statement::raw},
    subscribers::Index,
};
use entity::OrganizationId;
use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait, Value};
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
};
use tokio::{sync::oneshot, task::JoinSet};

/// What a group leaves behind for its commit.
#[derive(Default)]
struct Group {
    answers: Vec<Answer>,
    outbox: Outbox,
    /// Organizations whose webhooks have changed.
    stale: BTreeSet<OrganizationId>,
    mark: i64,
    /// Whether the commit has been asked for.
    committing: bool,
}

/// Tells a caller how its unit ended: `None` once it is committed, or what stopped the whole group.
type Answer = Box<dyn FnOnce(Option<Error>) + Send>;
pub(super) type Ran<'t> = Pin<Box<dyn Future<Output = (Result<()>, Answer)> + Send + 't>>;

/// A unit of work with its caller's address. Either it runs, or it is refused.
pub(super) trait Unit: Send {
    fn kind(&self) -> &Kind;
    fn scope(&self) -> &Scope;
    fn run<'t>(self: Box<Self>, txn: &'t Txn) -> Ran<'t>;
    fn refuse(self: Box<Self>, why: Error);
}

/// How a unit changes something.
#[derive(Debug)]
pub(super) enum Kind {
    /// By statements of its own.
    Writes,
    /// By what it leaves in its outbox, and in no other way; it reads what stands around these.
    Appends(Vec<About>),
}

struct Addressed<T, F> {
    kind: Kind,
    scope: Scope,
    unit: F,
    answer: oneshot::Sender<Result<T>>,
}

impl<T, F> Unit for Addressed<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
{
    fn kind(&self) -> &Kind {
        &self.kind
    }

    fn scope(&self) -> &Scope {
        &self.scope
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

/// The way to the writers.
#[derive(Debug)]
pub(super) struct Handle {
    units: Mutex<Option<Ways>>,
    ended: tokio::sync::Mutex<JoinSet<()>>,
}

#[derive(Clone, Debug)]
struct Ways {
    appends: Units,
    writes: Units,
}

impl Ways {
    fn of(&self, kind: &Kind) -> &Units {
        match kind {
            Kind::Appends(_) => &self.appends,
            Kind::Writes => &self.writes,
        }
    }
}

/// Starts the writers of a database, each over a connection of its own.
pub(super) fn start(stores: Stores, shared: &Shared) -> Handle {
    let mut ended = JoinSet::new();
    let mut serve = |(units, queue): (Units, Queue), stores: Vec<Store>| {
        for store in stores {
            let shared = shared.clone();
            ended.spawn(Writer { store, shared }.run(queue.clone()));
        }
        units
    };
    let ways = match stores {
        Stores::One(store) => {
            let units = serve(Queue::new(), vec![store]);
            Ways {
                appends: units.clone(),
                writes: units,
            }
        }
        Stores::Many { appends, writes } => Ways {
            appends: serve(Queue::gathering(), appends),
            writes: serve(Queue::new(), writes),
        },
    };
    Handle {
        units: Mutex::new(Some(ways)),
        ended: tokio::sync::Mutex::new(ended),
    }
}

/// The connections that are written through.
pub(super) enum Stores {
    /// One for everything.
    One(Store),
    /// Some for what appends, some for the rest.
    Many { appends: Vec<Store>, writes: Vec<Store> },
}

impl Handle {
    pub(super) async fn write<T, F>(&self, kind: Kind, scope: Scope, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let units = self.ways().ok_or_else(closed)?.of(&kind).clone();
        let unit = Addressed {
            kind,
            scope,
            unit,
            answer,
        };
        units.send(Box::new(unit)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| unresponsive::unanswered())?
    }

    fn ways(&self) -> Option<Ways> {
        self.units.lock().expect("held for a clone only").clone()
    }

    /// Whether units are still taken.
    pub(super) fn ping(&self) -> Result<()> {
        self.ways()
            .filter(|ways| !ways.appends.is_closed() && !ways.writes.is_closed())
            .map(drop)
            .ok_or_else(closed)
    }

    pub(super) async fn close(&self) {
        self.units.lock().expect("held for a take only").take();
        while self.ended.lock().await.join_next().await.is_some() {}
    }
}

fn closed() -> Error {
    Error::Unavailable("the server is shutting down".into())
}

/// What all writers know.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) index: Arc<Index>,
    pub(super) graphs: Arc<Graphs>,
    pub(super) lanes: Arc<Lanes>,
    pub(super) live: Arc<Live>,
    pub(super) bus: Arc<Bus>,
    pub(super) silence: Arc<Silence>,
}

/// What commits the units.
struct Writer {
    store: Store,
    shared: Shared,
}

impl Writer {
    async fn run(mut self, queue: Queue) {
        let mut hope = Hope::default();
        loop {
            let group = queue.next(&mut hope).await;
            if group.is_empty() {
                break;
            }
            self.commit(group).await;
        }
        self.store.close().await;
    }

    /// Commits a group and answers its callers. Whatever stops the whole transaction is everybody's answer.
    async fn commit(&mut self, units: Vec<Box<dyn Unit>>) {
        let mut group = Group::default();
        let silence = Arc::clone(&self.shared.silence);
        let committed = tokio::select! {
            committed = self.transact(units, &mut group) => committed,
            () = silence.falls() => Err(self.broken_off(&group)),
        };
        if committed.is_err() {
            self.store.reconnect().await;
        }
        let Group {
            answers,
            mut outbox,
            mark,
            ..
        } = group;
        if committed.is_ok() {
            let hints = std::mem::take(outbox.hints());
            self.shared.bus.tell(hints.message());
            self.shared.live.announce(mark, hints);
        }
        outbox.settle(&self.shared.lanes, committed.is_ok());
        for answer in answers {
            answer(committed.as_ref().err().cloned());
        }
    }

    /// The database does not answer any more. Units that were not carried out so far never will be.
    fn broken_off(&self, group: &Group) -> Error {
        self.shared.index.forget_all();
        match group.committing {
            true => postgres::not_known(),
            false => unresponsive::unanswered(),
        }
    }

    async fn transact(&self, units: Vec<Box<dyn Unit>>, group: &mut Group) -> Result<()> {
        let mut scope = Scope::default();
        units.iter().for_each(|unit| scope.join(unit.scope()));
        let (outer, turn) = match self.store.begin(&scope, &self.shared).await {
            Ok((outer, turn)) => (Arc::new(outer), turn),
            Err(why) => {
                units.into_iter().for_each(|unit| unit.refuse(why.clone()));
                return Err(why);
            }
        };
        let mut stopped = None;
        for run in prefetch::runs(units) {
            let asked = prefetch::asked(&run);
            let seen = match &stopped {
                Some(why) => Err(Error::clone(why)),
                None => label_context::look(outer.as_ref(), asked).await.map(Arc::new),
            };
            stopped = self.run_all(&outer, &turn, run, seen, group).await;
        }
        group.mark = turn.mark();
        self.finish(outer, stopped, group).await
    }

    /// Runs units that stand in a row with what was seen ahead of them.
    async fn run_all(
        &self,
        outer: &Arc<DatabaseTransaction>,
        turn: &Begun,
        run: Vec<Box<dyn Unit>>,
        mut seen: Result<Arc<Subjects>>,
        group: &mut Group,
    ) -> Option<Error> {
        for unit in run {
            match &seen {
                Err(why) => unit.refuse(why.clone()),
                Ok(known) => {
                    let stopped = self.savepoint(outer, turn, Arc::clone(known), unit, group).await;
                    seen = stopped.map_or(seen, Err);
                }
            }
        }
        seen.err()
    }

    /// Runs a unit inside its savepoint. A value says that the transaction as a whole cannot go on: SQLite may have
    /// rolled it back by itself, so nothing after it can be trusted.
    async fn savepoint(
        &self,
        outer: &Arc<DatabaseTransaction>,
        turn: &Begun,
        seen: Arc<Subjects>,
        unit: Box<dyn Unit>,
        group: &mut Group,
    ) -> Option<Error> {
        let is_alone = unit.scope().is_alone();
        let savepoint = match unit.kind() {
            Kind::Appends(_) => Ok(Arc::clone(outer)),
            Kind::Writes => open(outer, is_alone, &mut group.outbox).await,
        };
        let conn = match savepoint {
            Ok(conn) => conn,
            Err(why) => {
                unit.refuse(why.clone());
                return Some(why);
            }
        };
        let txn = self.txn(conn, turn, seen);
        let (outcome, answer) = unit.run(&txn).await;
        group.answers.push(answer);
        let Txn {
            conn,
            outbox: left,
            stale,
            ..
        } = txn;
        let stale = stale.into_inner().expect("held for a push only");
        match &outcome {
            Ok(()) => {
                group
                    .outbox
                    .append(left.into_inner().expect("nothing panics while it holds the outbox"));
                group.stale.extend(stale);
            }
            Err(_) => stale.into_iter().for_each(|id| self.shared.index.forget(id)),
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

    fn txn(&self, conn: Arc<DatabaseTransaction>, turn: &Begun, seen: Arc<Subjects>) -> Txn {
        Txn {
            conn,
            seen,
            now: self.shared.clock.now(),
            sequence: Arc::clone(&turn.sequence),
            index: Arc::clone(&self.shared.index),
            graphs: Arc::clone(&self.shared.graphs),
            outbox: Mutex::default(),
            stale: Mutex::default(),
        }
    }

    /// Writes what the units have left to be written together.
    async fn flush(&self, outer: &DatabaseTransaction, group: &mut Group) -> Result<()> {
        if !group.stale.is_empty() {
            let ids: Vec<Value> = group.stale.iter().map(|id| Value::from(*id)).collect();
            let marks = vec!["?"; ids.len()].join(", ");
            let text = format!("UPDATE organization SET generation = generation + 1 WHERE id IN ({marks})");
            outer.execute_raw(raw(outer, &text, ids)).await?;
        }
        group.outbox.flush(outer, &self.shared.lanes).await
    }

    async fn finish(&self, outer: Arc<DatabaseTransaction>, stopped: Option<Error>, group: &mut Group) -> Result<()> {
        let flushed = match stopped {
            Some(error) => Err(error),
            None => self.flush(outer.as_ref(), group).await,
        };
        let outer = Arc::into_inner(outer).expect("no unit keeps the transaction");
        group.committing = flushed.is_ok();
        let committed = match flushed {
            Ok(()) => outer.commit().await.map_err(|fault| self.store.broken_off(fault)),
            Err(error) => {
                outer.rollback().await.ok();
                Err(error)
            }
        };
        if committed.is_err() {
            self.shared.index.forget_all();
        }
        committed
    }
}

/// A savepoint. A unit that has its organization alone decides by what is there, also by labels that were left before it.
async fn open(outer: &DatabaseTransaction, is_alone: bool, left: &mut Outbox) -> Result<Arc<DatabaseTransaction>> {
    if is_alone {
        left.write_labels(outer).await?;
    }
    Ok(Arc::new(outer.begin().await?))
}
