//! Stage runs: a webhook stage sends again for every task that it holds, in bounded steps that survive a restart. The
//! usual remedy is to change the stage's URL and start a run.

use super::batch_size;
use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    lookup, task,
};
use entity::{
    ReplayStatus, StageId, StageRunId, StageType, TaskId, TaskStatus, project, stage, stage_run, task as tasks,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

/// The number of tasks of one step.
const BATCH_SIZE: u64 = 200;

/// Starts a run that sends again for every task that the stage now holds. A stage has one run at a time.
pub async fn rerun(app: &App, actor: &Actor, stage: &str) -> Result<stage_run::Model> {
    actor.require(Action::ManageData)?;
    let stage: stage::Model = lookup::find(app.db.read(), actor, stage).await?;
    if stage.stage_type != StageType::Webhook || stage.removed_at.is_some() {
        return Err(Error::NotAllowed(format!(
            "stage {:?} is no WEBHOOK stage of its workflow",
            stage.name
        )));
    }
    let (user_id, webhook_id) = (actor.user_id, stage.webhook_id);
    let row = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let running = runs_of(stage.id).filter(stage_run::Column::Status.eq(ReplayStatus::Running));
                if running.one(txn.conn()).await?.is_some() {
                    return Err(Error::Conflict("the stage is being run again already".into()));
                }
                let total = held(stage.id, None).count(txn.conn()).await?;
                let row = stage_run::Model {
                    id: StageRunId::new(),
                    organization_id: stage.organization_id,
                    stage_id: stage.id,
                    actor_id: Some(user_id),
                    total: i32::try_from(total).unwrap_or(i32::MAX),
                    done: 0,
                    status: if total == 0 {
                        ReplayStatus::Succeeded
                    } else {
                        ReplayStatus::Running
                    },
                    place: None,
                    created_at: txn.now(),
                    updated_at: txn.now(),
                };
                stage_run::Entity::insert(row.clone().into_active_model())
                    .exec_without_returning(txn.conn())
                    .await?;
                Ok(row)
            })
        })
        .await?;
    if let Some(id) = webhook_id {
        app.health.hasten(&app.dispatcher.lanes, id, app.clock.now());
    }
    app.workflow_jobs.wake();
    Ok(row)
}

/// Returns a stage run by its id.
pub async fn run(app: &App, actor: &Actor, id: &str) -> Result<stage_run::Model> {
    actor.require(Action::Read)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists a stage's runs, newest first.
pub async fn runs(app: &App, actor: &Actor, stage: &str, first: u64) -> Result<Vec<stage_run::Model>> {
    actor.require(Action::Read)?;
    let stage: stage::Model = lookup::find(app.db.read(), actor, stage).await?;
    let rows = runs_of(stage.id).order_by_desc(stage_run::Column::Id).limit(first);
    Ok(rows.all(app.db.read()).await?)
}

/// Sends the next tasks of a run again. A stage that is gone meanwhile ends it. Returns whether there may be more.
pub(crate) async fn run_step(txn: &Txn, id: StageRunId) -> Result<bool> {
    let row = stage_run::Entity::find_by_id(id).one(txn.conn()).await?;
    let Some(mut row) = row.filter(|row| row.status == ReplayStatus::Running) else {
        return Ok(false);
    };
    let stage = stage::Entity::find_by_id(row.stage_id).one(txn.conn()).await?;
    match stage.filter(|stage| stage.removed_at.is_none()) {
        Some(stage) if !is_live(txn, &stage).await? => row.status = ReplayStatus::Failed,
        None => row.status = ReplayStatus::Failed,
        Some(stage) => send(txn, &stage, &mut row).await?,
    }
    row.updated_at = txn.now();
    let more = row.status == ReplayStatus::Running;
    row.into_active_model().reset_all().update(txn.conn()).await?;
    Ok(more)
}

async fn is_live(txn: &Txn, stage: &stage::Model) -> Result<bool> {
    let project = project::Entity::find_by_id(stage.project_id).one(txn.conn()).await?;
    Ok(project.is_some_and(|project| !project.deleted))
}

async fn send(txn: &Txn, stage: &stage::Model, row: &mut stage_run::Model) -> Result<()> {
    let mut found = held(stage.id, row.place).limit(BATCH_SIZE).all(txn.conn()).await?;
    let ids: Vec<TaskId> = found.iter().map(|task| task.id).collect();
    let weights = batch_size::weights(txn.conn(), &ids).await?;
    let fits = batch_size::fitting(ids.iter().map(|id| weights.get(id).copied().unwrap_or(0)));
    let more = found.len() as u64 == BATCH_SIZE || fits < found.len();
    found.truncate(fits);
    row.place = found.last().map(|task| task.id).or(row.place);
    row.done = row.done.saturating_add(i32::try_from(found.len()).unwrap_or(i32::MAX));
    if !more {
        row.status = ReplayStatus::Succeeded;
    }
    task::resend::resend(txn, stage, found).await
}

/// Selects the tasks that a stage holds, after this one, by id.
fn held(stage_id: StageId, after: Option<TaskId>) -> Select<tasks::Entity> {
    let condition = Condition::all()
        .add(tasks::Column::StageId.eq(stage_id))
        .add(tasks::Column::Status.eq(TaskStatus::Held))
        .add(tasks::Column::Deleted.eq(false))
        .add_option(after.map(|id| tasks::Column::Id.gt(id)));
    tasks::Entity::find().filter(condition).order_by_asc(tasks::Column::Id)
}

fn runs_of(stage_id: StageId) -> Select<stage_run::Entity> {
    stage_run::Entity::find().filter(stage_run::Column::StageId.eq(stage_id))
}
