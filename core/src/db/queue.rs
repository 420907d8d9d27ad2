//! The queue of units that wait for a writer.
//!
//! Units that arrive during a commit form the next group, so groups grow with the time that a commit takes. On
//! PostgreSQL a group has a high fixed cost: six statements, each a round trip to the server. Under high load a small
//! group therefore waits some milliseconds for more units (adaptive batching). Under low load nobody waits.

use super::writer::Unit;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, timeout},
};

/// The most units in one transaction; larger groups were measured to gain nothing.
const GROUP: usize = 256;
/// The most units that may wait. Beyond it a caller waits to hand its unit over (backpressure).
const QUEUE: usize = 1024;

/// The size of the last group from which on the load counts as high.
const MANY: usize = 32;
/// The group size that is waited for, before anything is known about the callers.
const ENOUGH: usize = 64;
/// The longest wait for a group to fill.
const PATIENCE: Duration = Duration::from_millis(4);
/// The number of groups that wait for the observed size before the writer tries [`ENOUGH`] again.
const CONTENT: u32 = 16;

pub(super) type Units = mpsc::Sender<Box<dyn Unit>>;

/// The receiving end of a queue. Several writers take from it in turn.
#[derive(Clone)]
pub(super) struct Queue {
    units: Arc<Mutex<mpsc::Receiver<Box<dyn Unit>>>>,
    /// The time that small groups wait for more units under high load.
    gathers: Option<Duration>,
}

impl Queue {
    /// Makes a queue whose groups are taken at once.
    pub(super) fn new() -> (Units, Self) {
        let (sender, units) = mpsc::channel(QUEUE);
        let units = Arc::new(Mutex::new(units));
        (sender, Self { units, gathers: None })
    }

    /// Makes a queue whose small groups wait for more units under high load.
    pub(super) fn gathering() -> (Units, Self) {
        Self::gathering_for(PATIENCE)
    }

    fn gathering_for(patience: Duration) -> (Units, Self) {
        let (sender, queue) = Self::new();
        let gathers = Some(patience);
        (sender, Self { gathers, ..queue })
    }

    /// Takes the next group; empty once the last sender is gone.
    pub(super) async fn next(&self, hope: &mut Hope) -> Vec<Box<dyn Unit>> {
        let mut units = self.units.lock().await;
        let mut group = Vec::with_capacity(GROUP);
        let asked = Instant::now();
        units.recv_many(&mut group, GROUP).await;
        let mut in_time = true;
        if let Some(patience) = self.gathers
            && let Some(wanted) = hope.after(asked.elapsed(), patience)
            && group.len() < wanted
        {
            in_time = timeout(patience, gather(&mut units, &mut group, wanted)).await.is_ok();
        }
        hope.end(group.len(), in_time);
        group
    }
}

/// Adds units to a group until it has the wanted size or the last sender is gone.
async fn gather(units: &mut mpsc::Receiver<Box<dyn Unit>>, group: &mut Vec<Box<dyn Unit>>, wanted: usize) {
    while group.len() < wanted {
        let room = GROUP - group.len();
        if units.recv_many(group, room).await == 0 {
            return;
        }
    }
}

/// Adaptive batching: a writer's target for the size of its next group, learned from the last ones. There are only so
/// many callers at a time, and each waits for its answer. When more units did not come in time, those that came were
/// all there were, so their number becomes the target for a while.
#[derive(Debug)]
pub(super) struct Hope {
    last: usize,
    wanted: usize,
    content: u32,
}

impl Default for Hope {
    fn default() -> Self {
        Self {
            last: 0,
            wanted: ENOUGH,
            content: 0,
        }
    }
}

impl Hope {
    /// Returns the number of units to wait for, or `None` not to wait. `waited` is the time until the first unit came.
    fn after(&self, waited: Duration, patience: Duration) -> Option<usize> {
        (self.last >= MANY && waited < patience).then_some(self.wanted)
    }

    /// Records the size of a group and whether it was full in time, and adapts the target.
    fn end(&mut self, size: usize, in_time: bool) {
        self.last = size;
        self.content += 1;
        if !in_time {
            (self.wanted, self.content) = (size.min(ENOUGH), 0);
        } else if self.content > CONTENT {
            (self.wanted, self.content) = (ENOUGH, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Error,
        db::{
            scope::Scope,
            txn::Txn,
            writer::{Kind, Ran},
        },
    };
    use futures_util::FutureExt;

    /// Longer than a test takes on any machine.
    const LONG: Duration = Duration::from_secs(180);

    /// A unit that is never run.
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

    /// The state after a group of this size.
    fn after(last: usize) -> Hope {
        Hope {
            last,
            ..Hope::default()
        }
    }

    /// Returns the size of the next group if it is ready at once.
    fn at_once(queue: &Queue, mut hope: Hope) -> Option<usize> {
        queue.next(&mut hope).now_or_never().map(|group| group.len())
    }

    #[tokio::test]
    async fn where_few_come_nobody_waits() {
        let (units, queue) = Queue::gathering();
        add(&units, 3).await;
        assert_eq!(at_once(&queue, after(MANY - 1)), Some(3));
        let (units, queue) = Queue::new();
        add(&units, 3).await;
        assert_eq!(at_once(&queue, after(GROUP)), Some(3));
    }

    #[tokio::test]
    async fn where_many_come_few_wait_for_more() {
        let (units, queue) = Queue::gathering_for(LONG);
        add(&units, 3).await;
        assert_eq!(at_once(&queue, after(MANY)), None);
        add(&units, 3).await;
        let mut hope = after(MANY);
        let (group, ()) = tokio::join!(queue.next(&mut hope), add(&units, ENOUGH));
        assert_eq!(group.len(), ENOUGH + 3);
        add(&units, GROUP + 1).await;
        let sizes = [after(MANY), after(1)].map(|hope| at_once(&queue, hope));
        assert_eq!(sizes, [Some(GROUP), Some(1)]);
    }

    #[tokio::test]
    async fn few_do_not_wait_for_ever() {
        let (units, queue) = Queue::gathering();
        add(&units, 3).await;
        let mut hope = after(MANY);
        assert_eq!(queue.next(&mut hope).await.len(), 3);
        assert_eq!(hope.after(Duration::ZERO, PATIENCE), None, "they were few");
    }

    #[test]
    fn where_no_more_came_nobody_waits_for_more_for_a_while() {
        let mut hope = after(MANY);
        hope.end(40, false);
        for _ in 0..CONTENT {
            assert_eq!(hope.after(Duration::ZERO, PATIENCE), Some(40));
            hope.end(40, true);
        }
        assert_eq!(hope.after(Duration::ZERO, PATIENCE), Some(40));
        hope.end(40, true);
        assert_eq!(hope.after(Duration::ZERO, PATIENCE), Some(ENOUGH));
        assert_eq!(hope.after(PATIENCE, PATIENCE), None, "the rush is over");
    }

    #[tokio::test]
    async fn after_the_last_sender_nobody_waits_any_more() {
        let (units, queue) = Queue::gathering_for(LONG);
        add(&units, 3).await;
        drop(units);
        let sizes = [after(MANY), after(MANY)].map(|hope| at_once(&queue, hope));
        assert_eq!(sizes, [Some(3), Some(0)]);
    }
}
