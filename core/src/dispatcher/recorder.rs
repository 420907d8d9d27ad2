//! Station 12: writes outcomes down, many in one transaction: the attempts, the notifications' new states, and what an
//! outcome means for its webhook ([`health::follow`]), for the next in its order, and for the task that waits for it, which
//! moves. Recording checks the claim: a notification that somebody canceled meanwhile keeps that state and still gets its
//! attempt.

use super::{
    Job,
    outbox::{self, Freed},
    retry::Verdict,
};
use crate::{
    App, Error, Result,
    db::{self, Scope, Txn, raw},
    stats,
    task::{self, weight},
    webhook::health::{self, Ended},
};
use entity::{AttemptErrorKind, NodeId, NotificationId, NotificationStatus, TaskId, Timestamp, attempt};
use sea_orm::{FromQueryResult, Value};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// Outcomes in one transaction at most.
const BATCH: usize = 256;
/// Faults of ours in one outcome before its task is held.
const PATIENCE: u32 = 5;
/// How long to wait when the database refuses.
const AGAIN: Duration = Duration::from_secs(1);

/// How a notification's turn ended.
#[derive(Clone, Debug)]
pub(super) struct Record {
    job: Job,
    end: End,
}

#[derive(Clone, Debug)]
enum End {
    /// A request was made.
    Attempted(Box<Attempted>),
    /// None was made: the claim goes back, to be looked at from this moment, or when its webhook is active again.
    Held(Option<Timestamp>),
}

/// A request, what came back, and what follows from it.
#[derive(Clone, Debug)]
pub(super) struct Attempted {
    pub row: attempt::Model,
    pub verdict: Verdict,
    /// Whether it changed how its webhook fares, so that this is to be written.
    pub marked: bool,
}

impl Record {
    pub(super) fn attempted(job: Job, attempted: Box<Attempted>) -> Self {
        Self {
            job,
            end: End::Attempted(attempted),
        }
    }

    pub(super) fn held(job: Job, due: Option<Timestamp>) -> Self {
        Self {
            job,
            end: End::Held(due),
        }
    }

    #[cfg(test)]
    pub(super) fn is_held(&self) -> bool {
        matches!(self.end, End::Held(_))
    }

    fn is_over(&self) -> bool {
        match &self.end {
            End::Attempted(attempted) => !matches!(attempted.verdict, Verdict::Retry { .. }),
            End::Held(_) => false,
        }
    }

    fn retry_at(&self) -> Option<Timestamp> {
        match &self.end {
            End::Attempted(attempted) => match attempted.verdict {
                Verdict::Retry { at, .. } => Some(at),
                _ => None,
            },
            End::Held(due) => *due,
        }
    }
}

/// Records what comes until the channel closes. What the database refuses is tried again: an outcome is never dropped.
pub(super) async fn run(app: Arc<App>, mut queue: mpsc::UnboundedReceiver<Record>) {
    let mut next = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut next, BATCH).await > 0 {
        for part in parts(&app, std::mem::take(&mut next)).await {
            until_recorded(&app, part).await;
        }
    }
}

/// What moves tasks may weigh much and is recorded in parts; everything else is recorded at once.
pub(super) async fn parts(app: &App, batch: Vec<Record>) -> Vec<Arc<Vec<Record>>> {
    let (plain, waited): (Vec<_>, Vec<_>) = batch.into_iter().partition(|record| record.job.task_id.is_none());
    let mut parts = vec![Arc::new(plain)];
    let ids: Vec<TaskId> = waited.iter().filter_map(|record| record.job.task_id).collect();
    if ids.is_empty() {
        return parts;
    }
    let weights = task::outcome::prepare(app, &ids).await.unwrap_or_else(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "tasks could not be weighed");
        HashMap::new()
    });
    let weight = |record: &Record| record.job.task_id.and_then(|id| weights.get(&id).copied());
    let mut rest = waited;
    while !rest.is_empty() {
        let fits = weight::fitting(rest.iter().map(|record| weight(record).unwrap_or(weight::STEP_BYTES)));
        let later = rest.split_off(fits.min(rest.len()));
        parts.push(Arc::new(std::mem::replace(&mut rest, later)));
    }
    parts
}

/// Tries until the database has it. A fault of ours in one outcome must not hold up the others: they are recorded one by
/// one then, and the task that cannot be moved is held.
async fn until_recorded(app: &App, part: Arc<Vec<Record>>) {
    let mut faults = 0;
    loop {
        let tasks = if faults < PATIENCE { Tasks::Move } else { Tasks::Hold };
        let Err(error) = record(app, &part, tasks).await else {
            return;
        };
        tracing::error!(
            error = &error as &dyn std::error::Error,
            outcomes = part.len(),
            "outcomes could not be recorded and are tried again"
        );
        let is_ours = matches!(error, Error::Internal(_));
        if is_ours && part.len() > 1 {
            for record in part.iter() {
                Box::pin(until_recorded(app, Arc::new(vec![record.clone()]))).await;
            }
            return;
        }
        faults += u32::from(is_ours);
        pause().await;
    }
}

/// What an outcome does with the task that waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tasks {
    /// It moves.
    Move,
    /// It is held: moving it has failed.
    Hold,
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for a disk, not for a moment that a test could name"
)]
async fn pause() {
    tokio::time::sleep(AGAIN).await;
}

/// Records a batch, then frees its places in the window.
pub(super) async fn record(app: &App, batch: &Arc<Vec<Record>>, tasks: Tasks) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let records = Arc::clone(batch);
    let ended = ended(batch);
    let board = Arc::clone(&app.health);
    let freed = Arc::new(freed(batch));
    let keys = freed.keys();
    let followed = app
        .db
        .write(scope(batch, &ended), move |txn| {
            Box::pin(async move {
                write(txn, &records, tasks).await?;
                outbox::release(txn.conn(), txn.now(), &keys).await?;
                let rows = board.rows(ended.marked.keys());
                health::follow(txn, &ended, rows).await
            })
        })
        .await?;
    for (id, since, at) in followed.warned {
        app.health.warned(id, since, at);
    }
    for id in followed.disabled {
        app.webhook_changed(id);
        app.listeners.close(id);
    }
    for record in batch.iter() {
        app.dispatcher.lanes.done(record.job.webhook_id, record.retry_at());
    }
    app.dispatcher
        .lanes
        .forget(batch.iter().map(|record| record.job.notification_id));
    for (webhook_id, limit) in freed.lanes() {
        app.dispatcher.lanes.note_due(*webhook_id, *limit, app.clock.now());
    }
    app.dispatcher.recorded.notify_waiters();
    Ok(())
}

/// Outcomes of ordinary deliveries only add to what there is; those that say something of a webhook or move a task decide
/// by what they read.
fn scope(batch: &[Record], ended: &Ended) -> Scope {
    let ids = batch.iter().map(|record| record.job.organization_id);
    let plain = ended.marked.is_empty() && ended.gone.is_empty() && ended.failed.is_empty();
    match plain && batch.iter().all(|record| record.job.task_id.is_none()) {
        true => Scope::shared(ids),
        false => Scope::alone(ids),
    }
}

/// What the outcomes say of their webhooks.
fn ended(records: &[Record]) -> Ended {
    let mut ended = Ended::default();
    for Record { job, end } in records {
        let End::Attempted(attempted) = end else { continue };
        let counts = !job.topic.is_operational();
        if attempted.marked {
            *ended.marked.entry(job.webhook_id).or_default() |= counts;
        }
        if attempted.verdict == Verdict::Gone {
            let (_, may_be_told) = ended
                .gone
                .entry(job.webhook_id)
                .or_insert_with(|| (attempted.row.url.clone(), false));
            *may_be_told |= counts;
        }
        if counts && matches!(attempted.verdict, Verdict::Failed | Verdict::Gone) {
            ended.failed.push(job.notification_id);
        }
    }
    ended
}

/// What waits for notifications that are over now.
fn freed(records: &[Record]) -> Freed {
    let mut freed = Freed::default();
    for record in records.iter().filter(|record| record.is_over()) {
        if let Some(key) = record.job.order_key {
            freed.add((record.job.webhook_id, key), record.job.limit);
        }
    }
    freed
}

async fn write(txn: &Txn, records: &[Record], tasks: Tasks) -> Result<()> {
    let mut attempts = Vec::with_capacity(records.len());
    let mut states = Vec::with_capacity(records.len());
    let mut held: BTreeMap<(NodeId, Timestamp), Vec<NotificationId>> = BTreeMap::new();
    for Record { job, end } in records {
        match end {
            End::Held(due) => held
                .entry((job.node_id, due.unwrap_or(txn.now())))
                .or_default()
                .push(job.notification_id),
            End::Attempted(attempted) => {
                states.push(State::of(txn, job, &attempted.row, attempted.verdict));
                attempts.push(attempted.row.clone());
            }
        }
    }
    // A batch whose commit came through although its answer did not is recorded again: what is there stays.
    db::insert::<attempt::Entity>(txn.conn(), attempts, "ON CONFLICT DO NOTHING").await?;
    if !states.is_empty() {
        set(txn, &states).await?;
    }
    for ((node, due), ids) in held {
        outbox::give_back(txn.conn(), node, due, &ids).await?;
    }
    match tasks {
        Tasks::Move => task::outcome::apply(txn, &waited(records)).await,
        Tasks::Hold => task::outcome::strand(txn, &waited(records)).await,
    }
}

/// The notifications that ended here and that a task waits for.
fn waited(records: &[Record]) -> Vec<NotificationId> {
    let waited = records.iter().filter(|record| record.job.task_id.is_some());
    waited
        .filter(|record| record.is_over())
        .map(|record| record.job.notification_id)
        .collect()
}

/// A notification's new state.
struct State<'r> {
    job: &'r Job,
    duration_ms: i32,
    id: NotificationId,
    number: i32,
    status: NotificationStatus,
    due_at: Option<Timestamp>,
    throttled: i32,
    response_code: Option<i32>,
    error: Option<AttemptErrorKind>,
    sequence: i64,
}

impl<'r> State<'r> {
    fn of(txn: &Txn, job: &'r Job, row: &attempt::Model, verdict: Verdict) -> Self {
        let (status, due_at, throttled) = match verdict {
            Verdict::Delivered => (NotificationStatus::Succeeded, None, 0),
            Verdict::Retry { at, spent } => (NotificationStatus::Retrying, Some(at), i32::from(!spent)),
            Verdict::Failed | Verdict::Gone => (NotificationStatus::Failed, None, 0),
        };
        let sequence = txn.next_sequence();
        txn.announce(row.organization_id);
        let (response_code, error) = (row.response_status, row.error);
        Self {
            job,
            duration_ms: row.duration_ms,
            id: row.notification_id,
            number: row.number,
            status,
            due_at,
            throttled,
            response_code,
            error,
            sequence,
        }
    }
}

/// What a statement is told of a state.
const COLUMNS: usize = 9;

/// One statement for a batch. The claim decides whether the state changes; the count and the answer always do. What is no
/// news, since it was recorded before, keeps its number, and so it is seen what is to be counted.
async fn set(txn: &Txn, states: &[State<'_>]) -> Result<()> {
    let places = db::places(states.len());
    let values = db::marks(COLUMNS, places);
    let sql = format!(
        "WITH outcome(id, node, number, status, due_at, throttled, response_code, error, sequence) AS (VALUES {values}) \
         UPDATE notification SET \
             status = CASE WHEN node_id = outcome.node THEN outcome.status ELSE notification.status END, \
             due_at = CASE WHEN node_id = outcome.node THEN outcome.due_at ELSE notification.due_at END, \
             order_key = CASE WHEN node_id = outcome.node AND outcome.due_at IS NULL THEN NULL ELSE notification.order_key END, \
             node_id = CASE WHEN node_id = outcome.node THEN NULL ELSE node_id END, \
             throttled_count = throttled_count + \
                 CASE WHEN attempt_count < outcome.number THEN outcome.throttled ELSE 0 END, \
             attempt_count = CASE WHEN attempt_count < outcome.number THEN outcome.number ELSE attempt_count END, \
             response_code = outcome.response_code, error = outcome.error, \
             sequence = CASE WHEN node_id = outcome.node OR attempt_count < outcome.number THEN outcome.sequence \
                 ELSE notification.sequence END, \
             updated_at = ? \
         FROM outcome WHERE notification.id = outcome.id \
         RETURNING notification.id, notification.status, notification.sequence"
    );
    let mut binds: Vec<Value> = Vec::with_capacity(places * COLUMNS + 1);
    for state in states {
        binds.push(state.id.into());
        binds.push(state.job.node_id.into());
        binds.push(state.number.into());
        binds.push(state.status.into());
        binds.push(state.due_at.into());
        binds.push(state.throttled.into());
        binds.push(state.response_code.into());
        binds.push(state.error.into());
        binds.push(state.sequence.into());
    }
    db::fill(&mut binds, COLUMNS, places);
    binds.push(txn.now().into());
    let statement = raw(txn.conn(), &sql, binds);
    let left = Left::find_by_statement(statement).all(txn.conn()).await?;
    let left: HashMap<NotificationId, Left> = left.into_iter().map(|left| (left.id, left)).collect();
    for state in states {
        if let Some(left) = left.get(&state.id).filter(|left| left.sequence == state.sequence) {
            let key = stats::Key::tried(state.job, state.duration_ms, left.status);
            txn.outbox().tally(key);
        }
    }
    Ok(())
}

/// How a notification was left.
#[derive(FromQueryResult)]
struct Left {
    id: NotificationId,
    status: NotificationStatus,
    sequence: i64,
}
