//! Datasets: containers of data rows. A dataset is connected to the projects that label its rows, and belongs to none.

use crate::{
    App, Result,
    auth::{Action, Actor},
    deletion,
    input::{self, set},
    list::{self, Query},
    lookup, project,
};
use entity::{DatasetId, DeletionKind, OrganizationId, ProjectId, data_row, dataset, project as projects};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Set, sea_query::Expr,
};
use std::collections::HashMap;

/// The fields of a new dataset.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The display name of the dataset.
    pub name: String,
    /// A free-form description.
    pub description: Option<String>,
    /// The project to connect it to.
    pub project: Option<String>,
}

/// The fields of a dataset to change; absent ones keep their value.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// The display name of the dataset.
    pub name: Option<String>,
    /// A free-form description.
    pub description: Option<String>,
    /// True deletes the dataset, with its data rows and their labels.
    pub deleted: bool,
}

/// The scope of a list of datasets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All datasets that the actor has access to.
    All,
    /// The datasets connected to a project.
    Project(ProjectId),
}

/// Fields by which datasets are filtered and sorted.
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
            Self::Id => dataset::Column::Id,
            Self::Name => dataset::Column::Name,
            Self::Description => dataset::Column::Description,
            Self::CreatedAt => dataset::Column::CreatedAt,
            Self::UpdatedAt => dataset::Column::UpdatedAt,
            Self::Deleted => dataset::Column::Deleted,
        }
        .into_expr()
    }

    fn tells_deleted(self) -> bool {
        self == Self::Deleted
    }
}

/// Returns a live dataset by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<dataset::Model> {
    actor.require(Action::Read)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists the datasets of a scope that the actor has access to.
pub async fn list(app: &App, actor: &Actor, scope: Scope, query: Query<Field>) -> Result<Vec<dataset::Model>> {
    actor.require(Action::Read)?;
    let mut rows = dataset::Entity::find()
        .filter(dataset::Column::OrganizationId.eq(actor.organization_id))
        .filter(lookup::dataset_visible(actor));
    if let Scope::Project(id) = scope {
        rows = rows.filter(lookup::connected(&[id]));
    }
    let rows = query.select(rows, Field::Id, Some(dataset::Column::Deleted.eq(false)))?;
    Ok(rows.all(app.db.read()).await?)
}

/// Creates a dataset. An API key that is limited to projects must connect it to one of them.
pub async fn create(app: &App, actor: &Actor, new: New) -> Result<dataset::Model> {
    actor.require(Action::ManageData)?;
    if new.project.is_none() {
        actor.require_organization()?;
    }
    let name = input::name("name", &new.name)?;
    let description = new.description.unwrap_or_default();
    input::text("description", &description, input::DESCRIPTION)?;
    let actor = actor.clone();
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let row = dataset::Model {
                    id: DatasetId::new(),
                    organization_id: actor.organization_id,
                    name,
                    description,
                    created_by: Some(actor.user_id),
                    deleted: false,
                    created_at: txn.now(),
                    updated_at: txn.now(),
                };
                if let Some(id) = &new.project {
                    let project: projects::Model = lookup::find_for(txn.conn(), &actor, "projects", id).await?;
                    project::connect(txn.conn(), &project, row.id).await?;
                }
                dataset::Entity::insert(row.clone().into_active_model())
                    .exec_without_returning(txn.conn())
                    .await?;
                Ok(row)
            })
        })
        .await
}

/// Changes a dataset. Deleting one hides its data rows immediately; their labels are deleted in steps (see
/// [`deletion`]). Since a dataset can serve several projects, an API key that is limited to some can only add to it.
pub async fn update(app: &App, actor: &Actor, id: &str, patch: Patch) -> Result<dataset::Model> {
    actor.require(Action::ManageData)?;
    actor.require_organization()?;
    let name = patch.name.as_deref().map(|name| input::name("name", name));
    let name = name.transpose()?;
    input::text(
        "description",
        patch.description.as_deref().unwrap_or_default(),
        input::DESCRIPTION,
    )?;
    let (actor, id) = (actor.clone(), id.to_owned());
    let row = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let row: dataset::Model = lookup::find(txn.conn(), &actor, &id).await?;
                let mut row = row.into_active_model();
                set(&mut row.name, name);
                set(&mut row.description, patch.description);
                set(&mut row.deleted, patch.deleted.then_some(true));
                row.updated_at = Set(txn.now());
                let row = row.update(txn.conn()).await?;
                if row.deleted {
                    for kind in [DeletionKind::Dataset, DeletionKind::DatasetTasks] {
                        deletion::schedule(txn, &actor, kind, [row.id.0]).await?;
                    }
                }
                Ok(row)
            })
        })
        .await?;
    if row.deleted {
        app.deletions.wake();
    }
    Ok(row)
}

/// Loads datasets of an organization by id, deleted ones included, for the objects that refer to them.
pub async fn many(app: &App, organization_id: OrganizationId, ids: &[DatasetId]) -> Result<Vec<dataset::Model>> {
    lookup::many(app.db.read(), organization_id, ids).await
}

/// Counts the live data rows of each dataset.
pub async fn row_counts(app: &App, ids: &[DatasetId]) -> Result<HashMap<DatasetId, i64>> {
    let counts: Vec<(DatasetId, i64)> = data_row::Entity::find()
        .select_only()
        .column(data_row::Column::DatasetId)
        .column_as(data_row::Column::Id.count(), "count")
        .filter(data_row::Column::DatasetId.is_in(ids.iter().copied()))
        .filter(data_row::Column::DeletedAt.is_null())
        .group_by(data_row::Column::DatasetId)
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(counts.into_iter().collect())
}
