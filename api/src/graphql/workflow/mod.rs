//! Workflow: type, queries and mutations. Its stages are in [`stage`], the inputs in [`input`].
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::workflow`] and wraps the result.
//! [`super`] merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

mod input;
mod run;
mod stage;

use async_graphql::{Context, Object};
use entity::Timestamp;
use labelhook_core::{task::stage_run, workflow as workflows};

pub use self::input::{StageEdgeInput, StageInput, StageMoveInput, StageWebhookInput, WorkflowInput};
pub use self::run::StageRun;
pub use self::stage::{Stage, StageEdge};
use super::{
    context::ContextExt,
    error::Result,
    input::WhereUniqueInput,
    list as lists,
    loader::{self, required},
    project::Project,
};

/// The workflow of a project: a graph of stages through which its tasks move.
pub struct Workflow(pub workflows::Workflow);

/// The workflow of a project: a graph of stages through which its tasks move.
#[Object]
impl Workflow {
    /// The project of the workflow.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let id = self.0.row.project_id;
        required("project", id, loader::project(ctx, id).await)
    }

    /// The stages in the order in which they were saved, at most 200. Removed stages are omitted.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn stages(&self) -> Vec<Stage> {
        self.0.stages.iter().cloned().map(Stage).collect()
    }

    /// The version of the workflow, which grows with every save, from 1.
    async fn version(&self) -> i32 {
        self.0.row.version
    }

    /// The maximum number of times that a task may enter one webhook stage before it is held there.
    async fn max_passes(&self) -> i32 {
        self.0.row.max_passes
    }

    /// The time at which the workflow was last saved.
    async fn updated_at(&self) -> Timestamp {
        self.0.row.updated_at
    }
}

/// Queries of workflows.
#[derive(Default)]
pub struct WorkflowQuery;

#[Object]
impl WorkflowQuery {
    /// A stage by its id, removed ones included.
    async fn stage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the stage by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Stage>> {
        let row = workflows::stage(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Stage).map_err(Into::into))
    }

    /// A stage run by its id, with its progress.
    async fn stage_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the stage run by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<StageRun>> {
        let row = stage_run::run(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(StageRun).map_err(Into::into))
    }
}

/// Mutations of workflows.
#[derive(Default)]
pub struct WorkflowMutation;

#[Object]
impl WorkflowMutation {
    /// Replaces a project's workflow as a whole. Tasks stay in their stages; those of a removed stage move as
    /// `moveTasks` says.
    async fn save_workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the project by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The complete new workflow.")] data: WorkflowInput,
    ) -> Result<Workflow> {
        let saved = workflows::save(ctx.app(), ctx.actor(), &r#where.id, data.read()?).await?;
        Ok(Workflow(saved))
    }

    /// Starts a stage run: a job that sends again for every task that a webhook stage holds, in steps. `stageRun`
    /// returns its progress.
    async fn rerun_stage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the stage by id; its type must be WEBHOOK.")] r#where: WhereUniqueInput,
    ) -> Result<StageRun> {
        Ok(StageRun(stage_run::rerun(ctx.app(), ctx.actor(), &r#where.id).await?))
    }
}
