//! Reviews: the judgments of reviewers about labels. A review is accessible while its label is.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    event::{self, Change, Data, ReviewChange},
    input::{self, set},
    label,
    label_context::LabelContext,
    list::{self, Query},
    lookup, publish,
};
use entity::{LabelId, ProjectId, ReviewId, UserId, label as labels, project, review, user};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, Set, sea_query::Expr};

/// The fields of a new review.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The id of the reviewed label.
    pub label: String,
    /// The id of the label's project, when it is given.
    pub project: Option<String>,
    /// The judgment: above 0 approves, below 0 rejects.
    pub score: f64,
}

/// The fields of a review to change; absent ones keep their value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patch {
    /// The judgment: above 0 approves, below 0 rejects.
    pub score: Option<f64>,
    /// True removes the review from its label.
    pub deleted: bool,
}

/// The scope of a list of reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The reviews of a label.
    Label(LabelId),
    /// The reviews of a project's labels.
    Project(ProjectId),
}

/// Fields by which reviews are filtered and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of its name")]
pub enum Field {
    Id,
    CreatedBy,
    Score,
    CreatedAt,
    UpdatedAt,
    Deleted,
}

impl list::Field for Field {
    fn expr(self) -> Expr {
        match self {
            Self::Id => review::Column::Id,
            Self::CreatedBy => review::Column::CreatedBy,
            Self::Score => review::Column::Score,
            Self::CreatedAt => review::Column::CreatedAt,
            Self::UpdatedAt => review::Column::UpdatedAt,
            Self::Deleted => review::Column::Deleted,
        }
        .into_expr()
    }

    fn tells_deleted(self) -> bool {
        self == Self::Deleted
    }
}

/// Returns a live review by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<review::Model> {
    actor.require(Action::Read)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists the reviews of a scope that the actor has access to.
pub async fn list(app: &App, actor: &Actor, scope: Scope, query: Query<Field>) -> Result<Vec<review::Model>> {
    actor.require(Action::Read)?;
    let rows = review::Entity::find()
        .filter(review::Column::OrganizationId.eq(actor.organization_id))
        .filter(lookup::of_live_label())
        .filter(lookup::within(actor, review::Column::ProjectId));
    let rows = match scope {
        Scope::Label(id) => rows.filter(review::Column::LabelId.eq(id)),
        Scope::Project(id) => rows.filter(review::Column::ProjectId.eq(id)),
    };
    let rows = query.select(rows, Field::Id, Some(review::Column::Deleted.eq(false)))?;
    Ok(rows.all(app.db.read()).await?)
}

/// Submits a review.
pub async fn create(app: &App, actor: &Actor, new: New) -> Result<review::Model> {
    actor.require(Action::Annotate)?;
    input::finite("score", new.score)?;
    let actor = actor.clone();
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let label: labels::Model = lookup::find(txn.conn(), &actor, &new.label).await?;
                let context = txn.label_context(&label).await?;
                open(&label, &context, new.project.as_deref())?;
                let row = review::Model {
                    id: ReviewId::new(),
                    organization_id: actor.organization_id,
                    project_id: label.project_id,
                    label_id: label.id,
                    created_by: Some(actor.user_id),
                    score: new.score,
                    deleted: false,
                    created_at: txn.now(),
                    updated_at: txn.now(),
                };
                review::Entity::insert(row.clone().into_active_model())
                    .exec_without_returning(txn.conn())
                    .await?;
                changed(txn, &row, &label, &context, Change::Created).await?;
                Ok(row)
            })
        })
        .await
}

/// Changes a review or removes it from its label. Without any change, no event is published.
pub async fn update(app: &App, actor: &Actor, id: &str, patch: Patch) -> Result<review::Model> {
    actor.require(Action::Annotate)?;
    input::finite("score", patch.score.unwrap_or_default())?;
    let (actor, id) = (actor.clone(), id.to_owned());
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let row: review::Model = lookup::find(txn.conn(), &actor, &id).await?;
                if patch.score.is_none() && !patch.deleted {
                    return Ok(row);
                }
                let mut row = row.into_active_model();
                set(&mut row.score, patch.score);
                set(&mut row.deleted, patch.deleted.then_some(true));
                row.updated_at = Set(txn.now());
                let row = row.update(txn.conn()).await?;
                let label: labels::Model = lookup::find(txn.conn(), &actor, &row.label_id.to_string()).await?;
                let context = txn.label_context(&label).await?;
                let change = match row.deleted {
                    true => Change::Deleted,
                    false => Change::Updated,
                };
                changed(txn, &row, &label, &context, change).await?;
                Ok(row)
            })
        })
        .await
}

/// Refuses a review of a label whose project or data row is deleted, or with a project that is not the label's.
fn open(label: &labels::Model, context: &LabelContext, project: Option<&str>) -> Result<()> {
    if let Some(id) = project
        && lookup::parse::<project::Model>(id)? != label.project_id
    {
        return Err(Error::invalid("project", "is not the label's project"));
    }
    if context.project.as_ref().is_none_or(|project| project.deleted) {
        return Err(Error::invalid("label", "the label's project is deleted"));
    }
    if context.data_row.as_ref().is_none_or(|row| row.deleted_at.is_some()) {
        return Err(Error::invalid("label", "the label's data row is deleted"));
    }
    Ok(())
}

async fn changed(
    txn: &Txn,
    row: &review::Model,
    label: &labels::Model,
    context: &LabelContext,
    change: Change,
) -> Result<()> {
    let reviewer = reviewer(txn, context, row.created_by).await?;
    let data = Data::Review(Box::new(ReviewChange {
        review: row.into(),
        reviewer,
        subject: context.change(label)?,
    }));
    publish::publish(txn, row.organization_id, &data, change).await?;
    label::touch(txn, context.project.as_deref());
    Ok(())
}

async fn reviewer(txn: &Txn, context: &LabelContext, id: Option<UserId>) -> Result<Option<event::User>> {
    let Some(id) = id else {
        return Ok(None);
    };
    if let Some(annotator) = context.user.as_deref().filter(|user| user.id == id) {
        return Ok(Some(annotator.into()));
    }
    let row = user::Entity::find_by_id(id).one(txn.conn()).await?;
    Ok(row.as_ref().map(Into::into))
}
