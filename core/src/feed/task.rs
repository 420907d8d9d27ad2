//! Changes of tasks. A task has no sequence number and no history to replay: an announcement names the changed tasks,
//! which are read in their current state, also once more after their deletion.

use super::channel::{Channel, Item, Read};
use crate::Result;
use entity::{BatchId, DataRowId, OrganizationId, TaskId, batch_data_row, task};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QuerySelect};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, Ordering},
};

/// The most tasks read at once: a draft may have megabytes.
const ROWS: usize = 32;

/// A task after a change.
#[derive(Clone, Debug)]
pub struct TaskChange {
    /// The task.
    pub row: task::Model,
    /// The batches that contain its data row.
    pub batch_ids: Vec<BatchId>,
    /// The number of the read, which differs from that of earlier reads of the same task.
    pub number: i64,
}

/// A counter of the tasks read.
static READ: AtomicI64 = AtomicI64::new(0);

impl Item for TaskChange {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.row.draft.as_ref().map_or(0, String::len)
    }

    fn sequence(&self) -> Option<i64> {
        None
    }

    async fn read(db: &DatabaseConnection, id: OrganizationId, channel: &Channel<Self>) -> Result<Read<Self>> {
        let ids = channel.take_hinted(ROWS);
        let more = ids.len() == ROWS;
        let query = task::Entity::find()
            .filter(task::Column::Id.is_in(ids.iter().map(|id| TaskId(*id))))
            .filter(task::Column::OrganizationId.eq(id));
        let rows = if ids.is_empty() {
            Ok(Vec::new())
        } else {
            query.all(db).await
        };
        let rows = match rows {
            Ok(rows) => batched(db, rows).await,
            Err(fault) => Err(fault.into()),
        };
        if rows.is_err() {
            channel.put_back(ids);
        }
        Ok(Read {
            rows: rows?,
            position: 0,
            more,
        })
    }
}

async fn batched(db: &DatabaseConnection, rows: Vec<task::Model>) -> Result<Vec<TaskChange>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let links: Vec<(DataRowId, BatchId)> = batch_data_row::Entity::find()
        .select_only()
        .columns([batch_data_row::Column::DataRowId, batch_data_row::Column::BatchId])
        .filter(batch_data_row::Column::DataRowId.is_in(rows.iter().map(|row| row.data_row_id)))
        .into_tuple()
        .all(db)
        .await?;
    let mut batches: HashMap<DataRowId, Vec<BatchId>> = HashMap::new();
    for (data_row_id, batch_id) in links {
        batches.entry(data_row_id).or_default().push(batch_id);
    }
    let change = |row: task::Model| TaskChange {
        batch_ids: batches.get(&row.data_row_id).cloned().unwrap_or_default(),
        number: READ.fetch_add(1, Ordering::Relaxed),
        row,
    };
    Ok(rows.into_iter().map(change).collect())
}
