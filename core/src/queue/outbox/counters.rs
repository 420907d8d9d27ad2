//! Tallies: counters that are updated in the transaction of what they count, by one statement for each commit group. So
//! they stay exact when units are rolled back or outcomes are recorded twice. A row counts one kind of occurrence of a
//! webhook, a project and a topic in one hour.

use super::histogram;
use crate::{queue::job::Job, sql::bulk::Change};
use entity::{
    NotificationStatus, OrganizationId, ProjectId, TallyKind, Timestamp, WebhookId, WebhookTopic, notification, tally,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The microseconds of an hour.
pub(crate) const HOUR: i64 = 3_600_000_000;
/// The bin of an occurrence without a duration.
const NO_BIN: i16 = -1;

/// Adds to counters that exist already.
const SUM: &str = "ON CONFLICT (organization_id, webhook_id, hour, project_id, topic, kind, bin) \
     DO UPDATE SET count = tally.count + excluded.count";

/// The key of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    organization_id: OrganizationId,
    webhook_id: WebhookId,
    hour: i64,
    project_id: ProjectId,
    topic: WebhookTopic,
    kind: TallyKind,
    bin: i16,
}

impl Key {
    /// Returns the key of a notification that was created.
    pub(crate) fn made(row: &notification::Model) -> Self {
        Self {
            organization_id: row.organization_id,
            webhook_id: row.webhook_id,
            hour: hour(row.created_at),
            project_id: row.project_id.unwrap_or(ProjectId(Uuid::nil())),
            topic: row.topic,
            kind: TallyKind::Made,
            bin: NO_BIN,
        }
    }

    /// Returns the key of a notification that was canceled.
    pub(crate) fn canceled(row: &notification::Model) -> Self {
        Self {
            kind: TallyKind::Canceled,
            ..Self::made(row)
        }
    }

    /// Returns the key of a request that took `ms` milliseconds and left its notification in `status`.
    pub(crate) fn tried(job: &Job, ms: i32, status: NotificationStatus) -> Self {
        Self {
            organization_id: job.organization_id,
            webhook_id: job.webhook_id,
            hour: hour(job.created_at),
            project_id: job.project_id.unwrap_or(ProjectId(Uuid::nil())),
            topic: job.topic,
            kind: kind(status),
            bin: histogram::bin(ms),
        }
    }

    /// Returns the same key for a notification that was left in another status.
    pub(crate) fn left(self, status: NotificationStatus) -> Self {
        Self {
            kind: kind(status),
            ..self
        }
    }

    fn row(self, count: i64) -> tally::Model {
        tally::Model {
            organization_id: self.organization_id,
            webhook_id: self.webhook_id,
            hour: self.hour,
            project_id: self.project_id,
            topic: self.topic,
            kind: self.kind,
            bin: self.bin,
            count,
        }
    }
}

fn kind(status: NotificationStatus) -> TallyKind {
    match status {
        NotificationStatus::Succeeded => TallyKind::Succeeded,
        NotificationStatus::Failed => TallyKind::Failed,
        _ => TallyKind::Tried,
    }
}

/// Returns the hour since 1970 that a moment belongs to.
pub(crate) fn hour(at: Timestamp) -> i64 {
    at.0.div_euclid(HOUR)
}

/// The counts of a commit group.
#[derive(Debug, Default)]
pub(crate) struct Tallies(BTreeMap<Key, i64>);

impl Tallies {
    pub(crate) fn add(&mut self, key: Key) {
        *self.0.entry(key).or_default() += 1;
    }

    pub(crate) fn append(&mut self, other: Self) {
        for (key, count) in other.0 {
            *self.0.entry(key).or_default() += count;
        }
    }

    /// Takes the rows that add to the stored counters, in the order of the key.
    pub(crate) fn take(&mut self) -> Change {
        let rows = std::mem::take(&mut self.0);
        let rows = rows.into_iter().map(|(key, count)| key.row(count)).collect();
        Change::insert::<tally::Entity>(rows, SUM)
    }
}
