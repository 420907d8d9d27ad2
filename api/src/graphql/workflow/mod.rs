//! Workflow: type, queries and mutations; its stages stand in [`stage`], what is given in [`input`].

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

/// How the tasks of a project go: a graph of stages.
pub struct Workflow(pub workflows::Workflow);

/// How the tasks of a project go: a graph of stages.
#[Object]
impl Workflow {
    /// Of which project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let id = self.0.row.project_id;
        required("project", id, loader::project(ctx, id).await)
    }

    /// Its stages in the order they were saved, at most 200. Removed ones are left out.
    #[graphql(complexity = "lists::cost(Some(100), child_complexity)")]
    async fn stages(&self) -> Vec<Stage> {
        self.0.stages.iter().cloned().map(Stage).collect()
    }

    /// Grows with every save, from 1.
    async fn version(&self) -> i32 {
        self.0.row.version
    }

    /// How often a task may enter one webhook stage before it is held there.
    async fn max_passes(&self) -> i32 {
        self.0.row.max_passes
    }

    /// When it was last saved.
    async fn updated_at(&self) -> Timestamp {
        self.0.row.updated_at
    }
}

/// Queries of workflows.
#[derive(Default)]
pub struct WorkflowQuery;

#[Object]
impl WorkflowQuery {
    /// A stage by its id, removed ones too.
    async fn stage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Stage>> {
        let row = workflows::stage(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Stage).map_err(Into::into))
    }

    /// A run of a stage by its id: how far it has come.
    async fn stage_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
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
    /// Replaces a project's workflow whole. Tasks stay where they are; those of a removed stage go where `moveTasks` says.
    async fn save_workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which project.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The workflow as it is to be.")] data: WorkflowInput,
    ) -> Result<Workflow> {
        let saved = workflows::save(ctx.app(), ctx.actor(), &r#where.id, data.read()?).await?;
        Ok(Workflow(saved))
    }

    /// Sends again for every task that a webhook stage holds, in steps: `stageRun` shows how far it has come.
    async fn rerun_stage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which stage, of type WEBHOOK.")] r#where: WhereUniqueInput,
    ) -> Result<StageRun> {
        Ok(StageRun(stage_run::rerun(ctx.app(), ctx.actor(), &r#where.id).await?))
    }
}
