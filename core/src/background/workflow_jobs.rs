//! Jobs of workflows: data rows that become tasks (intakes), and webhook stages that send again (stage runs). A job is
//! a row, written by the transaction that asks for it; after a restart the rows that are not done go on.

use super::{
    driver,
    plan::{Plan, RunsOn},
    task::{MAX_BACKOFF, Progress, Task},
};
use crate::{
    App, Result,
    task::{intake, stage_run},
    wake::Signal,
};
use entity::{
    IntakeId, OrganizationId, ProjectId, ReplayStatus, StageRunId, intake as intakes, stage_run as stage_runs,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Jobs of one kind that are listed at once.
const PAGE_SIZE: u64 = 100;
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Works until `shutdown`.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    driver::run(WorkflowJobs::new(&app), &app, &shutdown).await;
}

/// Works until no job is left that can go on.
pub async fn run_until_idle(app: &App) -> Result<()> {
    driver::run_until_idle(WorkflowJobs::new(app), app).await.map(drop)
}

struct WorkflowJobs<'a> {
    app: &'a App,
    wake: Signal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Job {
    Intake(IntakeId, OrganizationId, ProjectId),
    Run(StageRunId, OrganizationId),
}

impl<'a> WorkflowJobs<'a> {
    fn new(app: &'a App) -> Self {
        let wake = app.workflow_jobs.subscribe();
        Self { app, wake }
    }
}

impl Task for WorkflowJobs<'_> {
    type Item = Job;
    type Key = Job;

    fn plan(&self) -> Plan {
        Plan {
            name: "workflow_jobs",
            runs_on: RunsOn::Leader,
            period: POLL_INTERVAL,
            max_backoff: MAX_BACKOFF,
        }
    }

    fn key(item: &Job) -> Job {
        *item
    }

    /// Intakes come first, then stage runs.
    async fn items(&mut self, after: Option<Job>) -> Result<Vec<Job>> {
        let after = match after {
            Some(Job::Run(id, _)) => return running_runs(self.app, Some(id)).await,
            Some(Job::Intake(id, ..)) => Some(id),
            None => None,
        };
        match running_intakes(self.app, after).await? {
            intakes if intakes.is_empty() => running_runs(self.app, None).await,
            intakes => Ok(intakes),
        }
    }

    async fn step(&mut self, item: Job) -> Result<Progress> {
        let more = step(self.app, item).await?;
        Ok(if more { Progress::More } else { Progress::Idle })
    }

    async fn woken(&mut self, _is_waiting: bool) {
        self.wake.woken().await;
    }
}

/// Takes in the next data rows, or sends the next tasks again. Returns whether there may be more.
async fn step(app: &App, job: Job) -> Result<bool> {
    match job {
        Job::Intake(id, organization_id, project_id) => {
            app.db.graphs().of(app.db.read(), project_id).await?;
            app.db
                .write(organization_id, move |txn| {
                    Box::pin(async move { intake::step(txn, id).await })
                })
                .await
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

async fn running_intakes(app: &App, after: Option<IntakeId>) -> Result<Vec<Job>> {
    use intakes::Column as Is;
    let rows: Vec<(IntakeId, OrganizationId, ProjectId)> = intakes::Entity::find()
        .select_only()
        .columns([Is::Id, Is::OrganizationId, Is::ProjectId])
        .filter(
            Condition::all()
                .add(Is::DoneAt.is_null())
                .add_option(after.map(|id| Is::Id.gt(id))),
        )
        .order_by_asc(Is::Id)
        .limit(PAGE_SIZE)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let job = |(id, organization_id, project_id)| Job::Intake(id, organization_id, project_id);
    Ok(rows.into_iter().map(job).collect())
}

async fn running_runs(app: &App, after: Option<StageRunId>) -> Result<Vec<Job>> {
    use stage_runs::Column as Is;
    let running = Condition::all().add(Is::Status.eq(ReplayStatus::Running));
    let rows: Vec<(StageRunId, OrganizationId)> = stage_runs::Entity::find()
        .select_only()
        .columns([Is::Id, Is::OrganizationId])
        .filter(running.add_option(after.map(|id| Is::Id.gt(id))))
        .order_by_asc(Is::Id)
        .limit(PAGE_SIZE)
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, organization_id)| Job::Run(id, organization_id))
        .collect())
}
