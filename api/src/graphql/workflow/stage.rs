//! Stage: a node of a workflow, its ways out, its webhook and what it holds.

use async_graphql::{Context, ID, Object};
use entity::{PayloadContent, StageOutput, StageType, stage};
use labelhook_core::{
    auth::Action,
    graph::{self, Edge},
    notification::Filter,
    task::stage_run,
    workflow as workflows,
};

use super::{
    super::{
        context::ContextExt,
        error::Result,
        json::Json,
        list::{self as lists, Page, Slice},
        loader::{self, required},
        log_loader,
        notification::{NotificationConnection, NotificationWhereInput, connection},
        project::Project,
        webhook::Webhook,
        work_loader,
    },
    StageRun,
};

/// A node of a workflow: what it does with the tasks that enter it, and where they go.
pub struct Stage(pub stage::Model);

/// A node of a workflow: what it does with the tasks that enter it, and where they go.
#[Object]
impl Stage {
    /// Its id. It stays when the workflow is saved again with it.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people call it; unique in the workflow.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it does.
    #[graphql(name = "type")]
    async fn kind(&self) -> StageType {
        self.0.stage_type
    }

    /// Where an editor draws it, as it was given.
    async fn position(&self) -> Option<Result<Json>> {
        self.0.position.as_deref().map(Json::stored)
    }

    /// The ways out, in order.
    #[graphql(complexity = "lists::cost(Some(10), child_complexity)")]
    async fn edges(&self) -> Vec<StageEdge> {
        graph::edges(&self.0).into_iter().map(StageEdge).collect()
    }

    /// Of which project's workflow.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let id = self.0.project_id;
        required("project", id, loader::project(ctx, id).await)
    }

    /// Whether a save left it out. A removed stage is still named by the history of tasks.
    async fn removed(&self) -> bool {
        self.0.removed_at.is_some()
    }

    /// Where it sends, and how: of a stage of type WEBHOOK. Null for those who may not read webhooks.
    async fn webhook(&self, ctx: &Context<'_>) -> Option<Result<Webhook>> {
        self.own_webhook(ctx).await
    }

    /// How much of a task it sends: of a stage of type WEBHOOK. Null for those who may not read webhooks.
    async fn payload_content(&self, ctx: &Context<'_>) -> Option<Result<PayloadContent>> {
        Some(self.own_webhook(ctx).await?.map(|webhook| webhook.0.payload_content))
    }

    /// How many tasks are in it.
    async fn task_count(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(work_loader::counts(ctx, self.0.id).await?.tasks)
    }

    /// How many of them are held because their webhook was not sent.
    async fn failed_task_count(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(workflows::failed(&self.0, work_loader::counts(ctx, self.0.id).await?))
    }

    /// What an editor shows on it: that tasks are held because their webhook was not sent; null when there are none.
    async fn warning(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        let counts = work_loader::counts(ctx, self.0.id).await;
        counts.map(|counts| workflows::warning(&self.0, counts)).transpose()
    }

    /// What it has sent, newest first.
    #[graphql(complexity = "lists::connection_cost(first, last, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<NotificationWhereInput>,
        #[graphql(desc = "How many from the newest.")] first: Option<i32>,
        #[graphql(desc = "Only older than this place.")] after: Option<String>,
        #[graphql(desc = "How many from the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only newer than this place.")] before: Option<String>,
    ) -> Result<NotificationConnection> {
        let page = Page::new(first, after.as_deref(), last, before.as_deref())?;
        let filter = Filter {
            stage_ids: Some(vec![self.0.id]),
            ..r#where.unwrap_or_default().read()?
        };
        connection(ctx, filter, page).await
    }

    /// When it was re-run, newest first.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 20)] first: Option<i32>,
    ) -> Result<Vec<StageRun>> {
        let (id, slice) = (self.0.id.to_string(), Slice::new(None, first)?);
        let rows = stage_run::runs(ctx.app(), ctx.actor(), &id, slice.first).await?;
        Ok(rows.into_iter().map(StageRun).collect())
    }
}

impl Stage {
    async fn own_webhook(&self, ctx: &Context<'_>) -> Option<Result<Webhook>> {
        let id = self.0.webhook_id?;
        ctx.actor().require(Action::ReadWebhooks).ok()?;
        Some(log_loader::webhook(ctx, id).await)
    }
}

/// A way out of a stage and where it leads.
pub struct StageEdge(Edge);

/// A way out of a stage and where it leads.
#[Object]
impl StageEdge {
    /// Which way out.
    async fn output(&self) -> StageOutput {
        self.0.output
    }

    /// Into which stage.
    async fn to(&self, ctx: &Context<'_>) -> Result<Stage> {
        work_loader::stage(ctx, self.0.to).await
    }

    /// When it is taken: a CEL expression, of MATCHED alone.
    async fn condition(&self) -> Option<&str> {
        self.0.condition.as_deref()
    }
}
