//! What is old is removed: events, payloads, attempts and finished notifications, after so many days as the installation
//! says, or the organization does. What is not over stays, with all that it needs: a notification that is still to be sent
//! or that a task refers to, the event and the payloads of every notification that there is, and the event that a webhook
//! stage may send again.
//!
//! Rows are removed a bounded step at a time ([`rows`]), and on PostgreSQL whole weeks are dropped ([`partitions`]) when
//! they are too old for everybody; there, rows are removed only where somebody keeps less, and where a week had to stay.
//! A pass that is broken off is begun again by the next one: what is old says itself that it is.

mod partitions;
mod rows;
mod tallies;

use crate::{App, Clock, Result};
use entity::{OrganizationId, Timestamp, organization};
use sea_orm::{DatabaseConnection, EntityTrait, QuerySelect};
use std::{ops::RangeInclusive, sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// For how many days things are kept unless somebody says otherwise.
pub const DAYS: u32 = 30;
/// What an organization may choose.
pub(crate) const CHOICE: RangeInclusive<i32> = 1..=3_650;
/// A look for what has become old.
const LOOK: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// A week is dropped when its last day is old; until then rows of organizations that keep the longest may stay.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Removes what is too old, until it is told to stop.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    loop {
        if let Some(Err(error)) = shutdown.run_until_cancelled(pass(&app, Pace::Yielding)).await {
            tracing::error!(error = &error as &dyn std::error::Error, "what is old was not removed");
        }
        if tokio::time::timeout(LOOK, shutdown.cancelled()).await.is_ok() {
            return;
        }
    }
}

/// Removes what is too old now.
pub async fn run_until_idle(app: &App) -> Result<()> {
    pass(app, Pace::Straight).await
}

/// How fast steps follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// At once.
    Straight,
    /// After as long as the last one took, and longer: what people wait for goes first.
    Yielding,
}

impl Pace {
    /// Waits after a step that began then.
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
struct Keeper {
    id: OrganizationId,
    days: u32,
}

/// One look at everything. On PostgreSQL only one node does this at a time.
async fn pass(app: &App, pace: Pace) -> Result<()> {
    let Some(conn) = app.db.maintenance().await? else {
        return remove(app, None, pace).await;
    };
    let done = match partitions::is_first(&conn).await {
        Ok(true) => remove(app, Some(&conn), pace).await,
        other => other.map(drop),
    };
    // The lock ends with its connection.
    conn.close().await?;
    done
}

async fn remove(app: &App, conn: Option<&DatabaseConnection>, pace: Pace) -> Result<()> {
    let now = app.clock.now();
    let keepers = keepers(app).await?;
    let longest = keepers.iter().map(|keeper| keeper.days).max();
    let longest = longest.unwrap_or(app.retention_days);
    if let Some(conn) = conn {
        partitions::make(conn, now).await?;
        partitions::drop_old(conn, before(now, longest), pace).await?;
    }
    for keeper in keepers {
        let mut before = before(now, keeper.days);
        if conn.is_some() && keeper.days == longest {
            before = before.minus(WEEK);
        }
        rows::remove(app, keeper.id, before, pace).await?;
        tallies::remove(app, keeper.id, now, pace).await?;
    }
    Ok(())
}

async fn keepers(app: &App) -> Result<Vec<Keeper>> {
    let rows: Vec<(OrganizationId, Option<i32>)> = organization::Entity::find()
        .select_only()
        .columns([organization::Column::Id, organization::Column::RetentionDays])
        .into_tuple()
        .all(app.db.read())
        .await?;
    let days = |own: Option<i32>| own.and_then(|days| u32::try_from(days).ok());
    let keeper = |(id, own)| Keeper {
        id,
        days: days(own).unwrap_or(app.retention_days),
    };
    Ok(rows.into_iter().map(keeper).collect())
}

/// What is from before this moment is too old.
fn before(now: Timestamp, days: u32) -> Timestamp {
    now.minus(DAY * days)
}

/// Whether what was made at this moment may have been removed already, by the time that its id carries.
pub(crate) fn may_be_gone(clock: &Clock, id: uuid::Uuid) -> bool {
    let made = id.get_timestamp().map(|time| {
        let (seconds, _) = time.to_unix();
        i64::try_from(seconds).unwrap_or(i64::MAX)
    });
    made.is_some_and(|seconds| clock.now().minus(DAY).seconds() > seconds)
}
