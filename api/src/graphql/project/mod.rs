//! Project: type, queries and mutations.
//!
//! Resolvers only: each parses its input, calls one verb of [`labelhook_core::project`] and wraps the result. [`super`]
//! merges the queries and mutations into the schema. Nothing here may read the database or decide anything.

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

/// A project, in which data rows are labeled. A webhook can be limited to one project.
pub struct Project(pub project::Model);

/// A project, in which data rows are labeled. A webhook can be limited to one project.
#[Object]
impl Project {
    /// The id of the project.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The display name of the project.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// A free-form description.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The time at which the project was created.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// The time at which the project was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    /// True if the project is deleted. Objects that belong to a deleted project still return it.
    async fn deleted(&self) -> bool {
        self.0.deleted
    }

    /// The time at which a label or review of the project last changed, to within a second.
    async fn last_activity_time(&self) -> Option<Timestamp> {
        self.0.last_activity_at
    }

    /// The number of data rows that the project has through its datasets or its batches.
    async fn data_row_count(&self, ctx: &Context<'_>) -> Option<Result<i64>> {
        Some(loader::data_row_count(ctx, self.0.id).await)
    }

    /// The ontology from which annotators choose, as given.
    async fn ontology(&self) -> Option<Result<Json>> {
        self.0.ontology.as_deref().map(Json::stored)
    }

    /// The kind of data that is labeled, as given.
    async fn allowed_media_type(&self) -> Option<MediaType> {
        words::read(self.0.allowed_media_type.as_deref())
    }

    /// The purpose of the editor, as given.
    async fn editor_task_type(&self) -> Option<EditorTaskType> {
        words::read(self.0.editor_task_type.as_deref())
    }

    /// The share of data rows that are labeled more than once, as given.
    async fn auto_audit_percentage(&self) -> f64 {
        self.0.auto_audit_percentage
    }

    /// The number of labels for each of those data rows, as given.
    async fn auto_audit_number_of_labels(&self) -> i32 {
        self.0.auto_audit_number_of_labels
    }

    /// True if labels are compared with benchmarks, as given.
    async fn is_benchmark_enabled(&self) -> bool {
        self.0.is_benchmark_enabled
    }

    /// True if labels are compared with each other, as given.
    async fn is_consensus_enabled(&self) -> bool {
        self.0.is_consensus_enabled
    }

    /// Labelbox's time of the editor's setup: always null, since this service has no editor.
    async fn setup_complete(&self) -> Option<Timestamp> {
        None
    }

    /// Labelbox's state of the model setup: always null, since this service has no models.
    async fn model_setup_complete(&self) -> Option<bool> {
        None
    }

    /// Labelbox's upload type: always null, since it is not stored.
    async fn upload_type(&self) -> Option<UploadType> {
        None
    }

    /// Labelbox's queue mode: always BATCH.
    async fn queue_mode(&self) -> QueueMode {
        QueueMode::Batch
    }

    /// The user who created the project.
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.created_by?).await
    }

    /// The organization that owns the project.
    async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
        Some(Organization::of(ctx).await)
    }

    /// The workflow of the project's tasks.
    async fn workflow(&self, ctx: &Context<'_>) -> Result<Workflow> {
        work_loader::workflow(ctx, self.0.id).await
    }

    /// The datasets connected to the project.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn datasets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the datasets to return.")] r#where: Option<DatasetWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<DatasetOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Dataset>> {
        let (scope, query) = (
            datasets::Scope::Project(self.0.id),
            query(r#where, order_by, skip, first)?,
        );
        let rows = datasets::list(ctx.app(), ctx.actor(), scope, query).await?;
        Ok(rows.into_iter().map(Dataset).collect())
    }

    /// The labels of the project.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn labels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the labels to return.")] r#where: Option<LabelWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<LabelOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Label>> {
        let (scope, query) = (
            labels::Scope::Project(self.0.id),
            query(r#where, order_by, skip, first)?,
        );
        label::listed(ctx, scope, query).await
    }

    /// The reviews of the project's labels.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the reviews to return.")] r#where: Option<ReviewWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<ReviewOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
    ) -> Result<Vec<Review>> {
        let (scope, query) = (
            reviews::Scope::Project(self.0.id),
            query(r#where, order_by, skip, first)?,
        );
        let rows = reviews::list(ctx.app(), ctx.actor(), scope, query).await?;
        Ok(rows.into_iter().map(Review).collect())
    }

    /// The webhooks registered for the project, with any status.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the webhooks to return.")] r#where: Option<WebhookWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<WebhookOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
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
        #[graphql(desc = "Selects the project by id.")] r#where: WhereUniqueInput,
    ) -> Option<Result<Project>> {
        let row = projects::get(ctx.app(), ctx.actor(), &r#where.id).await;
        Some(row.map(Project).map_err(Into::into))
    }

    /// The projects of the caller's organization.
    #[graphql(complexity = "lists::cost(first, child_complexity)")]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the projects to return.")] r#where: Option<ProjectWhereInput>,
        #[graphql(desc = "The sort order; oldest first when absent.")] order_by: Option<ProjectOrderByInput>,
        #[graphql(desc = "The number of rows to skip.", default = 0)] skip: Option<i32>,
        #[graphql(desc = "The number of rows to return, at most 100.", default = 100)] first: Option<i32>,
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
    /// Creates a project.
    async fn create_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project to create.")] data: ProjectCreateInput,
    ) -> Result<Project> {
        Ok(Project(projects::create(ctx.app(), ctx.actor(), data.read()?).await?))
    }

    /// Changes or deletes a project.
    async fn update_project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the project by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The fields to change.")] data: ProjectUpdateInput,
    ) -> Result<Project> {
        let patch = data.read()?;
        Ok(Project(
            projects::update(ctx.app(), ctx.actor(), &r#where.id, patch).await?,
        ))
    }
}
