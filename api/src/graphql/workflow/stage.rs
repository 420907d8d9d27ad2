//! Stage: a node of a workflow, with its outgoing edges, its webhook and its task counts.

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
        list::{self as lists, OffsetPage, PageArguments},
        loader::{self, required},
        log_loader,
        notification::{NotificationConnection, NotificationWhereInput, connection},
        project::Project,
        webhook::Webhook,
        work_loader,
    },
    StageRun,
};

/// A node of a workflow: an action on the tasks that enter it, and the edges over which they leave.
pub struct Stage(pub stage::Model);

/// A node of a workflow: an action on the tasks that enter it, and the edges over which they leave.
#[Object]
impl Stage {
    /// The id of the stage. It is kept when the workflow is saved with it again.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The display name of the stage, unique in the workflow.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The type of the stage.
    #[graphql(name = "type")]
    async fn kind(&self) -> StageType {
        self.0.stage_type
    }

    /// The position at which an editor draws the stage, as given.
    async fn position(&self) -> Option<Result<Json>> {
        self.0.position.as_deref().map(Json::stored)
    }

    /// The outgoing edges, in order.
    #[graphql(complexity = "lists::cost(Some(10), child_complexity)")]
    async fn edges(&self) -> Vec<StageEdge> {
        graph::edges(&self.0).into_iter().map(StageEdge).collect()
    }

    /// The project of the workflow.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let id = self.0.project_id;
        required("project", id, loader::project(ctx, id).await)
    }

    /// True if the stage was removed from the workflow. The history of tasks still returns a removed stage.
    async fn removed(&self) -> bool {
        self.0.removed_at.is_some()
    }

    /// The webhook of a stage of type WEBHOOK. Null for callers who may not read webhooks.
    async fn webhook(&self, ctx: &Context<'_>) -> Option<Result<Webhook>> {
        self.own_webhook(ctx).await
    }

    /// The part of a task that a stage of type WEBHOOK sends. Null for callers who may not read webhooks.
    async fn payload_content(&self, ctx: &Context<'_>) -> Option<Result<PayloadContent>> {
        Some(self.own_webhook(ctx).await?.map(|webhook| webhook.0.payload_content))
    }

    /// The number of tasks in the stage.
    async fn task_count(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(work_loader::counts(ctx, self.0.id).await?.tasks)
    }

    /// The number of these that are held because their webhook was not delivered.
    async fn failed_task_count(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(workflows::failed(&self.0, work_loader::counts(ctx, self.0.id).await?))
    }

    /// A warning for editors to display: tasks are held because their webhook was not delivered; null when there are
    /// none.
    async fn warning(&self, ctx: &Context<'_>) -> Option<Result<String>> {
        let counts = work_loader::counts(ctx, self.0.id).await;
        counts.map(|counts| workflows::warning(&self.0, counts)).transpose()
    }

    /// The notifications that the stage sent, newest first.
    #[graphql(complexity = "lists::connection_cost(first, last, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the notifications to return.")] r#where: Option<NotificationWhereInput>,
        #[graphql(desc = "The number of rows to return, counted from the newest.")] first: Option<i32>,
        #[graphql(desc = "A cursor: only rows older than it are returned.")] after: Option<String>,
        #[graphql(desc = "The number of rows to return, counted from the oldest.")] last: Option<i32>,
        #[graphql(desc = "A cursor: only rows newer than it are returned.")] before: Option<String>,
    ) -> Result<NotificationConnection> {
        let page = PageArguments::new(first, after.as_deref(), last, before.as_deref())?;
        let filter = Filter {
            stage_ids: Some(vec![self.0.id]),
            ..r#where.unwrap_or_default().read()?
        };
        connection(ctx, filter, page).await
    }

    /// The runs of the stage, newest first.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 20)] first: Option<i32>,
    ) -> Result<Vec<StageRun>> {
        let (id, slice) = (self.0.id.to_string(), OffsetPage::new(None, first)?);
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

/// An outgoing edge of a stage.
pub struct StageEdge(Edge);

/// An outgoing edge of a stage.
#[Object]
impl StageEdge {
    /// The output that the edge starts from.
    async fn output(&self) -> StageOutput {
        self.0.output
    }

    /// The target stage.
    async fn to(&self, ctx: &Context<'_>) -> Result<Stage> {
        work_loader::stage(ctx, self.0.to).await
    }

    /// The condition of a MATCHED edge: a CEL expression; null for other outputs.
    async fn condition(&self) -> Option<&str> {
        self.0.condition.as_deref()
    }
}
