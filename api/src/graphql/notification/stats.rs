//! NotificationStats: statistics of deliveries, read from counters that are updated as deliveries happen.

use async_graphql::{Context, Object, SimpleObject};
use entity::{StatsBucket, Timestamp};
use labelhook_core::{
    notification::Filter,
    stats::{self, Counts, Stats},
};

use super::super::{context::ContextExt, error::Result};

/// Statistics of deliveries. A notification counts in the hour in which it was created.
pub struct NotificationStats(Stats);

/// The counts of the notifications that were created in one hour or day.
#[derive(SimpleObject)]
pub struct StatsPoint {
    /// The start of the hour or day.
    at: Timestamp,
    /// The number of notifications created in it.
    total: i32,
    /// The number of these that were delivered.
    succeeded: i32,
    /// The number of these that were given up.
    failed: i32,
    /// The number of these that were canceled.
    canceled: i32,
    /// The number of these that are unfinished.
    pending: i32,
    /// The share of delivered notifications among the delivered and given-up ones: from 0 to 1; null when there are
    /// none.
    success_rate: Option<f64>,
    /// The median (50th percentile) duration of their requests in milliseconds; null when there are none. Percentiles
    /// are exact below 16 ms and off by a sixteenth at most above.
    p50_ms: Option<f64>,
    /// The 95th percentile of the duration of their requests in milliseconds.
    p95_ms: Option<f64>,
    /// The 99th percentile of the duration of their requests in milliseconds.
    p99_ms: Option<f64>,
}

/// Statistics of deliveries. A notification counts in the hour in which it was created.
#[Object]
impl NotificationStats {
    /// The number of notifications created in the period.
    async fn total(&self) -> i32 {
        number(self.0.whole.total)
    }

    /// The number of these that were delivered.
    async fn succeeded(&self) -> i32 {
        number(self.0.whole.succeeded)
    }

    /// The number of these that were given up.
    async fn failed(&self) -> i32 {
        number(self.0.whole.failed)
    }

    /// The number of these that were canceled.
    async fn canceled(&self) -> i32 {
        number(self.0.whole.canceled)
    }

    /// The number of these that are unfinished.
    async fn pending(&self) -> i32 {
        number(self.0.whole.pending)
    }

    /// The share of delivered notifications among the delivered and given-up ones: from 0 to 1; null when there are
    /// none.
    async fn success_rate(&self) -> Option<f64> {
        rate(&self.0.whole)
    }

    /// The median (50th percentile) duration of their requests in milliseconds; null when there are none. Percentiles
    /// are exact below 16 ms and off by a sixteenth at most above.
    async fn p50_ms(&self) -> Option<f64> {
        percentile(&self.0.whole, 0)
    }

    /// The 95th percentile of the duration of their requests in milliseconds.
    async fn p95_ms(&self) -> Option<f64> {
        percentile(&self.0.whole, 1)
    }

    /// The 99th percentile of the duration of their requests in milliseconds.
    async fn p99_ms(&self) -> Option<f64> {
        percentile(&self.0.whole, 2)
    }

    /// The statistics hour by hour or day by day, oldest first, without gaps.
    #[graphql(complexity = "super::super::list::cost(Some(100), child_complexity)")]
    async fn series(&self) -> Vec<StatsPoint> {
        self.0.series.iter().map(StatsPoint::from).collect()
    }
}

impl From<&Counts> for StatsPoint {
    fn from(counts: &Counts) -> Self {
        Self {
            at: counts.at,
            total: number(counts.total),
            succeeded: number(counts.succeeded),
            failed: number(counts.failed),
            canceled: number(counts.canceled),
            pending: number(counts.pending),
            success_rate: rate(counts),
            p50_ms: percentile(counts, 0),
            p95_ms: percentile(counts, 1),
            p99_ms: percentile(counts, 2),
        }
    }
}

/// Loads the statistics of the notifications that a filter matches.
pub async fn stats(ctx: &Context<'_>, filter: &Filter, bucket: Option<StatsBucket>) -> Result<NotificationStats> {
    let stats = stats::stats(ctx.app(), ctx.actor(), filter, bucket).await?;
    Ok(NotificationStats(stats))
}

fn number(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn rate(counts: &Counts) -> Option<f64> {
    let over = counts.succeeded + counts.failed;
    (over > 0).then(|| f64::from(number(counts.succeeded)) / f64::from(number(over)))
}

fn percentile(counts: &Counts, place: usize) -> Option<f64> {
    counts.percentiles.map(|percentiles| percentiles[place])
}
