//! The driver of one background task. A run goes in rounds: each round lists the items and lets each make one step, so
//! that a large item does not hold up a small one; the run ends when no step has got anything done. The next run begins
//! when the task is woken or when its period is over.
//!
//! An item that fails stops no other. It is left out of the runs until its back-off is over, which doubles with each
//! failure in a row. Only when the items cannot be listed at all does the run end early.

#[cfg(test)]
mod tests;

use super::{
    plan::{Plan, RunsOn},
    status::Record,
    task::{Progress, Task},
};
use crate::{App, Clock, Error, Result, node::Nodes};
use std::collections::{HashMap, HashSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// Runs a task until `shutdown` and shows its status.
pub(super) async fn run(task: impl Task, app: &App, shutdown: &CancellationToken) {
    let record = app.background.register(task.plan());
    let mut driver = Driver::new(task, &app.nodes, &app.clock, record);
    // In a box: what runs until it is canceled has place for several of it.
    shutdown.run_until_cancelled(Box::pin(driver.work())).await;
}

/// Runs a task once, for tests, which move the time themselves. Returns whether a step got something done, or the first
/// error after everything else was done.
pub(super) async fn run_until_idle(task: impl Task, app: &App) -> Result<bool> {
    let record = Record::new(task.plan());
    let mut driver = Driver::new(task, &app.nodes, &app.clock, record);
    let run = driver.run_once(Instant::now).await;
    run.error.map_or(Ok(run.went_on), Err)
}

/// The result of a run.
#[derive(Debug, Default)]
struct Run {
    went_on: bool,
    is_waiting: bool,
    error: Option<Error>,
}

/// The result of a round.
#[derive(Debug)]
struct Round<K> {
    went_on: bool,
    is_waiting: bool,
    /// Items that are not finished.
    backlog: usize,
    /// Those whose last step failed, in this round or before.
    failing: HashSet<K>,
}

/// The failures in a row of one item.
#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    retry_at: Instant,
}

struct Driver<'a, T: Task> {
    task: T,
    plan: Plan,
    nodes: &'a Nodes,
    clock: &'a Clock,
    record: Record,
    failures: HashMap<T::Key, Failures>,
}

impl<'a, T: Task> Driver<'a, T> {
    fn new(task: T, nodes: &'a Nodes, clock: &'a Clock, record: Record) -> Self {
        Self {
            plan: task.plan(),
            task,
            nodes,
            clock,
            record,
            failures: HashMap::new(),
        }
    }

    /// Runs the task again and again.
    async fn work(&mut self) {
        loop {
            let next = Instant::now() + self.plan.period;
            let run = self.run_once(Instant::now).await;
            timeout_at(next, self.task.woken(run.is_waiting)).await.ok();
        }
    }

    /// Works until nothing is left that can go on. `now` tells the time at the begin of each round.
    async fn run_once(&mut self, now: impl Fn() -> Instant + Send) -> Run {
        let begun = Instant::now();
        self.record.begin(self.clock.now());
        let mut run = Run::default();
        loop {
            let round = self.round(now(), &mut run.error).await;
            run.is_waiting = round.is_waiting;
            if !round.went_on {
                break;
            }
            run.went_on = true;
        }
        self.record.end(begun.elapsed());
        run
    }

    /// Lets each item make one step.
    async fn round(&mut self, now: Instant, error: &mut Option<Error>) -> Round<T::Key> {
        let mut round = Round {
            failing: HashSet::new(),
            went_on: false,
            is_waiting: false,
            backlog: 0,
        };
        let mut after = None;
        while self.is_here() {
            let items = match self.task.items(after).await {
                Ok(items) => items,
                Err(fault) => {
                    self.not_listed(&fault);
                    error.get_or_insert(fault);
                    return round;
                }
            };
            let Some(last) = items.last() else { break };
            after = Some(T::key(last));
            round.backlog += items.len();
            for item in items {
                self.record.left(round.backlog, self.failures.len());
                self.visit(item, now, &mut round, error).await;
            }
        }
        self.failures.retain(|key, _| round.failing.contains(key));
        self.record.left(round.backlog, self.failures.len());
        round
    }

    /// Lets one item make a step, unless its back-off is not over.
    async fn visit(&mut self, item: T::Item, now: Instant, round: &mut Round<T::Key>, error: &mut Option<Error>) {
        let key = T::key(&item);
        if self.failures.get(&key).is_some_and(|failures| failures.retry_at > now) {
            round.failing.insert(key);
            return;
        }
        match self.task.step(item).await {
            Ok(progress) => {
                self.failures.remove(&key);
                round.went_on |= progress == Progress::More;
                round.is_waiting |= progress == Progress::Waiting;
                round.backlog -= usize::from(progress == Progress::Idle);
            }
            Err(fault) => {
                round.failing.insert(key);
                self.step_failed(key, now, &fault);
                error.get_or_insert(fault);
            }
        }
    }

    fn is_here(&self) -> bool {
        self.plan.runs_on != RunsOn::Leader || self.nodes.leads()
    }

    fn step_failed(&mut self, key: T::Key, now: Instant, error: &Error) {
        let count = self.failures.get(&key).map_or(0, |failures| failures.count);
        let backoff = self.plan.backoff(count);
        let failures = Failures {
            count: count.saturating_add(1),
            retry_at: now + backoff,
        };
        self.failures.insert(key, failures);
        self.record.failed(self.clock.now(), error);
        let (task, item, cause) = (self.plan.name, &key, error as &dyn std::error::Error);
        match backoff.is_zero() {
            true => tracing::warn!(
                task,
                ?item,
                error = cause,
                "a background step failed; the next run repeats it"
            ),
            false => tracing::error!(
                task,
                ?item,
                ?backoff,
                error = cause,
                "a background step failed; it is tried again"
            ),
        }
    }

    fn not_listed(&self, error: &Error) {
        self.record.failed(self.clock.now(), error);
        let cause = error as &dyn std::error::Error;
        tracing::error!(
            task = self.plan.name,
            error = cause,
            "a background task could not look for work"
        );
    }
}
