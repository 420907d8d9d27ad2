//! NotificationStats: how deliveries go, from what is counted as they happen.

use async_graphql::{Context, Object, SimpleObject};
use entity::{StatsBucket, Timestamp};
use labelhook_core::{
    notification::Filter,
    stats::{self, Counts, Stats},
};

use super::super::{context::ContextExt, error::Result};

/// How deliveries went. A notification counts in the hour in which it was made.
pub struct NotificationStats(Stats);

/// What happened to the notifications of an hour or a day.
#[derive(SimpleObject)]
pub struct StatsPoint {
    /// When it began.
    at: Timestamp,
    /// Notifications that were made then.
    total: i32,
    /// Of these, delivered.
    succeeded: i32,
    /// Of these, given up.
    failed: i32,
    /// Of these, stopped by a person.
    canceled: i32,
    /// Of these, not over.
    pending: i32,
    /// Delivered, of those that were delivered or given up: from 0 to 1; null when there were none.
    success_rate: Option<f64>,
    /// Milliseconds that half of their requests did not exceed; null when there were none. Percentiles are exact below 16
    /// ms and off by a sixteenth at most above.
    p50_ms: Option<f64>,
    /// Milliseconds that 95 % of their requests did not exceed.
    p95_ms: Option<f64>,
    /// Milliseconds that 99 % of their requests did not exceed.
    p99_ms: Option<f64>,
}

/// How deliveries went. A notification counts in the hour in which it was made.
#[Object]
impl NotificationStats {
    /// Notifications that were made.
    async fn total(&self) -> i32 {
        number(self.0.whole.total)
    }

    /// Of these, delivered.
    async fn succeeded(&self) -> i32 {
        number(self.0.whole.succeeded)
    }

    /// Of these, given up.
    async fn failed(&self) -> i32 {
        number(self.0.whole.failed)
    }

    /// Of these, stopped by a person.
    async fn canceled(&self) -> i32 {
        number(self.0.whole.canceled)
    }

    /// Of these, not over.
    async fn pending(&self) -> i32 {
        number(self.0.whole.pending)
    }

    /// Delivered, of those that were delivered or given up: from 0 to 1; null when there were none.
    async fn success_rate(&self) -> Option<f64> {
        rate(&self.0.whole)
    }

    /// Milliseconds that half of their requests did not exceed; null when there were none. Percentiles are exact below 16
    /// ms and off by a sixteenth at most above.
    async fn p50_ms(&self) -> Option<f64> {
        percentile(&self.0.whole, 0)
    }

    /// Milliseconds that 95 % of their requests did not exceed.
    async fn p95_ms(&self) -> Option<f64> {
        percentile(&self.0.whole, 1)
    }

    /// Milliseconds that 99 % of their requests did not exceed.
    async fn p99_ms(&self) -> Option<f64> {
        percentile(&self.0.whole, 2)
    }

    /// The same hour by hour or day by day, oldest first, without a gap.
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

/// The statistics of what a filter matches.
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
