//! Data loaders for workflows: a project's workflow, a task's stage and history, a stage's counts, fetched in batches.
//! They use the loader of [`super::loader`] with keys of their own where an id alone would be ambiguous.

use std::collections::HashMap;

use async_graphql::{Context, async_trait, dataloader::Loader};
use entity::{OrganizationId, ProjectId, StageId, TaskId, stage, stage_visit, task};
use labelhook_core::{
    App, Error, task as tasks,
    workflow::{self as workflows, Counts},
};

use super::{
    context::ContextExt,
    error::Result,
    loader::{Key, Rows, by_organization, maps, one, required},
    task::Task,
    workflow::{Stage, Workflow},
};

/// Loads a project's workflow.
pub async fn workflow(ctx: &Context<'_>, id: ProjectId) -> Result<Workflow> {
    required("workflow", id, one(ctx, WorkflowOf(id)).await).map(Workflow)
}

/// Loads a stage, removed ones included.
pub async fn stage(ctx: &Context<'_>, id: StageId) -> Result<Stage> {
    required("stage", id, one(ctx, id).await).map(Stage)
}

/// Loads the task counts of a stage.
pub async fn counts(ctx: &Context<'_>, id: StageId) -> Result<Counts> {
    Ok(one(ctx, CountsOf(id)).await.transpose()?.unwrap_or_default())
}

/// Loads a task.
pub async fn task(ctx: &Context<'_>, id: TaskId) -> Option<Result<Task>> {
    if let Err(full) = ctx.spend(0) {
        return Some(Err(full));
    }
    let row: Result<task::Model> = one(ctx, id).await?;
    Some(row.and_then(|row| ctx.spend(row.draft.as_ref().map_or(0, String::len)).map(|()| Task(row))))
}

/// Loads the completed visits of a task, oldest first.
pub async fn visits(ctx: &Context<'_>, id: TaskId) -> Result<Vec<stage_visit::Model>> {
    one(ctx, VisitsOf(id)).await.unwrap_or_else(|| Ok(Vec::new()))
}

/// The key of a project's workflow.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct WorkflowOf(ProjectId);

/// The key of a stage's counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct CountsOf(StageId);

/// The key of a task's history.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct VisitsOf(TaskId);

maps! {
    WorkflowOf => workflows::Workflow: workflows_of,
    StageId => stage::Model: stages,
    CountsOf => Counts: counts_of,
    TaskId => task::Model: rows,
    VisitsOf => Vec<stage_visit::Model>: visits_of,
}

type Found<K, V> = Result<HashMap<K, V>, Error>;

async fn workflows_of(
    app: &App,
    organization_id: OrganizationId,
    keys: &[WorkflowOf],
) -> Found<WorkflowOf, workflows::Workflow> {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let found = workflows::many(app, organization_id, &ids).await?;
    Ok(found.into_iter().map(|(id, found)| (WorkflowOf(id), found)).collect())
}

async fn stages(app: &App, organization_id: OrganizationId, ids: &[StageId]) -> Found<StageId, stage::Model> {
    let found = workflows::stages(app, organization_id, ids).await?;
    Ok(found.into_iter().map(|row| (row.id, row)).collect())
}

async fn counts_of(app: &App, _: OrganizationId, keys: &[CountsOf]) -> Found<CountsOf, Counts> {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let found = workflows::counts(app, &ids).await?;
    Ok(found.into_iter().map(|(id, counts)| (CountsOf(id), counts)).collect())
}

async fn rows(app: &App, organization_id: OrganizationId, ids: &[TaskId]) -> Found<TaskId, task::Model> {
    let found = tasks::many(app, organization_id, ids).await?;
    Ok(found.into_iter().map(|row| (row.id, row)).collect())
}

async fn visits_of(
    app: &App,
    organization_id: OrganizationId,
    keys: &[VisitsOf],
) -> Found<VisitsOf, Vec<stage_visit::Model>> {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let found = tasks::visits(app, organization_id, &ids).await?;
    Ok(found.into_iter().map(|(id, visits)| (VisitsOf(id), visits)).collect())
}
