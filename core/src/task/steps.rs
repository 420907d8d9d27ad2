//! What runs in steps beside the requests: data rows that become tasks, and stages that send again. What is to be done is
//! a row written by the transaction that asks for it; after a restart the rows that are not done go on.

use super::intake;
use crate::{App, Result, workflow};
use entity::{IntakeId, ReplayStatus, StageRunId, intake as intakes, stage_run};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A look without being woken: the signal is only a hint.
const LOOK: Duration = Duration::from_secs(5);
/// How many jobs take turns.
const TURNS: u64 = 100;

/// Wakes the task when there is something to do.
#[derive(Debug, Default)]
pub struct Wake(Notify);

impl Wake {
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }
}

/// Works until it is told to stop.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    loop {
        if let Some(Err(error)) = shutdown.run_until_cancelled(run_until_idle(&app)).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "tasks were not taken in or sent again"
            );
        }
        let woken = tokio::time::timeout(LOOK, app.steps.0.notified());
        if shutdown.run_until_cancelled(woken).await.is_none() {
            return;
        }
    }
}

/// Works until nothing is left to do. Jobs take turns, a step each.
pub async fn run_until_idle(app: &App) -> Result<()> {
    loop {
        let (intakes, runs) = (running_intakes(app).await?, running_runs(app).await?);
        if intakes.is_empty() && runs.is_empty() {
            return Ok(());
        }
        for id in intakes {
            app.db
                .write(move |txn| Box::pin(async move { intake::step(txn, id).await }))
                .await?;
        }
        for id in runs {
            app.db
                .write(move |txn| Box::pin(async move { workflow::run_step(txn, id).await }))
                .await?;
        }
    }
}

async fn running_intakes(app: &App) -> Result<Vec<IntakeId>> {
    Ok(intakes::Entity::find()
        .select_only()
        .column(intakes::Column::Id)
        .filter(intakes::Column::DoneAt.is_null())
        .order_by_asc(intakes::Column::Id)
        .limit(TURNS)
        .into_tuple()
        .all(app.db.read())
        .await?)
}

async fn running_runs(app: &App) -> Result<Vec<StageRunId>> {
    Ok(stage_run::Entity::find()
        .select_only()
        .column(stage_run::Column::Id)
        .filter(stage_run::Column::Status.eq(ReplayStatus::Running))
        .order_by_asc(stage_run::Column::Id)
        .limit(TURNS)
        .into_tuple()
        .all(app.db.read())
        .await?)
}
