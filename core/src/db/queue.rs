//! Units that wait for a writer.
//!
//! What arrives while a commit is under way makes the next group, so groups are as large as a commit is slow. On PostgreSQL
//! a group costs much beside its units: six statements, each a way to the server and back. Where many units come, one
//! therefore waits for more, for some milliseconds; who comes alone or among few never waits.

use super::writer::Unit;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, mpsc},
    time::timeout,
};

/// Units in one transaction at most; more brings nothing (performance.md section 3).
const GROUP: usize = 256;
/// Units that may wait; a caller past it waits to hand over.
const QUEUE: usize = 1024;

/// Units of a group after which many more are expected.
const MANY: usize = 32;
/// Units that need not wait for more.
const ENOUGH: usize = 64;
/// How long others wait.
const PATIENCE: Duration = Duration::from_millis(4);

pub(super) type Units = mpsc::Sender<Box<dyn Unit>>;

/// Writers of one kind take from it in turn.
#[derive(Clone)]
pub(super) struct Queue {
    units: Arc<Mutex<mpsc::Receiver<Box<dyn Unit>>>>,
    gathers: bool,
}

impl Queue {
    /// One that is taken from at once.
    pub(super) fn new() -> (Units, Self) {
        let (sender, units) = mpsc::channel(QUEUE);
        let units = Arc::new(Mutex::new(units));
        (sender, Self { units, gathers: false })
    }

    /// One in which few wait for more, where many come.
    pub(super) fn gathering() -> (Units, Self) {
        let (sender, queue) = Self::new();
        (sender, Self { gathers: true, ..queue })
    }

    /// The next group, after one of so many; empty once the last sender is gone.
    pub(super) async fn next(&self, last: usize) -> Vec<Box<dyn Unit>> {
        let mut units = self.units.lock().await;
        let mut group = Vec::with_capacity(GROUP);
        units.recv_many(&mut group, GROUP).await;
        if self.gathers && last >= MANY && group.len() < ENOUGH {
            timeout(PATIENCE, gather(&mut units, &mut group)).await.ok();
        }
        group
    }
}

async fn gather(units: &mut mpsc::Receiver<Box<dyn Unit>>, group: &mut Vec<Box<dyn Unit>>) {
    while group.len() < ENOUGH {
        let room = GROUP - group.len();
        if units.recv_many(group, room).await == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Error,
        db::{
            Scope,
            txn::Txn,
            writer::{Kind, Ran},
        },
    };
    use futures_util::FutureExt;

    /// A unit that nobody runs.
    struct Idle;

    impl Unit for Idle {
        fn kind(&self) -> &Kind {
            &Kind::Writes
        }

        fn scope(&self) -> &Scope {
            unreachable!("it is not run")
        }

        fn run<'t>(self: Box<Self>, _: &'t Txn) -> Ran<'t> {
            unreachable!("it is not run")
        }

        fn refuse(self: Box<Self>, _: Error) {}
    }

    async fn add(units: &Units, count: usize) {
        for _ in 0..count {
            units.send(Box::new(Idle)).await.ok();
        }
    }

    /// The size of the next group if it is there at once.
    fn at_once(queue: &Queue, last: usize) -> Option<usize> {
        queue.next(last).now_or_never().map(|group| group.len())
    }

    #[tokio::test]
    async fn where_few_come_nobody_waits() {
        let (units, queue) = Queue::gathering();
        add(&units, 3).await;
        assert_eq!(at_once(&queue, MANY - 1), Some(3));
        let (units, queue) = Queue::new();
        add(&units, 3).await;
        assert_eq!(at_once(&queue, GROUP), Some(3));
    }

    #[tokio::test]
    async fn where_many_come_few_wait_for_more() {
        let (units, queue) = Queue::gathering();
        add(&units, 3).await;
        assert_eq!(at_once(&queue, MANY), None);
        add(&units, 3).await;
        let (group, ()) = tokio::join!(queue.next(MANY), add(&units, ENOUGH));
        assert_eq!(group.len(), ENOUGH + 3);
        add(&units, GROUP + 1).await;
        assert_eq!((at_once(&queue, MANY), at_once(&queue, 1)), (Some(GROUP), Some(1)));
    }

    #[tokio::test]
    async fn few_do_not_wait_for_ever() {
        let (units, queue) = Queue::gathering();
        add(&units, 3).await;
        assert_eq!(queue.next(MANY).await.len(), 3);
    }

    #[tokio::test]
    async fn after_the_last_sender_nobody_waits_any_more() {
        let (units, queue) = Queue::gathering();
        add(&units, 3).await;
        drop(units);
        assert_eq!((at_once(&queue, MANY), at_once(&queue, MANY)), (Some(3), Some(0)));
    }
}
