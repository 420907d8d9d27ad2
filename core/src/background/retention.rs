//! Removes what is old, an organization after the other, and keeps PostgreSQL's partitions: those of coming weeks are
//! made, and weeks that are too old for everybody are dropped.

use super::{
    driver,
    plan::{Plan, RunsOn},
    task::{Progress, Task},
};
use crate::{
    App, Result,
    retention::{OrganizationRetention, Pacing, longest, maintain_partitions, organizations, remove_expired},
};
use entity::OrganizationId;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const POLL_INTERVAL: Duration = Duration::from_secs(600);

/// Works until `shutdown`, and gives way to other traffic.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let pace = Pacing::Yielding;
    driver::run(Retention { app: &app, pace }, &app, &shutdown).await;
}

/// Removes all that is too old now.
pub async fn run_until_idle(app: &App) -> Result<()> {
    let pace = Pacing::Straight;
    driver::run_until_idle(Retention { app, pace }, app).await.map(drop)
}

struct Retention<'a> {
    app: &'a App,
    pace: Pacing,
}

/// `days`: for how long the organization that keeps the longest does.
enum Item {
    Partitions {
        days: u32,
    },
    Organization {
        organization: OrganizationRetention,
        days: u32,
    },
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
            Item::Organization { organization, .. } => Key::Organization(organization.id),
        }
    }

    async fn items(&mut self, after: Option<Key>) -> Result<Vec<Item>> {
        if after.is_some() {
            return Ok(Vec::new());
        }
        let organizations = organizations(self.app).await?;
        let days = longest(self.app, &organizations);
        let organizations = organizations
            .into_iter()
            .map(|organization| Item::Organization { organization, days });
        Ok(std::iter::once(Item::Partitions { days })
            .chain(organizations)
            .collect())
    }

    async fn step(&mut self, item: Item) -> Result<Progress> {
        match item {
            Item::Partitions { days } => maintain_partitions(self.app, days, self.pace).await?,
            Item::Organization { organization, days } => {
                remove_expired(self.app, organization, days, self.pace).await?
            }
        }
        Ok(Progress::Idle)
    }
}
