//! Decides which events of [`postponed`] matches are sent, one organization after the other, a bounded time each.

use super::{
    driver,
    plan::{Plan, RunsOn},
    task::{MAX_BACKOFF, Progress, Task},
};
use crate::{App, Result, postponed};
use entity::{OrganizationId, postponed_match as rows};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Organizations that are listed at once.
const PAGE_SIZE: u64 = 100;
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Works until `shutdown`.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    driver::run(PostponedMatches { app: &app }, &app, &shutdown).await;
}

/// Decides all that is due now.
pub async fn run_until_idle(app: &App) -> Result<()> {
    driver::run_until_idle(PostponedMatches { app }, app).await.map(drop)
}

struct PostponedMatches<'a> {
    app: &'a App,
}

impl Task for PostponedMatches<'_> {
    type Item = OrganizationId;
    type Key = OrganizationId;

    fn plan(&self) -> Plan {
        Plan {
            name: "postponed_matches",
            runs_on: RunsOn::Leader,
            period: POLL_INTERVAL,
            max_backoff: MAX_BACKOFF,
        }
    }

    fn key(item: &OrganizationId) -> OrganizationId {
        *item
    }

    async fn items(&mut self, after: Option<OrganizationId>) -> Result<Vec<OrganizationId>> {
        let due = rows::Entity::find()
            .select_only()
            .column(rows::Column::OrganizationId)
            .distinct()
            .filter(
                Condition::all()
                    .add(rows::Column::DueAt.lte(self.app.clock.now()))
                    .add_option(after.map(|id| rows::Column::OrganizationId.gt(id))),
            )
            .order_by_asc(rows::Column::OrganizationId)
            .limit(PAGE_SIZE);
        Ok(due.into_tuple().all(self.app.db.read()).await?)
    }

    async fn step(&mut self, item: OrganizationId) -> Result<Progress> {
        let more = postponed::step(self.app, item).await?;
        Ok(if more { Progress::More } else { Progress::Idle })
    }
}
