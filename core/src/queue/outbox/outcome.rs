//! Writes the outcomes of requests in batches, by one statement a table: the attempts, and the states in which they
//! leave their notifications.

use super::counters;
use crate::{
    Result,
    delivery::retry::Verdict,
    queue::job::Job,
    sql::{
        bulk::{Change, ROWS, along, fill, marks, or_fail, places},
        statement::raw,
    },
};
use entity::{AttemptErrorKind, NodeId, NotificationId, NotificationStatus, OrganizationId, Timestamp, attempt};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};
use std::collections::HashMap;

/// The attempt of a notification, and the state that follows from it.
#[derive(Debug)]
pub(crate) struct Outcome {
    attempt: attempt::Model,
    state: State,
}

/// The state in which a request leaves its notification.
#[derive(Debug)]
struct State {
    id: NotificationId,
    node: NodeId,
    number: i32,
    status: NotificationStatus,
    due_at: Option<Timestamp>,
    throttled: i32,
    response_code: Option<i32>,
    error: Option<AttemptErrorKind>,
    sequence: i64,
    at: Timestamp,
    key: counters::Key,
}

impl Outcome {
    /// Makes an outcome; the notification gets its new sequence number.
    pub(crate) fn new(job: &Job, attempt: attempt::Model, verdict: Verdict, sequence: i64, at: Timestamp) -> Self {
        let (status, due_at, throttled) = match verdict {
            Verdict::Delivered => (NotificationStatus::Succeeded, None, 0),
            Verdict::Retry { at, spent } => (NotificationStatus::Retrying, Some(at), i32::from(!spent)),
            Verdict::Failed | Verdict::Gone => (NotificationStatus::Failed, None, 0),
        };
        let state = State {
            id: attempt.notification_id,
            node: job.node_id,
            number: attempt.number,
            status,
            due_at,
            throttled,
            response_code: attempt.response_status,
            error: attempt.error,
            sequence,
            at,
            key: counters::Key::tried(job, attempt.duration_ms, status),
        };
        Self { attempt, state }
    }

    fn split(self) -> (attempt::Model, State) {
        (self.attempt, self.state)
    }

    pub(crate) fn organization_id(&self) -> OrganizationId {
        self.attempt.organization_id
    }
}

/// The values of one outcome in a statement.
const COLUMNS: usize = 9;

/// Writes outcomes. Returns the keys that the statistics must count.
pub(crate) async fn write(db: &impl ConnectionTrait, mut outcomes: Vec<Outcome>) -> Result<Vec<counters::Key>> {
    let mut keys = Vec::with_capacity(outcomes.len());
    while !outcomes.is_empty() {
        let later = outcomes.split_off(outcomes.len().min(ROWS));
        keys.extend(write_some(db, std::mem::replace(&mut outcomes, later)).await?);
    }
    Ok(keys)
}

async fn write_some(db: &impl ConnectionTrait, outcomes: Vec<Outcome>) -> Result<Vec<counters::Key>> {
    let (attempts, states): (Vec<attempt::Model>, Vec<State>) = outcomes.into_iter().map(Outcome::split).unzip();
    // The commit of a batch may have succeeded although its answer was lost; the batch is then recorded again. Attempts
    // that are there stay.
    let attempts = Change::insert::<attempt::Entity>(attempts, "ON CONFLICT DO NOTHING");
    if set(db, attempts, &states).await? {
        return Ok(states.into_iter().map(|state| state.key).collect());
    }
    let left = reconcile(db, &states).await?;
    let counted = states.into_iter().filter_map(|state| {
        let left = left.get(&state.id).filter(|left| left.sequence == state.sequence)?;
        Some(state.key.left(left.status))
    });
    Ok(counted.collect())
}

/// Writes the attempts, and the states of those notifications that are still as they were claimed. Returns whether that
/// was all of them, which is nearly always so: then nothing needs to be read back.
async fn set(db: &impl ConnectionTrait, attempts: Change, states: &[State]) -> Result<bool> {
    let backend = db.get_database_backend();
    let (text, mut binds) = along(db, attempts, &set_sql(or_fail(backend), places(states.len())));
    bind(states, &mut binds);
    let changed = db.execute_raw(raw(db, &text, binds)).await?.rows_affected();
    // PostgreSQL counts the rows of the last statement only, SQLite those of all.
    let counted = if backend == DbBackend::Sqlite { 2 } else { 1 };
    Ok(changed == counted * states.len() as u64)
}

/// The state in which a notification was left.
#[derive(FromQueryResult)]
struct Left {
    id: NotificationId,
    status: NotificationStatus,
    sequence: i64,
}

/// Writes the states of a batch that [`set`] could not write whole: somebody has changed a notification meanwhile, or
/// the batch was recorded before. The status changes only where the claim still holds; the attempt count and the
/// response always change. A notification that has nothing new keeps its sequence number, so the returned numbers tell
/// which outcomes must be counted. They include those that [`set`] has written.
async fn reconcile(db: &impl ConnectionTrait, states: &[State]) -> Result<HashMap<NotificationId, Left>> {
    let text = reconcile_sql(or_fail(db.get_database_backend()), places(states.len()));
    let mut binds = Vec::new();
    bind(states, &mut binds);
    let left = Left::find_by_statement(raw(db, &text, binds)).all(db).await?;
    Ok(left.into_iter().map(|left| (left.id, left)).collect())
}

/// Appends the values that [`given`] takes, and the current time.
fn bind(states: &[State], binds: &mut Vec<Value>) {
    let from = binds.len();
    for state in states {
        binds.push(state.id.into());
        binds.push(state.node.into());
        binds.push(state.number.into());
        binds.push(state.status.into());
        binds.push(state.due_at.into());
        binds.push(state.throttled.into());
        binds.push(state.response_code.into());
        binds.push(state.error.into());
        binds.push(state.sequence.into());
    }
    fill(binds, from, COLUMNS, places(states.len()));
    binds.push(states.iter().map(|state| state.at).max().into());
}

fn given(places: usize) -> String {
    format!(
        "outcome(id, node, number, status, due_at, throttled, response_code, error, sequence) AS (VALUES {})",
        marks(COLUMNS, places)
    )
}

/// Builds the statement of [`set`], all after `WITH`. Notifications are found by id and the claim is compared there: no
/// index on the claim is searched.
fn set_sql(or_fail: &str, places: usize) -> String {
    format!(
        "{} UPDATE{or_fail} notification SET status = outcome.status, due_at = outcome.due_at, node_id = NULL, \
             order_key = CASE WHEN outcome.due_at IS NULL THEN NULL ELSE notification.order_key END, \
             throttled_count = throttled_count + outcome.throttled, attempt_count = outcome.number, \
             response_code = outcome.response_code, error = outcome.error, sequence = outcome.sequence, updated_at = ? \
         FROM outcome WHERE notification.id = outcome.id \
             AND (notification.node_id = outcome.node) IS TRUE AND notification.attempt_count < outcome.number",
        given(places)
    )
}

fn reconcile_sql(or_fail: &str, places: usize) -> String {
    format!(
        "WITH {} UPDATE{or_fail} notification SET \
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
         RETURNING notification.id, notification.status, notification.sequence",
        given(places)
    )
}
