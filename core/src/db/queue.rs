//! The queue of commands that wait for a writer.
//!
//! Units that arrive during a commit form the next group, so groups grow with the time that a commit takes. On
//! PostgreSQL a group has a high fixed cost: six statements, each a round trip to the server. Under high load a small
//! group therefore waits some milliseconds for more commands (adaptive batching). Under low load nobody waits.

use super::writer::Command;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, timeout},
};

/// The most commands in one transaction; larger groups were measured to gain nothing.
const MAX_GROUP: usize = 256;
/// The most commands that may wait. Beyond it a caller waits to hand its command over (backpressure).
const MAX_QUEUED: usize = 1024;

/// The size of the last group from which on the load counts as high.
const HIGH_LOAD: usize = 32;
/// The group size that is waited for, before anything is known about the callers.
const DEFAULT_TARGET: usize = 64;
/// The longest wait for a group to fill.
const GATHER_TIMEOUT: Duration = Duration::from_millis(4);
/// The number of groups that wait for the observed size before the writer tries [`DEFAULT_TARGET`] again.
const GROUPS_AT_TARGET: u32 = 16;

pub(super) type CommandSender = mpsc::Sender<Box<dyn Command>>;

/// The receiving end of a queue. Several writers take from it in turn.
#[derive(Clone)]
pub(super) struct Queue {
    commands: Arc<Mutex<mpsc::Receiver<Box<dyn Command>>>>,
    /// The time that small groups wait for more commands under high load.
    gather_timeout: Option<Duration>,
}

impl Queue {
    /// Makes a queue whose groups are taken at once.
    pub(super) fn new() -> (CommandSender, Self) {
        let (sender, commands) = mpsc::channel(MAX_QUEUED);
        let commands = Arc::new(Mutex::new(commands));
        (
            sender,
            Self {
                commands,
                gather_timeout: None,
            },
        )
    }

    /// Makes a queue whose small groups wait for more commands under high load.
    pub(super) fn gathering() -> (CommandSender, Self) {
        Self::gathering_for(GATHER_TIMEOUT)
    }

    fn gathering_for(gather_timeout: Duration) -> (CommandSender, Self) {
        let (sender, queue) = Self::new();
        let gather_timeout = Some(gather_timeout);
        (
            sender,
            Self {
                gather_timeout,
                ..queue
            },
        )
    }

    /// Takes the next group; empty once the last sender is gone.
    pub(super) async fn next(&self, batching: &mut AdaptiveBatching) -> Vec<Box<dyn Command>> {
        let mut commands = self.commands.lock().await;
        let mut group = Vec::with_capacity(MAX_GROUP);
        let asked = Instant::now();
        commands.recv_many(&mut group, MAX_GROUP).await;
        let mut in_time = true;
        if let Some(gather_timeout) = self.gather_timeout
            && let Some(wanted) = batching.target(asked.elapsed(), gather_timeout)
            && group.len() < wanted
        {
            in_time = timeout(gather_timeout, gather(&mut commands, &mut group, wanted))
                .await
                .is_ok();
        }
        batching.record(group.len(), in_time);
        group
    }
}

/// Adds commands to a group until it has the wanted size or the last sender is gone.
async fn gather(commands: &mut mpsc::Receiver<Box<dyn Command>>, group: &mut Vec<Box<dyn Command>>, wanted: usize) {
    while group.len() < wanted {
        let room = MAX_GROUP - group.len();
        if commands.recv_many(group, room).await == 0 {
            return;
        }
    }
}

/// Adaptive batching: a writer's target for the size of its next group, learned from the last ones. There are only so
/// many callers at a time, and each waits for its answer. When more commands did not come in time, those that came were
/// all there were, so their number becomes the target for a while.
#[derive(Debug)]
pub(super) struct AdaptiveBatching {
    last: usize,
    target: usize,
    groups_at_target: u32,
}

impl Default for AdaptiveBatching {
    fn default() -> Self {
        Self {
            last: 0,
            target: DEFAULT_TARGET,
            groups_at_target: 0,
        }
    }
}

impl AdaptiveBatching {
    /// Returns the number of commands to wait for, or `None` not to wait. `waited` is the time until the first command
    /// came.
    fn target(&self, waited: Duration, gather_timeout: Duration) -> Option<usize> {
        (self.last >= HIGH_LOAD && waited < gather_timeout).then_some(self.target)
    }

    /// Records the size of a group and whether it was full in time, and adapts the target.
    fn record(&mut self, size: usize, in_time: bool) {
        self.last = size;
        self.groups_at_target += 1;
        if !in_time {
            (self.target, self.groups_at_target) = (size.min(DEFAULT_TARGET), 0);
        } else if self.groups_at_target > GROUPS_AT_TARGET {
            (self.target, self.groups_at_target) = (DEFAULT_TARGET, 0);
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
            writer::{Access, Ran},
        },
    };
    use futures_util::FutureExt;

    /// Longer than a test takes on any machine.
    const LONG: Duration = Duration::from_secs(180);

    /// A unit that is never run.
    struct Idle;

    impl Command for Idle {
        fn access(&self) -> &Access {
            &Access::ReadWrite
        }

        fn scope(&self) -> &Scope {
            unreachable!("it is not run")
        }

        fn run<'t>(self: Box<Self>, _: &'t Txn) -> Ran<'t> {
            unreachable!("it is not run")
        }

        fn refuse(self: Box<Self>, _: Error) {}
    }

    async fn add(commands: &CommandSender, count: usize) {
        for _ in 0..count {
            commands.send(Box::new(Idle)).await.ok();
        }
    }

    /// The state after a group of this size.
    fn after(last: usize) -> AdaptiveBatching {
        AdaptiveBatching {
            last,
            ..AdaptiveBatching::default()
        }
    }

    /// Returns the size of the next group if it is ready at once.
    fn at_once(queue: &Queue, mut batching: AdaptiveBatching) -> Option<usize> {
        queue.next(&mut batching).now_or_never().map(|group| group.len())
    }

    #[tokio::test]
    async fn where_few_come_nobody_waits() {
        let (commands, queue) = Queue::gathering();
        add(&commands, 3).await;
        assert_eq!(at_once(&queue, after(HIGH_LOAD - 1)), Some(3));
        let (commands, queue) = Queue::new();
        add(&commands, 3).await;
        assert_eq!(at_once(&queue, after(MAX_GROUP)), Some(3));
    }

    #[tokio::test]
    async fn where_many_come_few_wait_for_more() {
        let (commands, queue) = Queue::gathering_for(LONG);
        add(&commands, 3).await;
        assert_eq!(at_once(&queue, after(HIGH_LOAD)), None);
        add(&commands, 3).await;
        let mut batching = after(HIGH_LOAD);
        let (group, ()) = tokio::join!(queue.next(&mut batching), add(&commands, DEFAULT_TARGET));
        assert_eq!(group.len(), DEFAULT_TARGET + 3);
        add(&commands, MAX_GROUP + 1).await;
        let sizes = [after(HIGH_LOAD), after(1)].map(|batching| at_once(&queue, batching));
        assert_eq!(sizes, [Some(MAX_GROUP), Some(1)]);
    }

    #[tokio::test]
    async fn few_do_not_wait_for_ever() {
        let (commands, queue) = Queue::gathering();
        add(&commands, 3).await;
        let mut batching = after(HIGH_LOAD);
        assert_eq!(queue.next(&mut batching).await.len(), 3);
        assert_eq!(batching.target(Duration::ZERO, GATHER_TIMEOUT), None, "they were few");
    }

    #[test]
    fn where_no_more_came_nobody_waits_for_more_for_a_while() {
        let mut batching = after(HIGH_LOAD);
        batching.record(40, false);
        for _ in 0..GROUPS_AT_TARGET {
            assert_eq!(batching.target(Duration::ZERO, GATHER_TIMEOUT), Some(40));
            batching.record(40, true);
        }
        assert_eq!(batching.target(Duration::ZERO, GATHER_TIMEOUT), Some(40));
        batching.record(40, true);
        assert_eq!(batching.target(Duration::ZERO, GATHER_TIMEOUT), Some(DEFAULT_TARGET));
        assert_eq!(
            batching.target(GATHER_TIMEOUT, GATHER_TIMEOUT),
            None,
            "the rush is over"
        );
    }

    #[tokio::test]
    async fn after_the_last_sender_nobody_waits_any_more() {
        let (commands, queue) = Queue::gathering_for(LONG);
        add(&commands, 3).await;
        drop(commands);
        let sizes = [after(HIGH_LOAD), after(HIGH_LOAD)].map(|batching| at_once(&queue, batching));
        assert_eq!(sizes, [Some(3), Some(0)]);
    }
}
