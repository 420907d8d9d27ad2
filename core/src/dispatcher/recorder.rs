//! Records outcomes in batches, many in one transaction. A batch writes the attempts, the new states of their
//! notifications, the health of their webhooks ([`health::follow`]), the release of the next notification in an ordered
//! queue, and the transitions of tasks that wait for an outcome.
//!
//! Recording checks the claim. A notification that was canceled meanwhile keeps that state and still gets its attempt.

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

/// The most outcomes that are recorded together.
const MAX_BATCH: usize = 256;
/// The number of internal errors in one outcome after which its task is held.
const MAX_FAULTS: u32 = 5;
/// The delay before a batch is tried again that the database refused.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// The result of one claim of a notification, on its way into the database.
#[derive(Clone, Debug)]
pub(super) struct Record {
    job: Job,
    end: End,
}

/// Tells whether a request was made.
#[derive(Clone, Debug)]
enum End {
    /// A request was made.
    Attempted(Box<Attempted>),
    /// No request was made. The claim is released and due again from this moment; with `None`, it is due at once, to be
    /// claimed when its webhook can be sent to.
    Held(Option<Timestamp>),
}

/// A request, its response, and the verdict on it.
#[derive(Clone, Debug)]
pub(super) struct Attempted {
    pub row: attempt::Model,
    pub verdict: Verdict,
    /// True when the attempt changed the health of its webhook, which must then be written.
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
    /// Returns whether the claim is released without a request.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.end, End::Held(_))
    }

    /// Returns whether the notification is in a final state.
    fn is_over(&self) -> bool {
        match &self.end {
            End::Attempted(attempted) => !matches!(attempted.verdict, Verdict::Retry { .. }),
            End::Held(_) => false,
        }
    }

    /// Returns the moment from which the notification may be claimed again.
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

/// Records outcomes until the channel closes. A batch that the database refuses is tried again: an outcome is never
/// dropped.
pub(super) async fn run(app: Arc<App>, mut queue: mpsc::UnboundedReceiver<Record>) {
    let mut next = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut next, MAX_BATCH).await > 0 {
        for part in parts(&app, std::mem::take(&mut next)).await {
            until_recorded(&app, part, RecordMode::Grouped).await;
        }
    }
}

/// Splits a batch by cost. Outcomes that move tasks may be expensive and are recorded in several parts; all others are
/// one part.
pub(super) async fn parts(app: &App, batch: Vec<Record>) -> Vec<Arc<Vec<Record>>> {
    let (plain, waited): (Vec<_>, Vec<_>) = batch.into_iter().partition(|record| record.job.task_id.is_none());
    let mut parts = vec![Arc::new(plain)];
    let ids: Vec<TaskId> = waited.iter().filter_map(|record| record.job.task_id).collect();
    if ids.is_empty() {
        return parts;
    }
    let weights = task::outcome::prepare(app, &ids).await.unwrap_or_else(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the cost of moving tasks could not be estimated"
        );
        HashMap::new()
    });
    let weight = |record: &Record| record.job.task_id.and_then(|id| weights.get(&id).copied());
    let mut rest = waited;
    while !rest.is_empty() {
        let fits = batch_size::fitting(
            rest.iter()
                .map(|record| weight(record).unwrap_or(batch_size::MAX_BATCH_BYTES)),
        );
        let later = rest.split_off(fits.min(rest.len()));
        parts.push(Arc::new(std::mem::replace(&mut rest, later)));
    }
    parts
}

/// Retries until the batch is recorded. An internal error in one outcome must not hold up the others. After such an
/// error each outcome is recorded alone and in a transaction part of its own; after [`MAX_FAULTS`] errors its task is
/// held.
async fn until_recorded(app: &App, part: Arc<Vec<Record>>, mut mode: RecordMode) {
    let mut faults = 0;
    loop {
        let Err(error) = record(app, &part, mode).await else {
            return;
        };
        tracing::error!(
            error = &error as &dyn std::error::Error,
            outcomes = part.len(),
            "outcomes could not be recorded; trying again"
        );
        let is_ours = matches!(error, Error::Internal(_));
        if is_ours && part.len() > 1 {
            for record in part.iter() {
                Box::pin(until_recorded(
                    app,
                    Arc::new(vec![record.clone()]),
                    RecordMode::Isolated,
                ))
                .await;
            }
            return;
        }
        faults += u32::from(is_ours);
        mode = if faults < MAX_FAULTS {
            RecordMode::Isolated
        } else {
            RecordMode::ParkTasks
        };
        pause().await;
    }
}

/// The mode in which a batch is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordMode {
    /// Together with other appends of its commit group, if the batch only appends.
    Grouped,
    /// Isolated, as a unit that writes.
    Isolated,
    /// Isolated, and the tasks that wait for the outcomes are held, because moving them has failed.
    ParkTasks,
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for a disk, not for a moment that a test could name"
)]
async fn pause() {
    tokio::time::sleep(RETRY_DELAY).await;
}

/// Records a batch, then frees its places in the window.
pub(super) async fn record(app: &App, batch: &Arc<Vec<Record>>, mode: RecordMode) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let ended = ended(batch);
    let freed = freed(batch);
    match mode == RecordMode::Grouped && adds_only(batch, &ended) && frees_nothing(batch, &freed) {
        true => add(app, batch).await?,
        false => follow(app, batch, ended, &freed, mode).await?,
    }
    let lanes = &app.dispatcher.lanes;
    for record in batch.iter() {
        lanes.done(record.job.webhook_id, record.retry_at());
    }
    lanes.forget(batch.iter().map(|record| record.job.notification_id));
    for (webhook_id, limit) in freed.lanes() {
        lanes.note_due(*webhook_id, *limit, app.clock.now());
    }
    app.dispatcher.recorded.wake();
    Ok(())
}

/// Records outcomes of ordinary deliveries. They only append, so their commit group writes them together with
/// everything else it appends.
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

/// Records outcomes that need to read first: those that change a webhook's health, release an ordered notification or
/// move a task.
async fn follow(app: &App, batch: &Arc<Vec<Record>>, ended: Ended, freed: &Freed, mode: RecordMode) -> Result<()> {
    let records = Arc::clone(batch);
    let registry = Arc::clone(&app.health);
    let keys = freed.keys();
    let scope = match adds_only(batch, &ended) {
        true => Scope::shared(organizations(batch)),
        false => Scope::exclusive(organizations(batch)),
    };
    let followed = app
        .db
        .write(scope, move |txn| {
            Box::pin(async move {
                write(txn, &records, mode).await?;
                ordering::release(txn.conn(), txn.now(), &keys).await?;
                let rows = registry.rows(ended.marked.keys());
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

/// Returns whether the outcomes change no webhook's health and no task waits for them.
fn adds_only(batch: &[Record], ended: &Ended) -> bool {
    let plain = ended.marked.is_empty() && ended.gone.is_empty() && ended.failed.is_empty();
    plain && batch.iter().all(|record| record.job.task_id.is_none())
}

/// Returns whether every request was made and no ordered notification waits for one of these.
fn frees_nothing(batch: &[Record], freed: &Freed) -> bool {
    let attempted = |record: &Record| matches!(record.end, End::Attempted(_));
    freed.lanes().is_empty() && batch.iter().all(attempted)
}

fn organizations(batch: &[Record]) -> impl Iterator<Item = OrganizationId> {
    batch.iter().map(|record| record.job.organization_id)
}

/// Collects the changes of webhook health that the outcomes call for.
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

/// Collects the ordered queues whose first notification has ended.
fn freed(records: &[Record]) -> Freed {
    let mut freed = Freed::default();
    for record in records.iter().filter(|record| record.is_over()) {
        if let Some(key) = record.job.order_key {
            freed.add((record.job.webhook_id, key), record.job.limit);
        }
    }
    freed
}

/// Writes outcomes, releases claims that were not used and moves the tasks that wait.
async fn write(txn: &Txn, records: &[Record], mode: RecordMode) -> Result<()> {
    let mut held: BTreeMap<(NodeId, Timestamp), Vec<NotificationId>> = BTreeMap::new();
    for Record { job, end } in records {
        if let End::Held(due) = end {
            let key = (job.node_id, due.unwrap_or(txn.now()));
            held.entry(key).or_default().push(job.notification_id);
        }
    }
    write_outcomes(txn, outcomes(txn, records)).await?;
    for ((node, due), ids) in held {
        claim::release(txn.conn(), node, due, &ids).await?;
    }
    match mode {
        RecordMode::Grouped | RecordMode::Isolated => task::outcome::apply(txn, &waited(records)).await,
        RecordMode::ParkTasks => task::outcome::hold_after_fault(txn, &waited(records)).await,
    }
}

/// Writes outcomes now, before a unit that reads them to decide.
async fn write_outcomes(txn: &Txn, outcomes: Vec<outbox::Outcome>) -> Result<()> {
    let organizations: Vec<OrganizationId> = outcomes.iter().map(outbox::Outcome::organization_id).collect();
    organizations.into_iter().for_each(|id| txn.announce(id));
    let keys = outbox::outcome::write(txn.conn(), outcomes).await?;
    keys.into_iter().for_each(|key| txn.outbox().tally(key));
    Ok(())
}

/// Returns the outcomes of the requests that were made.
fn outcomes(txn: &Txn, records: &[Record]) -> Vec<outbox::Outcome> {
    let attempted = records.iter().filter_map(|record| match &record.end {
        End::Attempted(attempted) => Some((&record.job, attempted)),
        End::Held(_) => None,
    });
    attempted
        .map(|(job, attempted)| {
            let (row, verdict) = (attempted.row.clone(), attempted.verdict);
            outbox::Outcome::new(job, row, verdict, txn.next_sequence(), txn.now())
        })
        .collect()
}

/// Returns the notifications that have ended and that a task waits for.
fn waited(records: &[Record]) -> Vec<NotificationId> {
    let waited = records.iter().filter(|record| record.job.task_id.is_some());
    waited
        .filter(|record| record.is_over())
        .map(|record| record.job.notification_id)
        .collect()
}
