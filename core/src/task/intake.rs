//! Intake: turns the data rows attached to a project into tasks, which enter the workflow at START and move on. A few
//! are created by the attaching transaction itself; the data rows of a connected dataset follow in steps that survive a
//! restart.

use super::{batch_size, transition::Transition};
use crate::{Result, auth::Actor, db::Txn, lookup};
use entity::{
    DataRowId, DatasetId, IntakeId, IntakeKind, LabelId, OrganizationId, ProjectId, TaskId, TaskStatus, Timestamp,
    UserId, batch, batch_data_row, data_row, intake, label, project, project_dataset, task,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    RelationDef, Select, sea_query::Expr,
};
use std::collections::HashMap;
use uuid::Uuid;

/// The maximum number of tasks that the attaching transaction creates, as far as they fit into a step; more are created
/// in steps.
const MAX_CREATED_AT_ONCE: usize = 1_000;
/// The number of data rows that a step processes.
pub(super) const BATCH_SIZE: u64 = 200;

/// The source of data rows and the project that gets the tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) organization_id: OrganizationId,
    pub(crate) project_id: ProjectId,
    pub(crate) kind: IntakeKind,
    pub(crate) target_id: Uuid,
    /// The user who attached it.
    pub(crate) user_id: Option<UserId>,
}

/// Creates tasks for new data rows of a dataset, in the live projects that it is connected to. Returns whether some are
/// left to steps.
pub(crate) async fn created(txn: &Txn, actor: &Actor, rows: &[data_row::Model]) -> Result<bool> {
    let Some(first) = rows.first() else {
        return Ok(false);
    };
    let (mut room, mut later) = (MAX_CREATED_AT_ONCE, false);
    for project_id in connected(txn, first.dataset_id).await? {
        let source = Source {
            organization_id: actor.organization_id,
            project_id,
            kind: IntakeKind::Dataset,
            target_id: first.dataset_id.0,
            user_id: Some(actor.user_id),
        };
        later |= start(txn, source, rows.to_vec(), &mut room).await?;
    }
    Ok(later)
}

/// Creates tasks for the data rows of a new batch, in its project. Returns whether some are left to steps.
pub(crate) async fn batched(
    txn: &Txn,
    actor: &Actor,
    batch: &batch::Model,
    rows: Vec<data_row::Model>,
) -> Result<bool> {
    let source = Source {
        organization_id: actor.organization_id,
        project_id: batch.project_id,
        kind: IntakeKind::Batch,
        target_id: batch.id.0,
        user_id: Some(actor.user_id),
    };
    start(txn, source, rows, &mut MAX_CREATED_AT_ONCE.clone()).await
}

/// Creates tasks for the data rows that fit into this transaction, in the order of ids, and records the rest.
async fn start(txn: &Txn, source: Source, mut rows: Vec<data_row::Model>, room: &mut usize) -> Result<bool> {
    rows.sort_unstable_by_key(|row| row.id);
    let fits = batch_size::room(txn.conn(), source.project_id)
        .await?
        .min(*room)
        .min(rows.len());
    let rest = rows.split_off(fits);
    *room -= fits;
    let place = match (rows.last(), rest.first()) {
        (Some(last), _) => Some(last.id),
        (None, Some(first)) => Some(before(first.id)),
        (None, None) => None,
    };
    take_in(txn, source.user_id, source.project_id, rows).await?;
    if !rest.is_empty() {
        schedule(txn, source, place).await?;
    }
    Ok(!rest.is_empty())
}

async fn connected(txn: &Txn, id: DatasetId) -> Result<Vec<ProjectId>> {
    Ok(project_dataset::Entity::find()
        .select_only()
        .column(project_dataset::Column::ProjectId)
        .join(JoinType::InnerJoin, project_of_link())
        .filter(project_dataset::Column::DatasetId.eq(id))
        .filter(project::Column::Deleted.eq(false))
        .into_tuple()
        .all(txn.conn())
        .await?)
}

fn project_of_link() -> RelationDef {
    project_dataset::Entity::belongs_to(project::Entity)
        .from(project_dataset::Column::ProjectId)
        .to(project::Column::Id)
        .into()
}

/// Records an intake in the transaction that attaches the data rows. Only data rows after `place` are included.
pub(crate) async fn schedule(txn: &Txn, source: Source, place: Option<DataRowId>) -> Result<()> {
    let row = intake::Model {
        id: IntakeId::new(),
        organization_id: source.organization_id,
        project_id: source.project_id,
        kind: source.kind,
        target_id: source.target_id,
        actor_id: source.user_id,
        place,
        created_at: txn.now(),
        done_at: None,
    };
    intake::Entity::insert(row.into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    Ok(())
}

/// Takes in the next data rows of an intake. Gives whether there may be more.
pub(crate) async fn step(txn: &Txn, id: IntakeId) -> Result<bool> {
    let row = intake::Entity::find_by_id(id).one(txn.conn()).await?;
    let Some(mut row) = row.filter(|row| row.done_at.is_none()) else {
        return Ok(false);
    };
    let mut found = match is_live(txn, &row).await? {
        true => next(&row).all(txn.conn()).await?,
        false => Vec::new(),
    };
    let fits = batch_size::room(txn.conn(), row.project_id).await?;
    let more = found.len() as u64 == BATCH_SIZE || found.len() > fits;
    found.truncate(fits);
    row.place = found.last().map(|row| row.id).or(row.place);
    row.done_at = (!more).then_some(txn.now());
    take_in(txn, row.actor_id, row.project_id, found).await?;
    let (place, done_at): (Option<DataRowId>, Option<Timestamp>) = (row.place, row.done_at);
    intake::Entity::update_many()
        .col_expr(intake::Column::Place, Expr::value(place))
        .col_expr(intake::Column::DoneAt, Expr::value(done_at))
        .filter(intake::Column::Id.eq(row.id))
        .exec(txn.conn())
        .await?;
    Ok(more)
}

/// Returns whether the intake still applies: a deleted project gets no tasks, and a disconnected dataset provides none.
async fn is_live(txn: &Txn, row: &intake::Model) -> Result<bool> {
    let project = project::Entity::find_by_id(row.project_id).one(txn.conn()).await?;
    if project.is_none_or(|project| project.deleted) {
        return Ok(false);
    }
    match row.kind {
        IntakeKind::Batch => Ok(true),
        IntakeKind::Dataset => {
            let link = (row.project_id, DatasetId(row.target_id));
            Ok(project_dataset::Entity::find_by_id(link)
                .one(txn.conn())
                .await?
                .is_some())
        }
    }
}

fn next(row: &intake::Model) -> Select<data_row::Entity> {
    let of_target = match row.kind {
        IntakeKind::Dataset => data_row::Column::DatasetId.eq(row.target_id),
        IntakeKind::Batch => {
            let links = batch_data_row::Entity::find()
                .select_only()
                .column(batch_data_row::Column::DataRowId)
                .filter(batch_data_row::Column::BatchId.eq(row.target_id));
            data_row::Column::Id.in_subquery(links.into_query())
        }
    };
    let condition = Condition::all()
        .add(of_target)
        .add(lookup::in_live_dataset())
        .add_option(row.place.map(|place| data_row::Column::Id.gt(place)));
    data_row::Entity::find()
        .filter(condition)
        .order_by_asc(data_row::Column::Id)
        .limit(BATCH_SIZE)
}

/// Creates tasks for those data rows that have none in this project, and moves them on from START.
async fn take_in(txn: &Txn, user_id: Option<UserId>, project_id: ProjectId, rows: Vec<data_row::Model>) -> Result<()> {
    let rows = without_task(txn, project_id, rows).await?;
    match rows.is_empty() {
        true => Ok(()),
        false => enter(txn, user_id, project_id, &rows).await,
    }
}

async fn enter(txn: &Txn, user_id: Option<UserId>, project_id: ProjectId, rows: &[data_row::Model]) -> Result<()> {
    let graph = txn.graphs().of(txn.conn(), project_id).await?;
    let labels = labelled(txn, project_id, rows).await?;
    let tasks: Vec<task::Model> = rows
        .iter()
        .map(|row| task::Model {
            id: TaskId::new(),
            organization_id: row.organization_id,
            project_id,
            data_row_id: row.id,
            external_id: row.external_id.clone(),
            stage_id: graph.start(),
            status: TaskStatus::Ready,
            status_reason: None,
            label_id: labels.get(&row.id).copied(),
            draft: None,
            assignee_id: None,
            event_id: None,
            notification_id: None,
            entered_at: txn.now(),
            duration_ms: 0,
            idle_ms: 0,
            blur_ms: 0,
            total_duration_ms: 0,
            total_idle_ms: 0,
            total_blur_ms: 0,
            updated_by: user_id,
            deleted: false,
            created_at: txn.now(),
            updated_at: txn.now(),
        })
        .collect();
    let mut transition = Transition::through(txn, graph, project_id, tasks, user_id).await?;
    for place in 0..transition.len() {
        transition.begin(place, user_id).await?;
    }
    transition.store().await?;
    Ok(())
}

async fn without_task(txn: &Txn, project_id: ProjectId, rows: Vec<data_row::Model>) -> Result<Vec<data_row::Model>> {
    let known: Vec<DataRowId> = task::Entity::find()
        .select_only()
        .column(task::Column::DataRowId)
        .filter(task::Column::ProjectId.eq(project_id))
        .filter(task::Column::DataRowId.is_in(rows.iter().map(|row| row.id)))
        .into_tuple()
        .all(txn.conn())
        .await?;
    let live = |row: &data_row::Model| row.deleted_at.is_none() && !known.contains(&row.id);
    Ok(rows.into_iter().filter(live).collect())
}

/// Loads the newest label that each data row already has in the project.
async fn labelled(txn: &Txn, project_id: ProjectId, rows: &[data_row::Model]) -> Result<HashMap<DataRowId, LabelId>> {
    let found: Vec<(DataRowId, LabelId)> = label::Entity::find()
        .select_only()
        .columns([label::Column::DataRowId, label::Column::Id])
        .filter(label::Column::DataRowId.is_in(rows.iter().map(|row| row.id)))
        .filter(label::Column::ProjectId.eq(project_id))
        .filter(label::Column::Deleted.eq(false))
        .order_by_asc(label::Column::Id)
        .into_tuple()
        .all(txn.conn())
        .await?;
    Ok(found.into_iter().collect())
}

/// Returns the id just before this one.
fn before(id: DataRowId) -> DataRowId {
    DataRowId(Uuid::from_u128(id.0.as_u128().saturating_sub(1)))
}
