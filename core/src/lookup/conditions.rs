//! Conditions on rows whose visibility, or life, other tables decide. Lists use them as well as look-ups.

use crate::auth::Actor;
use entity::{
    ProjectId, batch, batch_data_row, data_row, dataset, label, notification, project, project_dataset, review, stage,
    stage_run, webhook,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, IntoColumnRef},
};

/// Holds for rows of the projects that the actor sees.
pub(crate) fn within(actor: &Actor, project: impl ColumnTrait) -> Condition {
    let projects = actor.projects.as_ref();
    Condition::all().add_option(projects.map(|projects| project.is_in(projects.iter().copied())))
}

/// Holds for the datasets that the actor sees: a limited key sees those of its projects.
pub(crate) fn dataset_visible(actor: &Actor) -> Condition {
    Condition::all().add_option(actor.projects.as_deref().map(connected))
}

/// Holds for the datasets that are connected to one of these projects.
pub(crate) fn connected(projects: &[ProjectId]) -> Expr {
    let links = project_dataset::Entity::find()
        .select_only()
        .column(project_dataset::Column::DatasetId)
        .filter(project_dataset::Column::ProjectId.is_in(projects.iter().copied()));
    dataset::Column::Id.in_subquery(links.into_query())
}

/// Holds for the data rows that the actor sees: a limited key sees those of its projects, through datasets or batches.
pub(crate) fn data_row_visible(actor: &Actor) -> Condition {
    let Some(projects) = &actor.projects else {
        return Condition::all();
    };
    let datasets = dataset::Entity::find()
        .select_only()
        .column(dataset::Column::Id)
        .filter(connected(projects));
    let of_dataset = data_row::Column::DatasetId.in_subquery(datasets.into_query());
    Condition::all().add(Condition::any().add(of_dataset).add(batched(projects)))
}

fn batched(projects: &[ProjectId]) -> Expr {
    let batches = batch::Entity::find()
        .select_only()
        .column(batch::Column::Id)
        .filter(batch::Column::ProjectId.is_in(projects.iter().copied()));
    let rows = batch_data_row::Entity::find()
        .select_only()
        .column(batch_data_row::Column::DataRowId)
        .filter(batch_data_row::Column::BatchId.in_subquery(batches.into_query()));
    data_row::Column::Id.in_subquery(rows.into_query())
}

/// Holds for the data rows whose dataset is live.
pub(crate) fn in_live_dataset() -> Expr {
    parent_is_live::<dataset::Entity>(
        dataset::Column::Id,
        dataset::Column::Deleted,
        (data_row::Entity, data_row::Column::DatasetId),
    )
}

/// Holds for the reviews whose label is live.
pub(crate) fn of_live_label() -> Expr {
    parent_is_live::<label::Entity>(
        label::Column::Id,
        label::Column::Deleted,
        (review::Entity, review::Column::LabelId),
    )
}

/// Holds for the stages whose project is live.
pub(super) fn of_live_project() -> Expr {
    parent_is_live::<project::Entity>(
        project::Column::Id,
        project::Column::Deleted,
        (stage::Entity, stage::Column::ProjectId),
    )
}

fn parent_is_live<P: EntityTrait>(id: P::Column, deleted: P::Column, child: impl IntoColumnRef) -> Expr {
    let live = P::find()
        .select_only()
        .column(id)
        .filter(deleted.eq(false))
        .filter(id.into_expr().equals(child));
    Expr::exists(live.into_query())
}

/// Holds for the runs of stages that the actor sees.
pub(super) fn of_visible_stage(actor: &Actor) -> Condition {
    let of_run = stage::Column::Id
        .into_expr()
        .equals((stage_run::Entity, stage_run::Column::StageId));
    let stages = stage::Entity::find()
        .select_only()
        .column(stage::Column::Id)
        .filter(of_run)
        .filter(of_live_project())
        .filter(within(actor, stage::Column::ProjectId));
    Condition::all().add(Expr::exists(stages.into_query()))
}

/// Holds for the notifications of webhooks that the actor sees: a limited key sees what goes to its projects' webhooks,
/// not what goes to those of the organization. None: all.
pub(crate) fn of_visible_webhook(actor: &Actor) -> Option<Expr> {
    let projects = actor.projects.as_ref()?;
    let webhooks = webhook::Entity::find()
        .select_only()
        .column(webhook::Column::Id)
        .filter(webhook::Column::ProjectId.is_in(projects.iter().copied()));
    Some(notification::Column::WebhookId.in_subquery(webhooks.into_query()))
}
