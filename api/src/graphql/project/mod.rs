//! Project: type, queries and mutations.

mod input;
mod list;
mod words;

use async_graphql::{Context, ID, Object};
use entity::{Timestamp, project};
use labelhook_core::{dataset as datasets, label as labels, project as projects, review as reviews};

pub use self::input::{ProjectCreateInput, ProjectDatasetsInput, ProjectUpdateInput};
pub use self::list::{ProjectOrderByInput, ProjectWhereInput};
pub use self::words::{EditorTaskType, MediaType, QueueMode, UploadType};
use super::{
    context::ContextExt,
    dataset::{Dataset, DatasetOrderByInput, DatasetWhereInput},
    error::Result,
    filter::query,
    input::WhereUniqueInput,
    json::Json,
    label::{self, Label, LabelOrderByInput, LabelWhereInput},
    list as lists, loader,
    organization::Organization,
    review::{Review, ReviewOrderByInput, ReviewWhereInput},
    user::User,
    webhook::{self, Webhook, WebhookOrderByInput, WebhookWhereInput},
    work_loader,
    workflow::Workflow,
};

/// What data is labelled for. Webhooks may listen to one project alone.
pub struct Project(pub project::Model);

/// What data is labelled for. Webhooks may listen to one project alone.
#[Object]
impl Project {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Free text.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// Whether it is deleted. A deleted project is still named by what belongs to it.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// When a label or review of it last changed, to within a second.
    async fn last_activity_time(&self) -> Option<Timestamp> {
        self.0.last_activity_at
    }

    /// How many data rows it has, through its datasets or its batches.
    async fn data_row_count(&self, ctx: &Context<'_>) -> Option<Result<i64>> {
        Some(loader::data_row_count(ctx, self.0.id).await)
    }

    /// What annotators choose from, as it was given.
    async fn ontology(&self) -> Option<Result<Json>> {
        self.0.ontology.as_deref().map(Json::stored)
    }

    /// What kind of data it labels, as it was given.
    async fn allowed_media_type(&self) -> Option<MediaType> {
        words::read(self.0.allowed_media_type.as_deref())
    }

    /// What its editor is for, as it was given.
    async fn editor_task_type(&self) -> Option<EditorTaskType> {
        words::read(self.0.editor_task_type.as_deref())
    }

    /// Which part of the data rows is labelled more than once, as it was given.
    async fn auto_audit_percentage(&self) -> f64 {
        self.0.auto_audit_percentage
    }

    /// How often those are labelled, as it was given.
    async fn auto_audit_number_of_labels(&self) -> i32 {
        self.0.auto_audit_number_of_labels
    }

    /// Whether labels are compared with benchmarks, as it was given.
    async fn is_benchmark_enabled(&self) -> bool {
        self.0.is_benchmark_enabled
    }

    /// Whether labels are compared with each other, as it was given.
    async fn is_consensus_enabled(&self) -> bool {
        self.0.is_consensus_enabled
    }

    /// When its editor was set up: never, for there is none here.
    async fn setup_complete(&self) -> Option<Timestamp> {
        None
    }

    /// Whether its models are set up: there are none here.
    async fn model_setup_complete(&self) -> Option<bool> {
        None
    }

    /// How data rows come to it: not kept here.
    async fn upload_type(&self) -> Option<UploadType> {
        None
    }

    /// How its work is queued: always BATCH.
    async fn queue_mode(&self) -> QueueMode {
        QueueMode::Batch
    }

    /// Who made it.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }

    /// How its tasks go.
    async fn workflow(&self, ctx: &Context<'_>) -> Result<Workflow> {
        work_loader::workflow(ctx, self.0.id).await
    }

    /// The datasets connected to it.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn datasets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<DatasetWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<DatasetOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Dataset>> {
        let (scope, query) = (
            datasets::Scope::Project(self.0.id),
            query(r#where, order_by, skip, first)?,
        );
        let rows = datasets::list(ctx.app(), ctx.actor(), scope, query).await?;
        Ok(rows.into_iter().map(Dataset).collect())
    }

    /// Its labels.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<LabelWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<LabelOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Label>> {
        let (scope, query) = (
            labels::Scope::Project(self.0.id),
            query(r#where, order_by, skip, first)?,
        );
        label::listed(ctx, scope, query).await
    }

    /// The reviews of its labels.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<ReviewWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<ReviewOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Review>> {
        let (scope, query) = (
            reviews::Scope::Project(self.0.id),
            query(r#where, order_by, skip, first)?,
        );
        let rows = reviews::list(ctx.app(), ctx.actor(), scope, query).await?;
        Ok(rows.into_iter().map(Review).collect())
    }

    /// The webhooks that were registered for it, whatever their status.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<WebhookWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<WebhookOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Webhook>> {
        webhook::listed(ctx, Some(self.0.id), r#where, order_by, skip, first).await
    }
}

/// Queries of projects.
#[derive(Default)]
pub struct ProjectQuery;

#[Object]
impl ProjectQuery {
    /// A project by its id.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Project>> {
        let row = projects::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Project).map_err(Into::into))
    }

    /// The projects of the caller's organization.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] r#where: Option<ProjectWhereInput>,
        #[graphql(desc = "In which order; oldest first when absent.")] order_by: Option<ProjectOrderByInput>,
        #[graphql(desc = "Rows to leave out.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "Rows to give, 100 at most.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Project>> {
        let rows = projects::list(
            ctx.app(),
            ctx.actor(),
            projects::Scope::All,
            query(r#where, order_by, skip, first)?,
        )
        .await?;
        Ok(rows.into_iter().map(Project).collect())
    }
}

/// Mutations of projects.
#[derive(Default)]
pub struct ProjectMutation;

#[Object]
impl ProjectMutation {
    /// Makes a project.
    async fn create_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to make.")] data: ProjectCreateInput,
    ) -> Result<Project> {
        Ok(Project(projects::create(ctx.app(), ctx.actor(), data.read()?).await?))
    }

    /// Changes or deletes a project.
    async fn update_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
        #[graphql(desc = "What to change.")] data: ProjectUpdateInput,
    ) -> Result<Project> {
        let patch = data.read()?;
        Ok(Project(
            projects::update(ctx.app(), ctx.actor(), &r#where.id, patch).await?,
        ))
    }
}
