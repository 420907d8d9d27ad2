//! Task: type and queries; what moves tasks stands in [`mutation`], their history in [`visit`].

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
    list::{Page, connection_cost, cost},
    loader::{self, required},
    notification::{NotificationConnection, connection},
    project::Project,
    user::User,
    work_loader,
    workflow::Stage,
};

/// Bytes of a visit in an answer, roughly.
const VISIT: usize = 512;

/// A data row on its way through the workflow of a project.
pub struct Task(pub task::Model);

/// A data row on its way through the workflow of a project.
#[Object]
impl Task {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// In which project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let id = self.0.project_id;
        required("project", id, loader::project(ctx, id).await)
    }

    /// What is worked on: one task a project and data row.
    async fn data_row(&self, ctx: &Context<'_>) -> Result<DataRow> {
        let id = self.0.data_row_id;
        required("dataRow", id, loader::data_row(ctx, id).await)
    }

    /// What was submitted for it; null before the first submit.
    async fn label(&self, ctx: &Context<'_>) -> Option<Result<Label>> {
        loader::label(ctx, self.0.label_id?).await
    }

    /// What was saved for it before the first submit, as it was given; null after that.
    async fn draft(&self) -> Option<&str> {
        self.0.draft.as_deref()
    }

    /// Where it is.
    async fn stage(&self, ctx: &Context<'_>) -> Result<Stage> {
        work_loader::stage(ctx, self.0.stage_id).await
    }

    /// How it stands there.
    async fn status(&self) -> TaskStatus {
        self.0.status
    }

    /// Why it is held, for people; null when it is not, or when a HOLD stage holds it.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// Who is to work on it in this stage.
    async fn assignee(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.assignee_id?).await
    }

    /// The data row's external id.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// Whether it is gone, with its data row: subscribers are told of it once more, and nobody finds it any longer.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// The stages it has completed, oldest first. The one it is in is not among them, nor is what a requeue has left.
    #[graphql(complexity = "cost(Some(10), child_complexity)")]
    async fn stage_history(&self, ctx: &Context<'_>) -> Result<Vec<StageVisit>> {
        let visits = work_loader::visits(ctx, self.0.id).await?;
        ctx.spend(visits.len() * VISIT)?;
        Ok(visits.into_iter().map(StageVisit).collect())
    }

    /// What webhook stages have sent for it, newest first.
    #[graphql(complexity = "connection_cost(first, last, child_complexity)")]
    async fn notifications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the newest.")] first: Option<i32>,
        #[graphql(desc = "Only older than this place.")] after: Option<String>,
        #[graphql(desc = "How many from the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only newer than this place.")] before: Option<String>,
    ) -> Result<NotificationConnection> {
        let page = Page::new(first, after.as_deref(), last, before.as_deref())?;
        let filter = Filter {
            task_ids: Some(vec![self.0.id]),
            ..Filter::default()
        };
        connection(ctx, filter, page).await
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it last changed.
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
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Task>> {
        let row = tasks::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Task).map_err(Into::into))
    }

    /// The organization's tasks, newest first. `first` or `last` at most 100; 20 when neither is given.
    #[graphql(complexity = "connection_cost(first, last, child_complexity)")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<TaskWhereInput>,
        #[graphql(desc = "How many from the newest.")] first: Option<i32>,
        #[graphql(desc = "Only older than this place.")] after: Option<String>,
        #[graphql(desc = "How many from the oldest.")] last: Option<i32>,
        #[graphql(desc = "Only newer than this place.")] before: Option<String>,
    ) -> Result<TaskConnection> {
        let page = Page::new(first, after.as_deref(), last, before.as_deref())?;
        page::connection(ctx, &r#where.unwrap_or_default().read()?, page).await
    }

    /// The export form of tasks, newest first: as a webhook's body of format ANGO, but for the documented differences.
    /// `first` at most 100; 20 when it is not given.
    #[graphql(complexity = "connection_cost(first, None, child_complexity)")]
    async fn export_labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tasks.")] r#where: TaskWhereInput,
        #[graphql(desc = "How many from the newest.")] first: Option<i32>,
        #[graphql(desc = "Only older than this place.")] after: Option<String>,
    ) -> Result<ExportedLabelConnection> {
        let page = Page::new(first, after.as_deref(), None, None)?;
        export::connection(ctx, &r#where.read()?, page).await
    }
}
