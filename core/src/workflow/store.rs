//! The rows of workflows: reading, writing, and creating a default.

use crate::{Error, Result, db::Txn, graph::Edge};
use entity::{ProjectId, StageId, StageOutput, StageType, Timestamp, project, stage, workflow};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};

/// The default maximum number of times that a task may enter one webhook stage.
pub(super) const MAX_PASSES: i32 = 100;

/// A project's workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// The row of the workflow.
    pub row: workflow::Model,
    /// The stages in the order in which they were saved.
    pub stages: Vec<stage::Model>,
}

/// Reads the workflow of an existing project.
pub(super) async fn read(db: &impl ConnectionTrait, id: ProjectId) -> Result<Workflow> {
    let row = workflow::Entity::find_by_id(id).one(db).await?;
    let row = row.ok_or_else(|| Error::internal(format!("project {id} has no workflow")))?;
    let stages = stage::Entity::find()
        .filter(stage::Column::ProjectId.eq(id))
        .filter(stage::Column::RemovedAt.is_null())
        .order_by_asc(stage::Column::Place);
    Ok(Workflow {
        row,
        stages: stages.all(db).await?,
    })
}

/// Writes a workflow and its stages over the existing rows.
pub(super) async fn write(txn: &Txn, row: &workflow::Model, stages: &[stage::Model]) -> Result<()> {
    let changed = workflow::Column::iter().filter(|column| !matches!(column, workflow::Column::ProjectId));
    workflow::Entity::insert(row.clone().into_active_model())
        .on_conflict(
            OnConflict::column(workflow::Column::ProjectId)
                .update_columns(changed)
                .to_owned(),
        )
        .exec_without_returning(txn.conn())
        .await?;
    let changed = stage::Column::iter().filter(|column| !matches!(column, stage::Column::Id));
    stage::Entity::insert_many(stages.iter().cloned().map(IntoActiveModel::into_active_model))
        .on_conflict(OnConflict::column(stage::Column::Id).update_columns(changed).to_owned())
        .exec_without_returning(txn.conn())
        .await?;
    Ok(())
}

/// Marks stages as removed.
pub(super) async fn remove(txn: &Txn, stages: &[stage::Model]) -> Result<()> {
    if stages.is_empty() {
        return Ok(());
    }
    let now: Option<Timestamp> = Some(txn.now());
    stage::Entity::update_many()
        .col_expr(stage::Column::RemovedAt, Expr::value(now))
        .filter(stage::Column::Id.is_in(stages.iter().map(|stage| stage.id)))
        .exec(txn.conn())
        .await?;
    Ok(())
}

/// Creates the default workflow of a project: START → LABEL → COMPLETE.
pub(crate) async fn make_default(txn: &Txn, project: &project::Model) -> Result<()> {
    let row = workflow::Model {
        project_id: project.id,
        organization_id: project.organization_id,
        version: 1,
        max_passes: MAX_PASSES,
        updated_by: project.created_by,
        created_at: txn.now(),
        updated_at: txn.now(),
    };
    let types = [StageType::Start, StageType::Label, StageType::Complete];
    let ids = types.map(|_| StageId::new());
    let stages = (0..types.len()).map(|place| stage::Model {
        id: ids[place],
        organization_id: project.organization_id,
        project_id: project.id,
        place: i32::try_from(place).unwrap_or(i32::MAX),
        name: title(types[place]).to_owned(),
        stage_type: types[place],
        position: None,
        edges: text(&next(ids.get(place + 1).copied())),
        webhook_id: None,
        removed_at: None,
        created_at: txn.now(),
    });
    write(txn, &row, &stages.collect::<Vec<_>>()).await
}

fn title(stage_type: StageType) -> &'static str {
    match stage_type {
        StageType::Start => "Start",
        StageType::Label => "Label",
        _ => "Complete",
    }
}

fn next(to: Option<StageId>) -> Vec<Edge> {
    let edge = |to| Edge {
        output: StageOutput::Next,
        to,
        condition: None,
    };
    to.map(edge).into_iter().collect()
}

/// Serializes edges for their column.
pub(super) fn text(edges: &[Edge]) -> String {
    serde_json::to_string(edges).expect("lists of plain values always serialise")
}
