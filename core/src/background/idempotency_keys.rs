//! Removes what is kept of requests with an idempotency key once it is too old, a bounded batch a step.

use super::{
    driver,
    plan::{Plan, RunsOn},
    task::{MAX_BACKOFF, Progress, Task, once},
};
use crate::{App, Result, db::Scope, idempotency::RESPONSE_TTL};
use entity::{IdempotencyId, idempotency_key};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Rows of one step.
const BATCH_SIZE: u64 = 500;
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// Works until `shutdown`.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    driver::run(IdempotencyKeys { app: &app }, &app, &shutdown).await;
}

/// Removes all that is too old now.
pub async fn run_until_idle(app: &App) -> Result<()> {
    driver::run_until_idle(IdempotencyKeys { app }, app).await.map(drop)
}

struct IdempotencyKeys<'a> {
    app: &'a App,
}

impl Task for IdempotencyKeys<'_> {
    type Item = ();
    type Key = ();

    fn plan(&self) -> Plan {
        Plan {
            name: "idempotency_keys",
            runs_on: RunsOn::Leader,
            period: POLL_INTERVAL,
            max_backoff: MAX_BACKOFF,
        }
    }

    fn key((): &()) {}

    async fn items(&mut self, after: Option<()>) -> Result<Vec<()>> {
        Ok(once(after))
    }

    async fn step(&mut self, (): ()) -> Result<Progress> {
        remove_batch(self.app).await
    }
}

async fn remove_batch(app: &App) -> Result<Progress> {
    let before = app.clock.now().minus(RESPONSE_TTL);
    let old = idempotency_key::Entity::find()
        .select_only()
        .column(idempotency_key::Column::Id)
        .filter(idempotency_key::Column::CreatedAt.lte(before))
        .limit(BATCH_SIZE);
    let ids: Vec<IdempotencyId> = old.into_tuple().all(app.db.read()).await?;
    if ids.is_empty() {
        return Ok(Progress::Idle);
    }
    let rows = idempotency_key::Entity::delete_many().filter(idempotency_key::Column::Id.is_in(ids));
    app.db
        .write(Scope::none(), move |txn| {
            Box::pin(async move { Ok(rows.exec(txn.conn()).await.map(drop)?) })
        })
        .await?;
    Ok(Progress::More)
}
