//! Deletions in bounded steps: the labels of a deleted dataset or data row are deleted and published in steps, one
//! transaction each, so that a million labels block nobody; a dataset's tasks follow in the same way. The work to do is
//! a row written in the transaction of the deletion itself; after a restart, unfinished rows continue from the
//! remaining labels.
//!
//! Nothing new can appear below a deleted object (labels are refused there), so a step continues after the last one.

use crate::{App, Result, auth::Actor, db::Txn, label, sql::statement::octets, task};
use entity::{DataRowId, DeletionId, DeletionKind, LabelId, Timestamp, data_row, deletion, label as labels};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef,
    sea_query::Expr,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The maximum number of labels of one step.
pub const STEP: u64 = 200;
/// The polling interval, since the wake-up signal is only a hint.
const LOOK: Duration = Duration::from_secs(5);

/// Wakes the background task when there is something to delete.
#[derive(Debug, Default)]
pub struct Wake(Notify);

impl Wake {
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }
}

/// The progress of a deletion: the last deleted label of a data row.
#[derive(Clone, Copy)]
struct Place {
    data_row_id: DataRowId,
    label_id: LabelId,
}

type Places = HashMap<DeletionId, Place>;

/// Runs until shutdown.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    loop {
        if let Some(Err(error)) = shutdown.run_until_cancelled(run_until_idle(&app)).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a deletion did not go on");
        }
        let woken = tokio::time::timeout(LOOK, app.deletions.0.notified());
        if shutdown.run_until_cancelled(woken).await.is_none() {
            return;
        }
    }
}

/// Runs until nothing is left to delete. Deletions alternate, one step each (round robin).
pub async fn run_until_idle(app: &App) -> Result<()> {
    let mut places = Places::new();
    loop {
        let running = running(app).await?;
        if running.is_empty() || !app.nodes.leads() {
            return Ok(());
        }
        for deletion in running {
            let id = deletion.id;
            let place = places.get(&id).copied();
            match step(app, deletion, place).await? {
                Some(place) => places.insert(id, place),
                None => places.remove(&id),
            };
        }
    }
}

/// Records a deletion's work, in the transaction that hides the object.
pub(crate) async fn schedule(
    txn: &Txn,
    actor: &Actor,
    kind: DeletionKind,
    targets: impl IntoIterator<Item = Uuid>,
) -> Result<()> {
    let rows: Vec<_> = targets
        .into_iter()
        .map(|target_id| deletion::Model {
            id: DeletionId::new(),
            organization_id: actor.organization_id,
            kind,
            target_id,
            actor_id: Some(actor.user_id),
            created_at: txn.now(),
            done_at: None,
        })
        .map(IntoActiveModel::into_active_model)
        .collect();
    if !rows.is_empty() {
        deletion::Entity::insert_many(rows)
            .exec_without_returning(txn.conn())
            .await?;
    }
    Ok(())
}

async fn running(app: &App) -> Result<Vec<deletion::Model>> {
    Ok(deletion::Entity::find()
        .filter(deletion::Column::DoneAt.is_null())
        .order_by_asc(deletion::Column::Id)
        .limit(STEP)
        .all(app.db.read())
        .await?)
}

/// Deletes the next labels. Returns the new progress, or none when nothing is left.
async fn step(app: &App, deletion: deletion::Model, place: Option<Place>) -> Result<Option<Place>> {
    app.db
        .write(deletion.organization_id, move |txn| {
            Box::pin(async move {
                if deletion.kind == DeletionKind::DatasetTasks {
                    return tasks(txn, &deletion, place).await;
                }
                let (mut rows, more) = next(txn, &deletion, place).await?;
                let last = rows.last().map(|row| Place {
                    data_row_id: row.data_row_id,
                    label_id: row.id,
                });
                if !rows.is_empty() {
                    label::remove(txn, &mut rows).await?;
                }
                if !more {
                    done(txn, deletion.id).await?;
                }
                Ok(last.filter(|_| more))
            })
        })
        .await
}

/// Deletes the next tasks of a dataset. No events are published: a deleted task causes none.
async fn tasks(txn: &Txn, deletion: &deletion::Model, place: Option<Place>) -> Result<Option<Place>> {
    let mut rows = data_row::Entity::find()
        .select_only()
        .column(data_row::Column::Id)
        .filter(data_row::Column::DatasetId.eq(deletion.target_id));
    if let Some(place) = place {
        rows = rows.filter(data_row::Column::Id.gt(place.data_row_id));
    }
    let ids: Vec<DataRowId> = rows
        .order_by_asc(data_row::Column::Id)
        .limit(STEP)
        .into_tuple()
        .all(txn.conn())
        .await?;
    task::forget(txn, &ids).await?;
    let last = ids.last().filter(|_| ids.len() as u64 == STEP);
    if last.is_none() {
        done(txn, deletion.id).await?;
    }
    Ok(last.map(|id| Place {
        data_row_id: *id,
        label_id: LabelId(Uuid::nil()),
    }))
}

/// Selects the next labels, and whether there may be more. Their number and their total size are bounded; one always
/// fits.
async fn next(txn: &Txn, deletion: &deletion::Model, place: Option<Place>) -> Result<(Vec<labels::Model>, bool)> {
    let found = sizes(txn, deletion, place).await?;
    let mut bytes = 0;
    let fits = |(_, size): &&(LabelId, i64)| {
        let is_first = bytes == 0;
        bytes += usize::try_from(*size).unwrap_or(usize::MAX).max(1);
        is_first || bytes <= label::DELETED
    };
    let ids: Vec<LabelId> = found.iter().take_while(fits).map(|(id, _)| *id).collect();
    let more = ids.len() as u64 == STEP || ids.len() < found.len();
    let rows = labels::Entity::find()
        .filter(labels::Column::Id.is_in(ids))
        .order_by_asc(labels::Column::DataRowId)
        .order_by_asc(labels::Column::Id);
    Ok((rows.all(txn.conn()).await?, more))
}

/// Selects the next labels and the sizes of their annotations, without reading these.
async fn sizes(txn: &Txn, deletion: &deletion::Model, place: Option<Place>) -> Result<Vec<(LabelId, i64)>> {
    let mut query = labels::Entity::find()
        .join(JoinType::InnerJoin, data_row_of_label())
        .filter(labels::Column::Deleted.eq(false))
        .filter(match deletion.kind {
            DeletionKind::Dataset => data_row::Column::DatasetId.eq(deletion.target_id),
            DeletionKind::DataRow | DeletionKind::DatasetTasks => data_row::Column::Id.eq(deletion.target_id),
        });
    if let Some(place) = place {
        query = query.filter(data_row::Column::Id.gte(place.data_row_id)).filter(
            Condition::any()
                .add(data_row::Column::Id.gt(place.data_row_id))
                .add(labels::Column::Id.gt(place.label_id)),
        );
    }
    Ok(query
        .select_only()
        .column(labels::Column::Id)
        .column_as(octets(labels::Column::Label.into_expr()), "bytes")
        .order_by_asc(data_row::Column::Id)
        .order_by_asc(labels::Column::Id)
        .limit(STEP)
        .into_tuple()
        .all(txn.conn())
        .await?)
}

fn data_row_of_label() -> RelationDef {
    labels::Entity::belongs_to(data_row::Entity)
        .from(labels::Column::DataRowId)
        .to(data_row::Column::Id)
        .into()
}

async fn done(txn: &Txn, id: DeletionId) -> Result<()> {
    let now: Option<Timestamp> = Some(txn.now());
    deletion::Entity::update_many()
        .col_expr(deletion::Column::DoneAt, Expr::value(now))
        .filter(deletion::Column::Id.eq(id))
        .exec(txn.conn())
        .await?;
    Ok(())
}
