//! Labels: the annotations of data rows in projects. Submit creates a label, Save changes it; each change publishes its
//! event in the same transaction. The GraphQL resolvers and the task verbs call these functions; nothing here knows of
//! HTTP or GraphQL, or sends a request.

mod field;

pub use field::Field;

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::{self, Txn},
    event::{Change, Data},
    input::{self, set},
    label_context::{LabelContext, LabelKey},
    list::Query,
    lookup, publish,
};
use entity::{DataRowId, LabelId, OrganizationId, ProjectId, data_row as rows, label, project as projects};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, Set, sea_query::Expr};
use std::{collections::HashSet, time::Duration};

/// The maximum size of an annotation in bytes.
pub const MAX_LABEL_BYTES: usize = 2 << 20;
/// The maximum total size in bytes of the annotations that one transaction deletes, since it holds them, their events
/// and their payloads in memory.
pub const MAX_DELETED_BYTES: usize = 16 << 20;
/// Labelbox's name of the label type without a meaning.
pub const ANY: &str = "Any";
/// The maximum staleness of a project's last activity.
const ACTIVITY_INTERVAL: Duration = Duration::from_secs(1);

/// The fields of a new label.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The id of the project.
    pub project: String,
    /// The id of the data row.
    pub data_row: String,
    /// The annotation, stored and sent unchanged.
    pub label: String,
    /// The labeling time in seconds.
    pub seconds_to_label: f64,
    /// Labelbox's `type.name`; none: [`ANY`].
    pub label_type: Option<String>,
}

/// The fields of a label to change; absent ones keep their value.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    /// The annotation.
    pub label: Option<String>,
    /// The labeling time in seconds.
    pub seconds_to_label: Option<f64>,
}

/// The scope of a list of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The labels of a project.
    Project(ProjectId),
    /// The labels of a data row.
    DataRow(DataRowId),
}

/// Returns a live label by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<label::Model> {
    actor.require(Action::Read)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists the labels of a scope that the actor has access to.
pub async fn list(app: &App, actor: &Actor, scope: Scope, query: Query<Field>) -> Result<Vec<label::Model>> {
    actor.require(Action::Read)?;
    let rows = label::Entity::find()
        .filter(label::Column::OrganizationId.eq(actor.organization_id))
        .filter(lookup::within(actor, label::Column::ProjectId));
    let rows = match scope {
        Scope::Project(id) => rows.filter(label::Column::ProjectId.eq(id)),
        Scope::DataRow(id) => rows.filter(label::Column::DataRowId.eq(id)),
    };
    let rows = query.select(rows, Field::Id, Some(label::Column::Deleted.eq(false)))?;
    Ok(rows.all(app.db.read()).await?)
}

/// Submits a label.
pub async fn create(app: &App, actor: &Actor, new: New) -> Result<label::Model> {
    actor.require(Action::Annotate)?;
    check(&new, "")?;
    let key = label_key(actor, &new)?;
    let actor = actor.clone();
    app.db
        .append(db::Scope::shared([actor.organization_id]), vec![key], move |txn| {
            Box::pin(async move {
                let contexts = txn.label_contexts(vec![key]).await?;
                insert(txn, &actor, new, &contexts[&key], "").await
            })
        })
        .await
}

/// Submits many labels, all or none.
pub async fn create_many(app: &App, actor: &Actor, new: Vec<New>) -> Result<Vec<label::Model>> {
    actor.require(Action::Annotate)?;
    input::entries("data", new.len())?;
    for (place, new) in new.iter().enumerate() {
        check(new, &format!("{place}."))?;
    }
    let asked = new
        .iter()
        .map(|new| label_key(actor, new))
        .collect::<Result<Vec<_>>>()?;
    let actor = actor.clone();
    app.db
        .append(db::Scope::shared([actor.organization_id]), asked.clone(), move |txn| {
            Box::pin(async move {
                let contexts = txn.label_contexts(asked.clone()).await?;
                let mut rows = Vec::with_capacity(new.len());
                for (place, (new, key)) in new.into_iter().zip(&asked).enumerate() {
                    rows.push(insert(txn, &actor, new, &contexts[key], &format!("{place}.")).await?);
                }
                Ok(rows)
            })
        })
        .await
}

/// Saves a label. Without any change, no event is published.
pub async fn update(app: &App, actor: &Actor, id: &str, patch: Patch) -> Result<label::Model> {
    actor.require(Action::Annotate)?;
    input::annotation("label", patch.label.as_deref().unwrap_or_default(), MAX_LABEL_BYTES)?;
    seconds("secondsToLabel", patch.seconds_to_label.unwrap_or_default())?;
    let (actor, id) = (actor.clone(), id.to_owned());
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let row: label::Model = lookup::find(txn.conn(), &actor, &id).await?;
                if patch.label.is_none() && patch.seconds_to_label.is_none() {
                    return Ok(row);
                }
                let mut row = row.into_active_model();
                set(&mut row.label, patch.label);
                set(&mut row.seconds_to_label, patch.seconds_to_label);
                row.updated_at = Set(txn.now());
                let row = row.update(txn.conn()).await?;
                let context = txn.label_context(&row).await?;
                if context.project.as_ref().is_none_or(|project| project.deleted) {
                    return Err(Error::NotAllowed("the label's project is deleted".into()));
                }
                changed(txn, &row, &context, Change::Updated).await?;
                Ok(row)
            })
        })
        .await
}

/// Deletes labels, all or none.
pub async fn delete(app: &App, actor: &Actor, ids: &[String]) -> Result<Vec<label::Model>> {
    actor.require(Action::Annotate)?;
    input::entries("labelIds", ids.len())?;
    let (actor, ids) = (actor.clone(), ids.to_vec());
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let mut known = HashSet::new();
                let mut rows = Vec::with_capacity(ids.len());
                let mut bytes = 0;
                for id in ids {
                    let row: label::Model = lookup::find(txn.conn(), &actor, &id).await?;
                    if known.insert(row.id) {
                        bytes += row.label.len();
                        rows.push(row);
                    }
                    if bytes > MAX_DELETED_BYTES {
                        return Err(Error::invalid(
                            "labelIds",
                            format!("must name labels of at most {MAX_DELETED_BYTES} bytes together"),
                        ));
                    }
                }
                remove(txn, &mut rows).await?;
                Ok(rows)
            })
        })
        .await
}

/// Loads labels of an organization by id, deleted ones included, for the objects that refer to them.
pub async fn many(app: &App, organization_id: OrganizationId, ids: &[LabelId]) -> Result<Vec<label::Model>> {
    lookup::many(app.db.read(), organization_id, ids).await
}

/// Marks these live labels as deleted and publishes one event for each.
pub(crate) async fn remove(txn: &Txn, rows: &mut [label::Model]) -> Result<()> {
    label::Entity::update_many()
        .col_expr(label::Column::Deleted, Expr::value(true))
        .col_expr(label::Column::UpdatedAt, Expr::value(txn.now()))
        .filter(label::Column::Id.is_in(rows.iter().map(|row| row.id)))
        .exec(txn.conn())
        .await?;
    let contexts = txn.label_contexts(rows.iter().map(LabelKey::from).collect()).await?;
    for row in rows {
        (row.deleted, row.updated_at) = (true, txn.now());
        changed(txn, row, &contexts[&LabelKey::from(&*row)], Change::Deleted).await?;
    }
    Ok(())
}

/// Records activity in a project, at most once a second.
pub(crate) fn touch(txn: &Txn, project: Option<&projects::Model>) {
    let stale = |project: &&projects::Model| {
        project
            .last_activity_at
            .is_none_or(|last| txn.now().since(last) >= ACTIVITY_INTERVAL)
    };
    if let Some(project) = project.filter(stale) {
        txn.outbox().touch(project.id, txn.now());
    }
}

/// Returns the context key of a new label.
fn label_key(actor: &Actor, new: &New) -> Result<LabelKey> {
    Ok(LabelKey {
        organization_id: actor.organization_id,
        project_id: lookup::parse::<projects::Model>(&new.project)?,
        data_row_id: lookup::parse::<rows::Model>(&new.data_row)?,
        user_id: Some(actor.user_id),
    })
}

async fn insert(txn: &Txn, actor: &Actor, new: New, context: &LabelContext, path: &str) -> Result<label::Model> {
    let (project, data_row) = open(txn, actor, context, &new, path).await?;
    let row = label::Model {
        id: LabelId::new(),
        organization_id: actor.organization_id,
        project_id: project.id,
        data_row_id: data_row.id,
        created_by: Some(actor.user_id),
        label_type: new.label_type.unwrap_or_else(|| ANY.into()),
        label: new.label,
        seconds_to_label: new.seconds_to_label,
        agreement: None,
        benchmark_agreement: None,
        is_benchmark_reference: false,
        deleted: false,
        created_at: txn.now(),
        updated_at: txn.now(),
    };
    txn.outbox().label(row.clone());
    changed(txn, &row, context, Change::Created).await?;
    Ok(row)
}

/// Refuses a label unless its project and data row exist, are live, and the actor has access to them.
async fn open<'s>(
    txn: &Txn,
    actor: &Actor,
    context: &'s LabelContext,
    new: &New,
    path: &str,
) -> Result<(&'s projects::Model, &'s rows::Model)> {
    let project = context
        .project
        .as_deref()
        .filter(|project| lookup::is_visible(*project, actor));
    let project = project.ok_or_else(|| Error::not_found("project", &new.project))?;
    if project.deleted {
        return Err(Error::invalid(format!("{path}project"), "the project is deleted"));
    }
    let data_row = context.data_row.as_deref();
    let data_row = data_row.ok_or_else(|| Error::not_found("dataRow", &new.data_row))?;
    if actor.projects.is_some() {
        lookup::find::<rows::Model>(txn.conn(), actor, &new.data_row).await?;
    }
    if data_row.deleted_at.is_some() {
        return Err(Error::invalid(format!("{path}dataRow"), "the data row is deleted"));
    }
    if context.dataset.as_ref().is_none_or(|dataset| dataset.deleted) {
        return Err(Error::invalid(
            format!("{path}dataRow"),
            "the data row's dataset is deleted",
        ));
    }
    Ok((project, data_row))
}

async fn changed(txn: &Txn, row: &label::Model, context: &LabelContext, change: Change) -> Result<()> {
    let data = Data::Label(Box::new(context.change(row)?));
    publish::publish(txn, row.organization_id, &data, change).await?;
    touch(txn, context.project.as_deref());
    Ok(())
}

fn check(new: &New, path: &str) -> Result<()> {
    input::annotation(&format!("{path}label"), &new.label, MAX_LABEL_BYTES)?;
    seconds(&format!("{path}secondsToLabel"), new.seconds_to_label)?;
    match &new.label_type {
        None => Ok(()),
        Some(name) => input::name(&format!("{path}type"), name).map(|_| ()),
    }
}

pub(crate) fn seconds(field: &str, seconds: f64) -> Result<()> {
    input::finite(field, seconds)?;
    match seconds < 0.0 {
        true => Err(Error::invalid(field, "must not be negative")),
        false => Ok(()),
    }
}
