//! The status of each background task, for `/readyz?verbose`.

use super::plan::{Plan, RunsOn};
use crate::Error;
use entity::Timestamp;
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// An error of a task, as it is told without its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The moment at which it happened.
    pub at: Timestamp,
    /// The message; the log has the whole chain.
    pub message: String,
}

/// The state of one background task of this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The name of the task.
    pub name: &'static str,
    /// The nodes that it runs on.
    pub runs_on: RunsOn,
    /// The longest time between the begin of two runs, unless a run takes longer.
    pub period: Duration,
    /// True while a run is under way.
    pub is_running: bool,
    /// The begin of the last run.
    pub last_run: Option<Timestamp>,
    /// The duration of the last run that has ended.
    pub last_duration: Option<Duration>,
    /// The last error; it stays after the task has recovered.
    pub last_error: Option<Failure>,
    /// Items whose last step failed. Each is tried again after a back-off of its own.
    pub failing: usize,
    /// Items that are not finished: worked on, waiting or failing.
    pub backlog: usize,
}

/// The statuses of the tasks that run on this node.
#[derive(Debug, Default)]
pub struct Statuses(Mutex<Vec<Record>>);

impl Statuses {
    /// Returns the status of each task, by name.
    pub fn all(&self) -> Vec<Status> {
        let records = self.records();
        let mut all: Vec<Status> = records.iter().map(|record| record.status().clone()).collect();
        all.sort_unstable_by_key(|status| status.name);
        all
    }

    /// Shows a task that starts, in place of an earlier one of that name.
    pub(super) fn register(&self, plan: Plan) -> Record {
        let record = Record::new(plan);
        let mut records = self.records();
        records.retain(|other| other.status().name != plan.name);
        records.push(record.clone());
        record
    }

    fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        self.0.lock().expect("nothing panics while it holds the statuses")
    }
}

/// The driver's hold on the status of its task.
#[derive(Clone, Debug)]
pub(super) struct Record(Arc<Mutex<Status>>);

impl Record {
    pub(super) fn new(plan: Plan) -> Self {
        Self(Arc::new(Mutex::new(Status {
            name: plan.name,
            runs_on: plan.runs_on,
            period: plan.period,
            is_running: false,
            last_run: None,
            last_duration: None,
            last_error: None,
            failing: 0,
            backlog: 0,
        })))
    }

    pub(super) fn begin(&self, now: Timestamp) {
        let mut status = self.status();
        status.is_running = true;
        status.last_run = Some(now);
    }

    pub(super) fn end(&self, took: Duration) {
        let mut status = self.status();
        status.is_running = false;
        status.last_duration = Some(took);
    }

    pub(super) fn left(&self, backlog: usize, failing: usize) {
        let mut status = self.status();
        (status.backlog, status.failing) = (backlog, failing);
    }

    pub(super) fn failed(&self, at: Timestamp, error: &Error) {
        let message = error.to_string();
        self.status().last_error = Some(Failure { at, message });
    }

    pub(super) fn status(&self) -> MutexGuard<'_, Status> {
        self.0.lock().expect("nothing panics while it holds a status")
    }
}
