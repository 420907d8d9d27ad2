//! Projects: the units of work in which data is labeled. They limit access and scope webhooks.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    input::{self, set},
    list::{self, Query},
    lookup,
    sql::statement::raw,
    task::intake::{self, Source},
    workflow,
};
use entity::{DatasetId, IntakeKind, OrganizationId, ProjectId, dataset, project, project_dataset};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QuerySelect, QueryTrait, Set,
    sea_query::{Expr, OnConflict},
};
use std::collections::HashMap;

/// The fields of a new project.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The display name of the project.
    pub name: String,
    /// A free-form description.
    pub description: Option<String>,
    /// JSON text: Ango Hub's `categorySchema`.
    pub ontology: Option<String>,
    /// Labelbox's settings.
    pub settings: Settings,
}

/// The fields of a project to change; absent ones keep their value.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// The display name of the project.
    pub name: Option<String>,
    /// A free-form description.
    pub description: Option<Option<String>>,
    /// JSON text: Ango Hub's `categorySchema`.
    pub ontology: Option<Option<String>>,
    /// Labelbox's settings.
    pub settings: Settings,
    /// A dataset to connect.
    pub connect: Option<String>,
    /// A dataset to disconnect.
    pub disconnect: Option<String>,
    /// True deletes the project.
    pub deleted: bool,
}

/// Labelbox's settings of a project, stored and returned only; they have no effect.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `allowedMediaType`.
    pub allowed_media_type: Option<String>,
    /// `editorTaskType`.
    pub editor_task_type: Option<String>,
    /// `autoAuditPercentage`.
    pub auto_audit_percentage: Option<f64>,
    /// `autoAuditNumberOfLabels`.
    pub auto_audit_number_of_labels: Option<i32>,
    /// `isBenchmarkEnabled`.
    pub is_benchmark_enabled: Option<bool>,
    /// `isConsensusEnabled`.
    pub is_consensus_enabled: Option<bool>,
}

/// The scope of a list of projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All projects that the actor has access to.
    All,
    /// The projects that a dataset is connected to.
    Dataset(DatasetId),
}

/// Fields by which projects are filtered and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of its name")]
pub enum Field {
    Id,
    Name,
    Description,
    CreatedAt,
    UpdatedAt,
    Deleted,
}

impl list::Field for Field {
    fn expr(self) -> Expr {
        match self {
            Self::Id => project::Column::Id,
            Self::Name => project::Column::Name,
            Self::Description => project::Column::Description,
            Self::CreatedAt => project::Column::CreatedAt,
            Self::UpdatedAt => project::Column::UpdatedAt,
            Self::Deleted => project::Column::Deleted,
        }
        .into_expr()
    }

    fn tells_deleted(self) -> bool {
        self == Self::Deleted
    }
}

/// Returns a live project by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<project::Model> {
    actor.require(Action::Read)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists the projects of a scope that the actor has access to.
pub async fn list(app: &App, actor: &Actor, scope: Scope, query: Query<Field>) -> Result<Vec<project::Model>> {
    actor.require(Action::Read)?;
    let mut rows = project::Entity::find()
        .filter(project::Column::OrganizationId.eq(actor.organization_id))
        .filter(lookup::within(actor, project::Column::Id));
    if let Scope::Dataset(id) = scope {
        rows = rows.filter(connected_to(id));
    }
    let rows = query.select(rows, Field::Id, Some(project::Column::Deleted.eq(false)))?;
    Ok(rows.all(app.db.read()).await?)
}

/// Creates a project.
pub async fn create(app: &App, actor: &Actor, new: New) -> Result<project::Model> {
    actor.require(Action::ManageData)?;
    actor.require_organization()?;
    let name = input::name("name", &new.name)?;
    check(new.description.as_deref(), new.ontology.as_deref(), &new.settings)?;
    let (organization_id, created_by) = (actor.organization_id, Some(actor.user_id));
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let Settings {
                    allowed_media_type,
                    editor_task_type,
                    ..
                } = new.settings;
                let row = project::Model {
                    id: ProjectId::new(),
                    organization_id,
                    name,
                    description: new.description,
                    created_by,
                    allowed_media_type,
                    editor_task_type,
                    auto_audit_percentage: new.settings.auto_audit_percentage.unwrap_or(1.0),
                    auto_audit_number_of_labels: new.settings.auto_audit_number_of_labels.unwrap_or(1),
                    is_benchmark_enabled: new.settings.is_benchmark_enabled.unwrap_or(false),
                    is_consensus_enabled: new.settings.is_consensus_enabled.unwrap_or(false),
                    ontology: new.ontology,
                    last_activity_at: None,
                    deleted: false,
                    created_at: txn.now(),
                    updated_at: txn.now(),
                };
                project::Entity::insert(row.clone().into_active_model())
                    .exec_without_returning(txn.conn())
                    .await?;
                workflow::make_default(txn, &row).await?;
                Ok(row)
            })
        })
        .await
}

/// Changes a project. Deleting one hides it; its labels stay and no event is published.
pub async fn update(app: &App, actor: &Actor, id: &str, patch: Patch) -> Result<project::Model> {
    actor.require(Action::ManageData)?;
    let name = patch.name.as_deref().map(|name| input::name("name", name));
    let name = name.transpose()?;
    check(
        patch.description.as_ref().and_then(Option::as_deref),
        patch.ontology.as_ref().and_then(Option::as_deref),
        &patch.settings,
    )?;
    let (actor, id) = (actor.clone(), id.to_owned());
    let connects = patch.connect.is_some();
    let row = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let row: project::Model = lookup::find(txn.conn(), &actor, &id).await?;
                if let Some(dataset) = &patch.connect {
                    let dataset: dataset::Model =
                        lookup::find_for(txn.conn(), &actor, "datasets.connect", dataset).await?;
                    connect(txn.conn(), &row, dataset.id).await?;
                    let source = Source {
                        organization_id: row.organization_id,
                        project_id: row.id,
                        kind: IntakeKind::Dataset,
                        target_id: dataset.id.0,
                        user_id: Some(actor.user_id),
                    };
                    intake::schedule(txn, source, None).await?;
                }
                if let Some(dataset) = &patch.disconnect {
                    let dataset: dataset::Model = lookup::find(txn.conn(), &actor, dataset).await?;
                    disconnect(txn.conn(), row.id, dataset.id).await?;
                }
                let mut row = changed(row, name, patch);
                row.updated_at = Set(txn.now());
                Ok(row.update(txn.conn()).await?)
            })
        })
        .await?;
    if connects {
        app.workflow_jobs.wake();
    }
    Ok(row)
}

/// Loads projects of an organization by id, deleted ones included, for the objects that refer to them.
pub async fn many(app: &App, organization_id: OrganizationId, ids: &[ProjectId]) -> Result<Vec<project::Model>> {
    lookup::many(app.db.read(), organization_id, ids).await
}

#[derive(FromQueryResult)]
struct Count {
    id: ProjectId,
    count: i64,
}

/// Counts the data rows of each project, through its datasets or its batches.
pub async fn data_row_counts(app: &App, ids: &[ProjectId]) -> Result<HashMap<ProjectId, i64>> {
    let places: Vec<String> = (1..=ids.len()).map(|place| format!("?{place}")).collect();
    let sql = format!(
        "SELECT project.id AS id, (
            SELECT count(*) FROM data_row JOIN dataset ON dataset.id = data_row.dataset_id
            WHERE data_row.deleted_at IS NULL AND NOT dataset.deleted AND (
                data_row.dataset_id IN (SELECT dataset_id FROM project_dataset WHERE project_id = project.id)
                OR data_row.id IN (SELECT data_row_id FROM batch_data_row JOIN batch ON batch.id = batch_id
                    WHERE batch.project_id = project.id))
        ) AS count FROM project WHERE project.id IN ({})",
        places.join(", ")
    );
    let db = app.db.read();
    let values = ids.iter().map(|id| (*id).into());
    let statement = raw(db, &sql, values);
    let counts = Count::find_by_statement(statement).all(db).await?;
    Ok(counts.into_iter().map(|row| (row.id, row.count)).collect())
}

fn connected_to(id: DatasetId) -> Expr {
    let links = project_dataset::Entity::find()
        .select_only()
        .column(project_dataset::Column::ProjectId)
        .filter(project_dataset::Column::DatasetId.eq(id));
    project::Column::Id.in_subquery(links.into_query())
}

/// Connects a dataset to a project, which gets its data rows. Idempotent.
pub(crate) async fn connect(conn: &impl ConnectionTrait, project: &project::Model, id: DatasetId) -> Result<()> {
    let row = project_dataset::Model {
        project_id: project.id,
        dataset_id: id,
        organization_id: project.organization_id,
    };
    let known = [project_dataset::Column::ProjectId, project_dataset::Column::DatasetId];
    project_dataset::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::columns(known).do_nothing().to_owned())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

async fn disconnect(conn: &impl ConnectionTrait, id: ProjectId, dataset_id: DatasetId) -> Result<()> {
    project_dataset::Entity::delete_by_id((id, dataset_id))
        .exec(conn)
        .await?;
    Ok(())
}

fn check(description: Option<&str>, ontology: Option<&str>, settings: &Settings) -> Result<()> {
    input::text("description", description.unwrap_or_default(), input::DESCRIPTION)?;
    input::json("ontology", ontology)?;
    if settings
        .auto_audit_percentage
        .is_some_and(|part| !(0.0..=1.0).contains(&part))
    {
        return Err(Error::invalid("autoAuditPercentage", "must be from 0 to 1"));
    }
    if settings.auto_audit_number_of_labels.is_some_and(|count| count < 0) {
        return Err(Error::invalid("autoAuditNumberOfLabels", "must not be negative"));
    }
    Ok(())
}

fn changed(row: project::Model, name: Option<String>, patch: Patch) -> project::ActiveModel {
    let mut row = row.into_active_model();
    let settings = patch.settings;
    set(&mut row.name, name);
    set(&mut row.description, patch.description);
    set(&mut row.ontology, patch.ontology);
    set(&mut row.allowed_media_type, settings.allowed_media_type.map(Some));
    set(&mut row.editor_task_type, settings.editor_task_type.map(Some));
    set(&mut row.auto_audit_percentage, settings.auto_audit_percentage);
    set(
        &mut row.auto_audit_number_of_labels,
        settings.auto_audit_number_of_labels,
    );
    set(&mut row.is_benchmark_enabled, settings.is_benchmark_enabled);
    set(&mut row.is_consensus_enabled, settings.is_consensus_enabled);
    set(&mut row.deleted, patch.deleted.then_some(true));
    row
}
