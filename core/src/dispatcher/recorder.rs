//! Station 12: writes outcomes down, many in one transaction: the attempts, the notifications' new states, and what an
//! outcome means for its webhook ([`health::follow`]), for the next in its order, and for the task that waits for it, which
//! moves. Recording checks the claim: a notification that somebody canceled meanwhile keeps that state and still gets its
//! attempt.

use crate::{
    App, Error, Result,
    db::{Scope, Txn},
    delivery::retry::Verdict,
    health::{self, Ended},
    queue::{
        claim,
        job::Job,
        ordering::{self, Freed},
        outbox,
    },
    task::{self, batch_size},
};
use entity::{NodeId, NotificationId, OrganizationId, TaskId, Timestamp, attempt};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// Outcomes that are recorded together at most.
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
            until_recorded(&app, part, Way::Together).await;
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
        let fits = batch_size::fitting(
            rest.iter()
                .map(|record| weight(record).unwrap_or(batch_size::STEP_BYTES)),
        );
        let later = rest.split_off(fits.min(rest.len()));
        parts.push(Arc::new(std::mem::replace(&mut rest, later)));
    }
    parts
}

/// Tries until the database has it. A fault of ours in one outcome must not hold up the others: from then on they are kept
/// apart from what others add, recorded one by one, and the task that cannot be moved is held.
async fn until_recorded(app: &App, part: Arc<Vec<Record>>, mut way: Way) {
    let mut faults = 0;
    loop {
        let Err(error) = record(app, &part, way).await else {
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
                Box::pin(until_recorded(app, Arc::new(vec![record.clone()]), Way::Apart)).await;
            }
            return;
        }
        faults += u32::from(is_ours);
        way = if faults < PATIENCE { Way::Apart } else { Way::Holding };
        pause().await;
    }
}

/// How a batch is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// With whatever else its group adds, when nothing is decided by it.
    Together,
    /// By itself.
    Apart,
    /// By itself, and the tasks that wait for it are held: moving them has failed.
    Holding,
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for a disk, not for a moment that a test could name"
)]
async fn pause() {
    tokio::time::sleep(AGAIN).await;
}

/// Records a batch, then frees its places in the window.
pub(super) async fn record(app: &App, batch: &Arc<Vec<Record>>, way: Way) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let ended = ended(batch);
    let freed = freed(batch);
    match way == Way::Together && adds_only(batch, &ended) && frees_nothing(batch, &freed) {
        true => add(app, batch).await?,
        false => follow(app, batch, ended, &freed, way).await?,
    }
    let lanes = &app.dispatcher.lanes;
    for record in batch.iter() {
        lanes.done(record.job.webhook_id, record.retry_at());
    }
    lanes.forget(batch.iter().map(|record| record.job.notification_id));
    for (webhook_id, limit) in freed.lanes() {
        lanes.note_due(*webhook_id, *limit, app.clock.now());
    }
    app.dispatcher.recorded.notify_waiters();
    Ok(())
}

/// Outcomes of ordinary deliveries only add to what there is: they are left to be written with whatever else their group
/// adds.
async fn add(app: &App, batch: &Arc<Vec<Record>>) -> Result<()> {
    let records = Arc::clone(batch);
    let scope = Scope::shared(organizations(batch));
    app.db
        .append(scope, Vec::new(), move |txn| {
            Box::pin(async move {
                let outcomes = outcomes(txn, &records);
                txn.outbox().outcomes(outcomes);
                Ok(())
            })
        })
        .await
}

/// Those that say something of a webhook, free what waits for them or move a task decide by what they read.
async fn follow(app: &App, batch: &Arc<Vec<Record>>, ended: Ended, freed: &Freed, way: Way) -> Result<()> {
    let records = Arc::clone(batch);
    let board = Arc::clone(&app.health);
    let keys = freed.keys();
    let scope = match adds_only(batch, &ended) {
        true => Scope::shared(organizations(batch)),
        false => Scope::alone(organizations(batch)),
    };
    let followed = app
        .db
        .write(scope, move |txn| {
            Box::pin(async move {
                write(txn, &records, way).await?;
                ordering::release(txn.conn(), txn.now(), &keys).await?;
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
    Ok(())
}

/// Whether nothing is said of a webhook and no task waits.
fn adds_only(batch: &[Record], ended: &Ended) -> bool {
    let plain = ended.marked.is_empty() && ended.gone.is_empty() && ended.failed.is_empty();
    plain && batch.iter().all(|record| record.job.task_id.is_none())
}

/// Whether every request was made, and nothing waits for one of them in its order.
fn frees_nothing(batch: &[Record], freed: &Freed) -> bool {
    let attempted = |record: &Record| matches!(record.end, End::Attempted(_));
    freed.lanes().is_empty() && batch.iter().all(attempted)
}

fn organizations(batch: &[Record]) -> impl Iterator<Item = OrganizationId> {
    batch.iter().map(|record| record.job.organization_id)
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

async fn write(txn: &Txn, records: &[Record], way: Way) -> Result<()> {
    let mut held: BTreeMap<(NodeId, Timestamp), Vec<NotificationId>> = BTreeMap::new();
    for Record { job, end } in records {
        if let End::Held(due) = end {
            let key = (job.node_id, due.unwrap_or(txn.now()));
            held.entry(key).or_default().push(job.notification_id);
        }
    }
    outbox::record(txn, outcomes(txn, records)).await?;
    for ((node, due), ids) in held {
        claim::give_back(txn.conn(), node, due, &ids).await?;
    }
    match way {
        Way::Together | Way::Apart => task::outcome::apply(txn, &waited(records)).await,
        Way::Holding => task::outcome::strand(txn, &waited(records)).await,
    }
}

fn outcomes(txn: &Txn, records: &[Record]) -> Vec<outbox::Outcome> {
    let attempted = records.iter().filter_map(|record| match &record.end {
        End::Attempted(attempted) => Some((&record.job, attempted)),
        End::Held(_) => None,
    });
    attempted
        .map(|(job, attempted)| outbox::Outcome::new(txn, job, attempted.row.clone(), attempted.verdict))
        .collect()
}

/// The notifications that ended here and that a task waits for.
fn waited(records: &[Record]) -> Vec<NotificationId> {
    let waited = records.iter().filter(|record| record.job.task_id.is_some());
    waited
        .filter(|record| record.is_over())
        .map(|record| record.job.notification_id)
        .collect()
}
