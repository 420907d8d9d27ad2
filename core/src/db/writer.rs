//! Group commit: units of work that arrive together share one transaction, each inside its own savepoint, and each
//! caller is answered after the commit. A unit that arrives alone is committed alone and at once; units that arrive
//! during a commit form the next group ([`queue`](super::queue)).
//!
//! A unit that *appends* only reads, and leaves its changes in the outbox. It has nothing to roll back and so needs no
//! savepoint, which saves two of its three statements. Submitting a label and recording an ordinary outcome work like
//! this. What appending units read is prefetched for many of them together ([`prefetch`]).
//!
//! The outboxes of a group's units are merged and written once, as multi-row statements, by the [`Outbox`]. After the
//! commit the changes are announced to the feed, and notifications that were written already claimed are offered to the
//! [`Lanes`].
//!
//! On SQLite there is one writer. On PostgreSQL there are several, each with a connection of its own. Units that append
//! have a queue of their own, so that they need not wait for longer ones. There, advisory locks isolate the groups from
//! each other ([`organization_locks`](crate::db::organization_locks)).

use super::{
    prefetch,
    queue::{AdaptiveBatching, CommandSender, Queue},
    scope::Scope,
    store::{Begun, Store},
    txn::{Txn, Work},
    unresponsive::{self, Unresponsive},
};
use crate::{
    Clock, Error, Result,
    bus::Bus,
    feed::Live,
    graph::Graphs,
    label_context::{self, LabelContexts, LabelKey},
    queue::{lanes::Lanes, outbox::Outbox},
    sql::{postgres, statement::raw},
    subscribers::SubscriberCache,
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

/// The state of a group between its units and its commit.
#[derive(Default)]
struct Group {
    answers: Vec<Reply>,
    outbox: Outbox,
    /// Organizations whose webhooks have changed.
    stale: BTreeSet<OrganizationId>,
    mark: i64,
    /// True once the commit has been sent.
    committing: bool,
}

/// Tells a caller how its unit ended: `None` once it is committed, or the error that stopped the whole group.
type Reply = Box<dyn FnOnce(Option<Error>) + Send>;
pub(super) type Ran<'t> = Pin<Box<dyn Future<Output = (Result<()>, Reply)> + Send + 't>>;

/// A command to the writer: a unit of work and the way to its caller. It is either run or refused.
pub(super) trait Command: Send {
    fn access(&self) -> &Access;
    fn scope(&self) -> &Scope;
    fn run<'t>(self: Box<Self>, txn: &'t Txn) -> Ran<'t>;
    fn refuse(self: Box<Self>, why: Error);
}

/// The access of a unit to the database.
#[derive(Debug)]
pub(super) enum Access {
    /// By statements of its own.
    ReadWrite,
    /// By what it leaves in the outbox alone. It reads the context of these labels, which is prefetched.
    AppendOnly(Vec<LabelKey>),
}

struct UnitCommand<T, F> {
    kind: Access,
    scope: Scope,
    unit: F,
    answer: oneshot::Sender<Result<T>>,
}

impl<T, F> Command for UnitCommand<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
{
    fn access(&self) -> &Access {
        &self.kind
    }

    fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Runs the unit. A panic inside it becomes its own error: the writer serves everybody and must live on.
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
            let answer: Reply = Box::new(move |stopped| {
                answer.send(stopped.map_or(result, Err)).ok();
            });
            (outcome, answer)
        })
    }

    fn refuse(self: Box<Self>, why: Error) {
        self.answer.send(Err(why)).ok();
    }
}

/// The callers' side of the writers.
#[derive(Debug)]
pub(super) struct Handle {
    units: Mutex<Option<Queues>>,
    ended: tokio::sync::Mutex<JoinSet<()>>,
}

/// The queues to the writers, by access.
#[derive(Clone, Debug)]
struct Queues {
    appends: CommandSender,
    writes: CommandSender,
}

impl Queues {
    fn of(&self, kind: &Access) -> &CommandSender {
        match kind {
            Access::AppendOnly(_) => &self.appends,
            Access::ReadWrite => &self.writes,
        }
    }
}

/// Starts the writers of a database, each with a connection of its own.
pub(super) fn start(stores: Stores, shared: &Shared) -> Handle {
    let mut ended = JoinSet::new();
    let mut serve = |(units, queue): (CommandSender, Queue), stores: Vec<Store>| {
        for store in stores {
            let shared = shared.clone();
            ended.spawn(Writer { store, shared }.run(queue.clone()));
        }
        units
    };
    let ways = match stores {
        Stores::One(store) => {
            let units = serve(Queue::new(), vec![store]);
            Queues {
                appends: units.clone(),
                writes: units,
            }
        }
        Stores::Many { appends, writes } => Queues {
            appends: serve(Queue::gathering(), appends),
            writes: serve(Queue::new(), writes),
        },
    };
    Handle {
        units: Mutex::new(Some(ways)),
        ended: tokio::sync::Mutex::new(ended),
    }
}

/// The connections for writing.
pub(super) enum Stores {
    /// One for everything.
    One(Store),
    /// Some for units that append, some for the rest.
    Many { appends: Vec<Store>, writes: Vec<Store> },
}

impl Handle {
    pub(super) async fn write<T, F>(&self, kind: Access, scope: Scope, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Txn) -> Work<'t, T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let units = self.queues().ok_or_else(closed)?.of(&kind).clone();
        let unit = UnitCommand {
            kind,
            scope,
            unit,
            answer,
        };
        units.send(Box::new(unit)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| unresponsive::unanswered())?
    }

    fn queues(&self) -> Option<Queues> {
        self.units.lock().expect("held for a clone only").clone()
    }

    /// Checks that the writers still take units.
    pub(super) fn ping(&self) -> Result<()> {
        self.queues()
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

/// The state that all writers share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) index: Arc<SubscriberCache>,
    pub(super) graphs: Arc<Graphs>,
    pub(super) lanes: Arc<Lanes>,
    pub(super) live: Arc<Live>,
    pub(super) bus: Arc<Bus>,
    pub(super) unresponsive: Arc<Unresponsive>,
}

/// A task that commits the units of one queue.
struct Writer {
    store: Store,
    shared: Shared,
}

impl Writer {
    async fn run(mut self, queue: Queue) {
        let mut batching = AdaptiveBatching::default();
        loop {
            let group = queue.next(&mut batching).await;
            if group.is_empty() {
                break;
            }
            self.commit(group).await;
        }
        self.store.close().await;
    }

    /// Commits a group and answers its callers. An error that stops the whole transaction is the answer to all of them.
    async fn commit(&mut self, units: Vec<Box<dyn Command>>) {
        let mut group = Group::default();
        let unresponsive = Arc::clone(&self.shared.unresponsive);
        let committed = tokio::select! {
            committed = self.transact(units, &mut group) => committed,
            () = unresponsive.wait() => Err(self.broken_off(&group)),
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

    /// Returns the error for a database that has stopped answering. Units that have not run so far never will.
    fn broken_off(&self, group: &Group) -> Error {
        self.shared.index.forget_all();
        match group.committing {
            true => postgres::not_known(),
            false => unresponsive::unanswered(),
        }
    }

    /// Runs the units of a group in one transaction and commits it.
    async fn transact(&self, units: Vec<Box<dyn Command>>, group: &mut Group) -> Result<()> {
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
            let asked = prefetch::label_keys(&run);
            let prefetched = match &stopped {
                Some(why) => Err(Error::clone(why)),
                None => label_context::load(outer.as_ref(), asked).await.map(Arc::new),
            };
            stopped = self.run_all(&outer, &turn, run, prefetched, group).await;
        }
        group.mark = turn.mark();
        self.finish(outer, stopped, group).await
    }

    /// Runs consecutive units of one access with the context that was prefetched for them.
    async fn run_all(
        &self,
        outer: &Arc<DatabaseTransaction>,
        turn: &Begun,
        run: Vec<Box<dyn Command>>,
        mut prefetched: Result<Arc<LabelContexts>>,
        group: &mut Group,
    ) -> Option<Error> {
        for unit in run {
            match &prefetched {
                Err(why) => unit.refuse(why.clone()),
                Ok(known) => {
                    let stopped = self.savepoint(outer, turn, Arc::clone(known), unit, group).await;
                    prefetched = stopped.map_or(prefetched, Err);
                }
            }
        }
        prefetched.err()
    }

    /// Runs a unit inside its savepoint. An error is returned when the transaction as a whole cannot go on: SQLite may
    /// have rolled it back by itself, so nothing after it can be trusted.
    async fn savepoint(
        &self,
        outer: &Arc<DatabaseTransaction>,
        turn: &Begun,
        prefetched: Arc<LabelContexts>,
        unit: Box<dyn Command>,
        group: &mut Group,
    ) -> Option<Error> {
        let is_alone = unit.scope().is_exclusive();
        let savepoint = match unit.access() {
            Access::AppendOnly(_) => Ok(Arc::clone(outer)),
            Access::ReadWrite => open(outer, is_alone, &mut group.outbox).await,
        };
        let conn = match savepoint {
            Ok(conn) => conn,
            Err(why) => {
                unit.refuse(why.clone());
                return Some(why);
            }
        };
        let txn = self.txn(conn, turn, prefetched);
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

    fn txn(&self, conn: Arc<DatabaseTransaction>, turn: &Begun, prefetched: Arc<LabelContexts>) -> Txn {
        Txn {
            conn,
            prefetched,
            now: self.shared.clock.now(),
            sequence: Arc::clone(&turn.sequence),
            index: Arc::clone(&self.shared.index),
            graphs: Arc::clone(&self.shared.graphs),
            outbox: Mutex::default(),
            stale: Mutex::default(),
        }
    }

    /// Writes the merged outbox of the group.
    async fn flush(&self, outer: &DatabaseTransaction, group: &mut Group) -> Result<()> {
        if !group.stale.is_empty() {
            let ids: Vec<Value> = group.stale.iter().map(|id| Value::from(*id)).collect();
            let marks = vec!["?"; ids.len()].join(", ");
            let text = format!("UPDATE organization SET generation = generation + 1 WHERE id IN ({marks})");
            outer.execute_raw(raw(outer, &text, ids)).await?;
        }
        group.outbox.flush(outer, &self.shared.lanes).await
    }

    /// Writes the outbox and commits, or rolls back if a unit has stopped the group.
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

/// Opens a savepoint. Before a unit that has its organization exclusively, labels still in the outbox are written: the
/// unit may decide by them.
async fn open(outer: &DatabaseTransaction, is_alone: bool, left: &mut Outbox) -> Result<Arc<DatabaseTransaction>> {
    if is_alone {
        left.write_labels(outer).await?;
    }
    Ok(Arc::new(outer.begin().await?))
}
