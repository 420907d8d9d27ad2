//! What came of requests, many by one statement a table: the attempts, and the states in which they leave their
//! notifications.

use super::super::{Job, retry::Verdict};
use crate::{
    Result,
    db::{Change, ROWS, Txn, along, fill, marks, places, raw},
    stats,
};
use entity::{AttemptErrorKind, NodeId, NotificationId, NotificationStatus, OrganizationId, Timestamp, attempt};
use sea_orm::{ConnectionTrait, FromQueryResult};
use std::collections::HashMap;

/// A request that was made for a notification, and what follows from it.
#[derive(Debug)]
pub(crate) struct Outcome {
    attempt: attempt::Model,
    state: State,
}

/// How a request leaves its notification.
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
    key: stats::Key,
}

impl Outcome {
    /// Gives the notification its new number.
    pub(crate) fn new(txn: &Txn, job: &Job, attempt: attempt::Model, verdict: Verdict) -> Self {
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
            sequence: txn.next_sequence(),
            at: txn.now(),
            key: stats::Key::tried(job, attempt.duration_ms, status),
        };
        Self { attempt, state }
    }

    fn split(self) -> (attempt::Model, State) {
        (self.attempt, self.state)
    }

    pub(super) fn organization_id(&self) -> OrganizationId {
        self.attempt.organization_id
    }
}

/// What a statement is told of an outcome.
const COLUMNS: usize = 9;

/// Writes outcomes at once: somebody is about to decide by them.
pub(crate) async fn record(txn: &Txn, outcomes: Vec<Outcome>) -> Result<()> {
    let organizations: Vec<OrganizationId> = outcomes.iter().map(Outcome::organization_id).collect();
    organizations.into_iter().for_each(|id| txn.announce(id));
    let keys = write(txn.conn(), outcomes).await?;
    keys.into_iter().for_each(|key| txn.outbox().tally(key));
    Ok(())
}

/// Writes outcomes, and gives what is to be counted of them.
pub(super) async fn write(db: &impl ConnectionTrait, mut outcomes: Vec<Outcome>) -> Result<Vec<stats::Key>> {
    let mut keys = Vec::with_capacity(outcomes.len());
    while !outcomes.is_empty() {
        let later = outcomes.split_off(outcomes.len().min(ROWS));
        keys.extend(write_some(db, std::mem::replace(&mut outcomes, later)).await?);
    }
    Ok(keys)
}

async fn write_some(db: &impl ConnectionTrait, outcomes: Vec<Outcome>) -> Result<Vec<stats::Key>> {
    let (attempts, states): (Vec<attempt::Model>, Vec<State>) = outcomes.into_iter().map(Outcome::split).unzip();
    // A batch whose commit came through although its answer did not is recorded again: what is there stays.
    let attempts = Change::insert::<attempt::Entity>(attempts, "ON CONFLICT DO NOTHING");
    let left = set(db, attempts, &states).await?;
    let counted = states.into_iter().filter_map(|state| {
        let left = left.get(&state.id).filter(|left| left.sequence == state.sequence)?;
        Some(state.key.left(left.status))
    });
    Ok(counted.collect())
}

/// How a notification was left.
#[derive(FromQueryResult)]
struct Left {
    id: NotificationId,
    status: NotificationStatus,
    sequence: i64,
}

/// One statement for a batch. The claim decides whether the state changes; the count and the answer always do. What is no
/// news, since it was recorded before, keeps its number, and so it is seen what is to be counted.
async fn set(db: &impl ConnectionTrait, attempts: Change, states: &[State]) -> Result<HashMap<NotificationId, Left>> {
    let places = places(states.len());
    let (text, mut binds) = along(db, attempts, &set_sql(places));
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
    fill(&mut binds, from, COLUMNS, places);
    binds.push(states.iter().map(|state| state.at).max().into());
    let left = Left::find_by_statement(raw(db, &text, binds)).all(db).await?;
    Ok(left.into_iter().map(|left| (left.id, left)).collect())
}

/// All after `WITH`.
fn set_sql(places: usize) -> String {
    format!(
        "outcome(id, node, number, status, due_at, throttled, response_code, error, sequence) AS (VALUES {}) \
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
         RETURNING notification.id, notification.status, notification.sequence",
        marks(COLUMNS, places)
    )
}
