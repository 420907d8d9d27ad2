//! Tallies: counted in the transaction of what is counted, one statement a group of units, so that they are true whatever
//! is undone or recorded twice. A row is an hour of a webhook, a project, a topic and one thing that happened.

use super::histogram;
use crate::{queue::job::Job, sql::bulk::Change};
use entity::{
    NotificationStatus, OrganizationId, ProjectId, TallyKind, Timestamp, WebhookId, WebhookTopic, notification, tally,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Microseconds of an hour.
pub(crate) const HOUR: i64 = 3_600_000_000;
/// The bin of what has no duration.
const NONE: i16 = -1;

/// What is counted already grows.
const SUM: &str = "ON CONFLICT (organization_id, webhook_id, hour, project_id, topic, kind, bin) \
     DO UPDATE SET count = tally.count + excluded.count";

/// What is counted together.
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
    /// A notification was made.
    pub(crate) fn made(row: &notification::Model) -> Self {
        Self {
            organization_id: row.organization_id,
            webhook_id: row.webhook_id,
            hour: hour(row.created_at),
            project_id: row.project_id.unwrap_or(ProjectId(Uuid::nil())),
            topic: row.topic,
            kind: TallyKind::Made,
            bin: NONE,
        }
    }

    /// It was canceled.
    pub(crate) fn canceled(row: &notification::Model) -> Self {
        Self {
            kind: TallyKind::Canceled,
            ..Self::made(row)
        }
    }

    /// A request for it ended after so many milliseconds, and left it in this state.
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

    /// The same, but it was left in another state.
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

/// The hour since 1970 that a moment is in.
pub(crate) fn hour(at: Timestamp) -> i64 {
    at.0.div_euclid(HOUR)
}

/// What a group of units has to count.
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

    /// Rows that add to what is counted already, in the order of the key.
    pub(crate) fn take(&mut self) -> Change {
        let rows = std::mem::take(&mut self.0);
        let rows = rows.into_iter().map(|(key, count)| key.row(count)).collect();
        Change::insert::<tally::Entity>(rows, SUM)
    }
}
