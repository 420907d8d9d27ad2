//! Deletions in bounded steps: the labels of a deleted dataset or data row are deleted and published a step at a time,
//! one unit of work each, so that a million labels hold up nobody; a dataset's tasks follow in the same way. What is to
//! be done is a row written in the transaction of the deletion itself; after a restart the rows that are not done go on
//! from where the labels say.
//!
//! Nothing new can appear below what is deleted (labels are refused there), so a step continues behind the last one.

use super::{
    driver,
    plan::{Plan, RunsOn},
    task::{MAX_BACKOFF, Progress, Task},
};
use crate::{App, Result, db::Txn, label, sql::statement::octets, task, wake::Signal};
use entity::{DataRowId, DeletionId, DeletionKind, LabelId, Timestamp, data_row, deletion, label as labels};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef, sea_query::Expr,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Labels, or tasks, of one step at most.
pub const BATCH_SIZE: u64 = 200;
/// Deletions that are listed at once.
const PAGE_SIZE: u64 = 200;
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Works until `shutdown`.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    driver::run(Deletions::new(&app), &app, &shutdown).await;
}

/// Works until nothing is left to delete.
pub async fn run_until_idle(app: &App) -> Result<()> {
    driver::run_until_idle(Deletions::new(app), app).await.map(drop)
}

struct Deletions<'a> {
    app: &'a App,
    wake: Signal,
    /// The places of deletions that have begun here. A deletion without one begins at its first label that is left.
    places: HashMap<DeletionId, Place>,
}

/// The progress of a deletion: the last deleted label of a data row.
#[derive(Clone, Copy)]
struct Place {
    data_row_id: DataRowId,
    label_id: LabelId,
}

impl<'a> Deletions<'a> {
    fn new(app: &'a App) -> Self {
        Self {
            app,
            wake: app.deletions.subscribe(),
            places: HashMap::new(),
        }
    }
}

impl Task for Deletions<'_> {
    type Item = deletion::Model;
    type Key = DeletionId;

    fn plan(&self) -> Plan {
        Plan {
            name: "deletions",
            runs_on: RunsOn::Leader,
            period: POLL_INTERVAL,
            max_backoff: MAX_BACKOFF,
        }
    }

    fn key(item: &deletion::Model) -> DeletionId {
        item.id
    }

    async fn items(&mut self, after: Option<DeletionId>) -> Result<Vec<deletion::Model>> {
        let running = running(self.app, after).await?;
        if running.is_empty() && after.is_none() {
            self.places.clear();
        }
        Ok(running)
    }

    async fn step(&mut self, item: deletion::Model) -> Result<Progress> {
        let id = item.id;
        let place = step(self.app, item, self.places.get(&id).copied()).await?;
        match place {
            Some(place) => {
                self.places.insert(id, place);
                Ok(Progress::More)
            }
            None => {
                self.places.remove(&id);
                Ok(Progress::Idle)
            }
        }
    }

    async fn woken(&mut self, _is_waiting: bool) {
        self.wake.woken().await;
    }
}

/// Lists deletions that are not done, oldest first.
async fn running(app: &App, after: Option<DeletionId>) -> Result<Vec<deletion::Model>> {
    let behind = after.map(|id| deletion::Column::Id.gt(id));
    Ok(deletion::Entity::find()
        .filter(
            Condition::all()
                .add(deletion::Column::DoneAt.is_null())
                .add_option(behind),
        )
        .order_by_asc(deletion::Column::Id)
        .limit(PAGE_SIZE)
        .all(app.db.read())
        .await?)
}

/// Deletes the next labels. Gives where it stands, or nothing when none is left.
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

/// The next tasks go with their dataset. They tell nobody: no event is about a task that is gone.
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
        .limit(BATCH_SIZE)
        .into_tuple()
        .all(txn.conn())
        .await?;
    task::forget(txn, &ids).await?;
    let last = ids.last().filter(|_| ids.len() as u64 == BATCH_SIZE);
    if last.is_none() {
        done(txn, deletion.id).await?;
    }
    Ok(last.map(|id| Place {
        data_row_id: *id,
        label_id: LabelId(Uuid::nil()),
    }))
}

/// The next labels, and whether there may be more. Their number is bounded, and so are their bytes; one always fits.
async fn next(txn: &Txn, deletion: &deletion::Model, place: Option<Place>) -> Result<(Vec<labels::Model>, bool)> {
    let found = sizes(txn, deletion, place).await?;
    let mut bytes = 0;
    let fits = |(_, size): &&(LabelId, i64)| {
        let is_first = bytes == 0;
        bytes += usize::try_from(*size).unwrap_or(usize::MAX).max(1);
        is_first || bytes <= label::MAX_DELETED_BYTES
    };
    let ids: Vec<LabelId> = found.iter().take_while(fits).map(|(id, _)| *id).collect();
    let more = ids.len() as u64 == BATCH_SIZE || ids.len() < found.len();
    let rows = labels::Entity::find()
        .filter(labels::Column::Id.is_in(ids))
        .order_by_asc(labels::Column::DataRowId)
        .order_by_asc(labels::Column::Id);
    Ok((rows.all(txn.conn()).await?, more))
}

/// The next labels and the bytes of their annotations, which are not read for it.
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
        .limit(BATCH_SIZE)
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
