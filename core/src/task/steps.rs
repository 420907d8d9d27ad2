//! Jobs that run in steps in the background: intakes and stage runs. The work to do is a row written by the transaction
//! that requests it; after a restart, unfinished rows continue.

use super::{intake, stage_run};
use crate::{App, Error, Result};
use entity::{
    IntakeId, OrganizationId, ProjectId, ReplayStatus, StageRunId, intake as intakes, stage_run as stage_runs,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The polling interval, since the wake-up signal is only a hint.
const LOOK: Duration = Duration::from_secs(5);
/// The maximum number of jobs that alternate.
const TURNS: u64 = 100;

/// Wakes the background task when there is work.
#[derive(Debug, Default)]
pub struct Wake(Notify);

impl Wake {
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }
}

/// Runs until shutdown.
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

/// Runs until no work is left. Jobs alternate, one step each (round robin); a job that fails is retried later and stops
/// no other.
pub async fn run_until_idle(app: &App) -> Result<()> {
    let mut failed: HashMap<Job, Error> = HashMap::new();
    loop {
        let mut jobs = running(app).await?;
        jobs.retain(|job| !failed.contains_key(job));
        if jobs.is_empty() || !app.nodes.leads() {
            return failed.into_values().next().map_or(Ok(()), Err);
        }
        for job in jobs {
            if let Err(error) = step(app, job).await {
                failed.insert(job, error);
            }
        }
    }
}

/// A job that runs in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Job {
    Intake(IntakeId, OrganizationId, ProjectId),
    Run(StageRunId, OrganizationId),
}

async fn step(app: &App, job: Job) -> Result<()> {
    match job {
        Job::Intake(id, organization_id, project_id) => {
            app.db.graphs().of(app.db.read(), project_id).await?;
            let more = app.db.write(organization_id, move |txn| {
                Box::pin(async move { intake::step(txn, id).await })
            });
            more.await.map(drop)
        }
        Job::Run(id, organization_id) => {
            app.db
                .write(organization_id, move |txn| {
                    Box::pin(async move { stage_run::run_step(txn, id).await })
                })
                .await
        }
    }
}

async fn running(app: &App) -> Result<Vec<Job>> {
    let intakes = running_intakes(app).await?.into_iter();
    let runs = running_runs(app).await?.into_iter();
    let intakes = intakes.map(|(id, organization_id, project_id)| Job::Intake(id, organization_id, project_id));
    Ok(intakes
        .chain(runs.map(|(id, organization_id)| Job::Run(id, organization_id)))
        .collect())
}

async fn running_intakes(app: &App) -> Result<Vec<(IntakeId, OrganizationId, ProjectId)>> {
    Ok(intakes::Entity::find()
        .select_only()
        .columns([
            intakes::Column::Id,
            intakes::Column::OrganizationId,
            intakes::Column::ProjectId,
        ])
        .filter(intakes::Column::DoneAt.is_null())
        .order_by_asc(intakes::Column::Id)
        .limit(TURNS)
        .into_tuple()
        .all(app.db.read())
        .await?)
}

async fn running_runs(app: &App) -> Result<Vec<(StageRunId, OrganizationId)>> {
    Ok(stage_runs::Entity::find()
        .select_only()
        .columns([stage_runs::Column::Id, stage_runs::Column::OrganizationId])
        .filter(stage_runs::Column::Status.eq(ReplayStatus::Running))
        .order_by_asc(stage_runs::Column::Id)
        .limit(TURNS)
        .into_tuple()
        .all(app.db.read())
        .await?)
}
