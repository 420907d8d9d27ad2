//! What runs in steps beside the requests: data rows that become tasks, and stages that send again. What is to be done is
//! a row written by the transaction that asks for it; after a restart the rows that are not done go on.

use super::intake;
use crate::{App, Error, Result, workflow};
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

/// Jobs that met a fault: the others go on without them, until the next look.
#[derive(Default)]
struct Stuck {
    intakes: Vec<IntakeId>,
    runs: Vec<StageRunId>,
    fault: Option<Error>,
}

/// Works until nothing is left to do that can be done. Jobs take turns, a step each. Gives the last fault.
pub async fn run_until_idle(app: &App) -> Result<()> {
    let mut stuck = Stuck::default();
    loop {
        let intakes = running_intakes(app, &stuck.intakes).await?;
        let runs = running_runs(app, &stuck.runs).await?;
        if intakes.is_empty() && runs.is_empty() {
            return stuck.fault.map_or(Ok(()), Err);
        }
        for id in intakes {
            let stepped = app
                .db
                .write(move |txn| Box::pin(async move { intake::step(txn, id).await }));
            if let Err(fault) = stepped.await {
                stuck.intakes.push(id);
                stuck.fault = Some(fault);
            }
        }
        for id in runs {
            let stepped = app
                .db
                .write(move |txn| Box::pin(async move { workflow::run_step(txn, id).await }));
            if let Err(fault) = stepped.await {
                stuck.runs.push(id);
                stuck.fault = Some(fault);
            }
        }
    }
}

async fn running_intakes(app: &App, stuck: &[IntakeId]) -> Result<Vec<IntakeId>> {
    Ok(intakes::Entity::find()
        .select_only()
        .column(intakes::Column::Id)
        .filter(intakes::Column::DoneAt.is_null())
        .filter(intakes::Column::Id.is_not_in(stuck.iter().copied()))
        .order_by_asc(intakes::Column::Id)
        .limit(TURNS)
        .into_tuple()
        .all(app.db.read())
        .await?)
}

async fn running_runs(app: &App, stuck: &[StageRunId]) -> Result<Vec<StageRunId>> {
    Ok(stage_run::Entity::find()
        .select_only()
        .column(stage_run::Column::Id)
        .filter(stage_run::Column::Status.eq(ReplayStatus::Running))
        .filter(stage_run::Column::Id.is_not_in(stuck.iter().copied()))
        .order_by_asc(stage_run::Column::Id)
        .limit(TURNS)
        .into_tuple()
        .all(app.db.read())
        .await?)
}
