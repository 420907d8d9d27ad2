//! Removes what is old, an organization after the other, and keeps PostgreSQL's partitions: those of coming weeks are made,
//! and weeks that are too old for everybody are dropped.

use super::{
    driver,
    status::RunsOn,
    task::{Plan, Progress, Task},
};
use crate::{
    App, Result,
    retention::{Keeper, Pace, keepers, longest, maintain_partitions, remove_expired},
};
use entity::OrganizationId;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const POLL_INTERVAL: Duration = Duration::from_secs(600);

/// Works until `shutdown`, and gives way to other traffic.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let pace = Pace::Yielding;
    driver::run(Retention { app: &app, pace }, &app, &shutdown).await;
}

/// Removes all that is too old now.
pub async fn run_until_idle(app: &App) -> Result<()> {
    let pace = Pace::Straight;
    driver::run_until_idle(Retention { app, pace }, app).await.map(drop)
}

struct Retention<'a> {
    app: &'a App,
    pace: Pace,
}

/// `days`: for how long the organization that keeps the longest does.
enum Item {
    Partitions { days: u32 },
    Organization { keeper: Keeper, days: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Partitions,
    Organization(OrganizationId),
}

impl Task for Retention<'_> {
    type Item = Item;
    type Key = Key;

    fn plan(&self) -> Plan {
        Plan {
            name: "retention",
            runs_on: RunsOn::Leader,
            period: POLL_INTERVAL,
            max_backoff: POLL_INTERVAL,
        }
    }

    fn key(item: &Item) -> Key {
        match item {
            Item::Partitions { .. } => Key::Partitions,
            Item::Organization { keeper, .. } => Key::Organization(keeper.id),
        }
    }

    async fn items(&mut self, after: Option<Key>) -> Result<Vec<Item>> {
        if after.is_some() {
            return Ok(Vec::new());
        }
        let keepers = keepers(self.app).await?;
        let days = longest(self.app, &keepers);
        let organizations = keepers.into_iter().map(|keeper| Item::Organization { keeper, days });
        Ok(std::iter::once(Item::Partitions { days })
            .chain(organizations)
            .collect())
    }

    async fn step(&mut self, item: Item) -> Result<Progress> {
        match item {
            Item::Partitions { days } => maintain_partitions(self.app, days, self.pace).await?,
            Item::Organization { keeper, days } => remove_expired(self.app, keeper, days, self.pace).await?,
        }
        Ok(Progress::Idle)
    }
}
