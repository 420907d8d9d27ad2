//! [`Txn`]: a unit of work's view of the transaction it shares with others of its group.

use crate::{
    Result, graph::Graphs, label_context::Subjects, queue::outbox::Outbox, sql::sequence::Sequence, subscribers::Index,
};
use entity::{OrganizationId, TaskId, Timestamp, replay, task};
use sea_orm::DatabaseTransaction;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
};

/// What a unit of work returns: a boxed future over its transaction.
pub type Work<'t, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 't>>;

/// A unit's view of the transaction it shares.
pub struct Txn {
    pub(super) conn: Arc<DatabaseTransaction>,
    pub(super) seen: Arc<Subjects>,
    pub(super) now: Timestamp,
    pub(super) sequence: Arc<Sequence>,
    pub(super) index: Arc<Index>,
    pub(super) graphs: Arc<Graphs>,
    pub(super) outbox: Mutex<Outbox>,
    pub(super) stale: Mutex<Vec<OrganizationId>>,
}

impl Txn {
    /// The connection: inside this unit's savepoint, or for looking only when the unit appends.
    pub fn conn(&self) -> &DatabaseTransaction {
        &self.conn
    }

    /// What was looked for ahead of the unit, for several together, and is still so.
    pub(crate) fn seen(&self) -> &Arc<Subjects> {
        &self.seen
    }

    /// The moment of this change: the same for everything the unit writes.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn next_sequence(&self) -> i64 {
        self.sequence.next()
    }

    /// Which webhooks of an organization want which events.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// The workflows of projects, ready for use.
    pub(crate) fn graphs(&self) -> &Graphs {
        &self.graphs
    }

    /// An organization's webhooks have changed here: the index reads them anew, and again when the unit is undone.
    pub(crate) fn webhooks_changed(&self, id: OrganizationId) {
        self.stale.lock().expect("held for a push only").push(id);
        self.index.forget(id);
    }

    /// An event or a notification of this organization gets a new number by a statement: the feed is told of it after the
    /// commit. What goes through the outbox is announced by itself.
    pub(crate) fn announce(&self, id: OrganizationId) {
        self.outbox().hints().changed(id);
    }

    /// A task has changed: the feed is told of it after the commit.
    pub(crate) fn task_changed(&self, row: &task::Model) {
        self.outbox().hints().task(row.organization_id, row.id);
    }

    /// The same of tasks that a statement changes.
    pub(crate) fn tasks_changed(&self, tasks: &[(OrganizationId, TaskId)]) {
        let mut outbox = self.outbox();
        let hints = outbox.hints();
        tasks
            .iter()
            .for_each(|(organization_id, id)| hints.task(*organization_id, *id));
    }

    /// A replay has come further: the feed is told of it after the commit.
    pub(crate) fn replay_changed(&self, row: &replay::Model) {
        self.outbox().hints().replay(row.organization_id, row.id);
    }

    pub(crate) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().expect("nothing panics while it holds the outbox")
    }
}
