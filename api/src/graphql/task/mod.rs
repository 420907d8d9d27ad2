//! Task: type and queries. The mutations are in [`mutation`], the history in [`visit`].
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::task`] and wraps the result. [`super`]
//! merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

mod batch;
mod export;
mod input;
mod mutation;
mod page;
mod visit;

use async_graphql::{Context, ID, Object};
use entity::{TaskStatus, Timestamp, task};
use labelhook_core::{notification::Filter, task as tasks};

pub use self::batch::TaskBatch;
pub use self::export::{ExportedLabel, ExportedLabelConnection};
pub use self::input::{AssignInput, RequeueInput, ReviewOutcome, TaskAnswerInput, TaskReviewInput, TaskWhereInput};
pub use self::mutation::TaskMutation;
pub use self::page::TaskConnection;
pub use self::visit::StageVisit;
use super::{
    context::ContextExt,
    data_row::DataRow,
    error::Result,
    input::WhereUniqueInput,
    label::Label,
    list::{PageArguments, connection_cost, cost},
    loader::{self, required},
    notification::{NotificationConnection, connection},
    project::Project,
    user::User,
    work_loader,
    workflow::Stage,
};

/// The approximate size in bytes of a visit in a response.
const VISIT_BYTES: usize = 512;

/// A data row that moves through the workflow of a project.
pub struct Task(pub task::Model);

/// A data row that moves through the workflow of a project.
#[Object]
impl Task {
    /// The id of the task.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The project that the task belongs to.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let id = self.0.project_id;
        required("project", id, loader::project(ctx, id).await)
    }

    /// The data row that is worked on. There is at most one task for each project and data row.
    async fn data_row(&self, ctx: &Context<'_>) -> Result<DataRow> {
        let id = self.0.data_row_id;
        required("dataRow", id, loader::data_row(ctx, id).await)
    }

    /// The label that was submitted for the task; null before the first submit.
    async fn label(&self, ctx: &Context<'_>) -> Option<Result<Label>> {
        loader::label(ctx, self.0.label_id?).await
    }

    /// The annotation that was saved before the first submit, as given; null after that.
    async fn draft(&self) -> Option<&str> {
        self.0.draft.as_deref()
    }

    /// The stage that the task is in.
    async fn stage(&self, ctx: &Context<'_>) -> Result<Stage> {
        work_loader::stage(ctx, self.0.stage_id).await
    }

    /// The status of the task within the stage.
    async fn status(&self) -> TaskStatus {
        self.0.status
    }

    /// The reason why the task is held, as text for people; null when it is not held, or is held by a HOLD stage.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// The user who is assigned to the task in this stage.
    async fn assignee(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.assignee_id?).await
    }

    /// The external id of the data row.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// True if the task is deleted with its data row. Subscribers receive this change; queries no longer return the
    /// task.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// The stages that the task completed, oldest first. They exclude its current stage and stages that a requeue left.
    #[graphql(complexity = "cost(Some(10), child_complexity)")]
    async fn stage_history(&self, ctx: &Context<'_>) -> Result<Vec<StageVisit>> {
        let visits = work_loader::visits(ctx, self.0.id).await?;
        ctx.spend(visits.len() * VISIT_BYTES)?;
        Ok(visits.into_iter().map(StageVisit).collect())
    }

    /// The notifications that webhook stages sent for the task, newest first.
    #[graphql(complexity = "connection_cost(first, last, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of rows to return, counted from the newest.")] first: Option<i32>,
        #[graphql(desc = "A cursor: only rows older than it are returned.")] after: Option<String>,
        #[graphql(desc = "The number of rows to return, counted from the oldest.")] last: Option<i32>,
        #[graphql(desc = "A cursor: only rows newer than it are returned.")] before: Option<String>,
    ) -> Result<NotificationConnection> {
        let page = PageArguments::new(first, after.as_deref(), last, before.as_deref())?;
        let filter = Filter {
            task_ids: Some(vec![self.0.id]),
            ..Filter::default()
        };
        connection(ctx, filter, page).await
    }

    /// The time at which the task was created.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the task was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }
}

/// Queries of tasks.
#[derive(Default)]
pub struct TaskQuery;

#[Object]
impl TaskQuery {
    /// A task by its id.
    async fn task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the task by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Task>> {
        let row = tasks::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Task).map_err(Into::into))
    }

    /// The organization's tasks, newest first. `first` or `last` is at most 100; 20 when neither is given.
    #[graphql(complexity = "connection_cost(first, last, child_complexity)")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the tasks to return.")] r#where: Option<TaskWhereInput>,
        #[graphql(desc = "The number of rows to return, counted from the newest.")] first: Option<i32>,
        #[graphql(desc = "A cursor: only rows older than it are returned.")] after: Option<String>,
        #[graphql(desc = "The number of rows to return, counted from the oldest.")] last: Option<i32>,
        #[graphql(desc = "A cursor: only rows newer than it are returned.")] before: Option<String>,
    ) -> Result<TaskConnection> {
        let page = PageArguments::new(first, after.as_deref(), last, before.as_deref())?;
        page::connection(ctx, &r#where.unwrap_or_default().read()?, page).await
    }

    /// Tasks in the export format, newest first: the body of a webhook with format ANGO, except for the documented
    /// differences. `first` is at most 100; 20 when it is not given.
    #[graphql(complexity = "connection_cost(first, None, child_complexity)")]
    async fn export_labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the tasks.")] r#where: TaskWhereInput,
        #[graphql(desc = "The number of rows to return, counted from the newest.")] first: Option<i32>,
        #[graphql(desc = "A cursor: only rows older than it are returned.")] after: Option<String>,
    ) -> Result<ExportedLabelConnection> {
        let page = PageArguments::new(first, after.as_deref(), None, None)?;
        export::connection(ctx, &r#where.read()?, page).await
    }
}
