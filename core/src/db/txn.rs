//! [`Txn`]: a unit of work's view of the transaction it shares with others of its group.

use crate::{
    Result, graph::Graphs, label_context::LabelContexts, queue::outbox::Outbox, sql::sequence::Sequence,
    subscribers::SubscriberCache,
};
use entity::{OrganizationId, TaskId, Timestamp, replay, task};
use sea_orm::DatabaseTransaction;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
};

/// The result of a unit of work: a boxed future over its transaction.
pub type Work<'t, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 't>>;

/// A unit's view of the transaction it shares.
pub struct Txn {
    pub(super) conn: Arc<DatabaseTransaction>,
    pub(super) prefetched: Arc<LabelContexts>,
    pub(super) now: Timestamp,
    pub(super) sequence: Arc<Sequence>,
    pub(super) index: Arc<SubscriberCache>,
    pub(super) graphs: Arc<Graphs>,
    pub(super) outbox: Mutex<Outbox>,
    pub(super) stale: Mutex<Vec<OrganizationId>>,
}

impl Txn {
    /// Returns the connection: inside this unit's savepoint, or for reading only when the unit appends.
    pub fn conn(&self) -> &DatabaseTransaction {
        &self.conn
    }

    /// Returns the time of this change: the same for everything the unit writes.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the next sequence number of the feed.
    pub(crate) fn next_sequence(&self) -> i64 {
        self.sequence.next()
    }

    /// Returns the cache of the webhooks that subscribe to events.
    pub(crate) fn index(&self) -> &SubscriberCache {
        &self.index
    }

    /// Returns the compiled workflows of projects.
    pub(crate) fn graphs(&self) -> &Graphs {
        &self.graphs
    }

    /// Drops an organization's webhooks from the cache, because they have changed in this unit. They are dropped again
    /// if the unit is rolled back.
    pub(crate) fn webhooks_changed(&self, id: OrganizationId) {
        self.stale.lock().expect("held for a push only").push(id);
        self.index.forget(id);
    }

    /// Announces an event or a notification that got a new number by a statement: the feed is told after the commit.
    /// Rows that go through the outbox are announced without this.
    pub(crate) fn announce(&self, id: OrganizationId) {
        self.outbox().hints().changed(id);
    }

    /// Announces a task that has changed: the feed is told after the commit.
    pub(crate) fn task_changed(&self, row: &task::Model) {
        self.outbox().hints().task(row.organization_id, row.id);
    }

    /// Announces tasks that a statement has changed.
    pub(crate) fn tasks_changed(&self, tasks: &[(OrganizationId, TaskId)]) {
        let mut outbox = self.outbox();
        let hints = outbox.hints();
        tasks
            .iter()
            .for_each(|(organization_id, id)| hints.task(*organization_id, *id));
    }

    /// Announces the progress of a replay: the feed is told after the commit.
    pub(crate) fn replay_changed(&self, row: &replay::Model) {
        self.outbox().hints().replay(row.organization_id, row.id);
    }

    /// Locks the unit's outbox.
    pub(crate) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().expect("nothing panics while it holds the outbox")
    }
}
