//! Retention: deletes expired events, payloads, attempts and finished notifications, after the number of days that the
//! organization or the installation sets.
//!
//! The server starts it in [`background`](crate::background); `may_be_gone` answers for cursors. It must never delete a
//! row that something still needs. It keeps a notification that has not ended or that a task refers to, the event and
//! the payloads of every notification that exists, and the event that a webhook stage may send again.
//!
//! Rows are deleted in bounded steps ([`rows`]). On PostgreSQL whole weeks are dropped ([`partitions`]) when they have
//! expired for every organization; there, rows are deleted only where an organization keeps less, and where a week had
//! to stay. An interrupted pass needs no state: the next one finds again what has expired.

mod partitions;
mod rows;
mod tallies;

use crate::{App, Clock, Result};
use entity::{OrganizationId, Timestamp, organization};
use sea_orm::{DbBackend, EntityTrait, QueryOrder, QuerySelect};
use std::{ops::RangeInclusive, time::Duration};
use tokio::time::Instant;

/// The numbers of days that an organization may choose.
pub(crate) const CHOICE: RangeInclusive<i32> = 1..=3_650;
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// The length of a partition. It is dropped when its last day has expired, so rows of the organizations that keep the
/// longest may stay this much longer.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The pause between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pacing {
    /// At once.
    Straight,
    /// As long as the last step took, and 20 ms more: requests go first.
    Yielding,
}

impl Pacing {
    /// Pauses after a step that began at `begun`.
    #[expect(
        clippy::disallowed_methods,
        reason = "gives way to the traffic of the moment; tests step with run_until_idle"
    )]
    async fn rest(self, begun: Instant) {
        if self == Self::Yielding {
            tokio::time::sleep(begun.elapsed() + Duration::from_millis(20)).await;
        }
    }
}

/// An organization and for how long it keeps its log.
#[derive(Clone, Copy)]
pub(crate) struct OrganizationRetention {
    pub(crate) id: OrganizationId,
    days: u32,
}

/// Makes the partitions that are needed soon and drops those that are older than `days`, on PostgreSQL; one node does
/// this at a time, whoever leads.
pub(crate) async fn maintain_partitions(app: &App, days: u32, pace: Pacing) -> Result<()> {
    let Some(conn) = app.db.maintenance().await? else {
        return Ok(());
    };
    let done = match partitions::is_first(&conn).await {
        Ok(true) => partitions::maintain(&conn, app.clock.now(), days, pace).await,
        other => other.map(drop),
    };
    // The lock ends with its connection.
    conn.close().await?;
    done
}

/// Removes what one organization has kept for long enough. What goes with a partition of PostgreSQL soon is left to
/// that:
/// `longest` is for how many days the organization does that keeps the longest.
pub(crate) async fn remove_expired(
    app: &App,
    organization: OrganizationRetention,
    longest: u32,
    pace: Pacing,
) -> Result<()> {
    let now = app.clock.now();
    let mut before = before(now, organization.days);
    let is_partitioned = app.db.read().get_database_backend() == DbBackend::Postgres;
    if is_partitioned && organization.days == longest {
        before = before.minus(WEEK);
    }
    rows::remove(app, organization.id, before, pace).await?;
    tallies::remove(app, organization.id, now, pace).await
}

/// Returns for how many days the organization that keeps the longest does.
pub(crate) fn longest(app: &App, organizations: &[OrganizationRetention]) -> u32 {
    let longest = organizations.iter().map(|organization| organization.days).max();
    longest.unwrap_or(app.retention_days)
}

/// Lists every organization, the oldest first.
pub(crate) async fn organizations(app: &App) -> Result<Vec<OrganizationRetention>> {
    let rows: Vec<(OrganizationId, Option<i32>)> = organization::Entity::find()
        .select_only()
        .columns([organization::Column::Id, organization::Column::RetentionDays])
        .order_by_asc(organization::Column::Id)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let days = |own: Option<i32>| own.and_then(|days| u32::try_from(days).ok());
    let organization = |(id, own)| OrganizationRetention {
        id,
        days: days(own).unwrap_or(app.retention_days),
    };
    Ok(rows.into_iter().map(organization).collect())
}

/// Returns the moment before which rows have expired.
fn before(now: Timestamp, days: u32) -> Timestamp {
    now.minus(DAY * days)
}

/// Returns whether a row with this id may have been deleted by retention: the time in the id is more than a day ago,
/// the shortest retention.
pub(crate) fn may_be_gone(clock: &Clock, id: uuid::Uuid) -> bool {
    let made = id.get_timestamp().map(|time| {
        let (seconds, _) = time.to_unix();
        i64::try_from(seconds).unwrap_or(i64::MAX)
    });
    made.is_some_and(|seconds| clock.now().minus(DAY).seconds() > seconds)
}
