//! The progress of replays. As with tasks, an announcement names the replays, which are read in their current state.

use super::channel::{Channel, Item, Read};
use crate::Result;
use entity::{OrganizationId, ReplayId, ReplayStatus, replay};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};
use std::sync::atomic::{AtomicI64, Ordering};

/// The most replays read at once.
const ROWS: usize = 100;
/// A counter of the replays read.
static READ: AtomicI64 = AtomicI64::new(0);

/// A replay after a step.
#[derive(Clone, Debug)]
pub struct ReplayChange {
    /// The replay.
    pub row: replay::Model,
    /// The number of the read, which differs from that of earlier reads of the same replay.
    pub number: i64,
}

impl ReplayChange {
    pub(crate) fn of(row: replay::Model) -> Self {
        Self {
            row,
            number: READ.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Returns whether the replay has ended, so that nothing follows.
    pub fn is_over(&self) -> bool {
        self.row.status != ReplayStatus::Running
    }
}

impl Item for ReplayChange {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.row.criteria.len()
    }

    /// Returns the progress as a number that only grows: a state that was read later and is no further is not
    /// delivered.
    fn sequence(&self) -> Option<i64> {
        Some(i64::from(self.row.done) * 2 + i64::from(self.is_over()))
    }

    async fn read(db: &DatabaseConnection, id: OrganizationId, channel: &Channel<Self>) -> Result<Read<Self>> {
        let ids = channel.take_hinted(ROWS);
        let more = ids.len() == ROWS;
        let query = replay::Entity::find()
            .filter(replay::Column::Id.is_in(ids.iter().map(|id| ReplayId(*id))))
            .filter(replay::Column::OrganizationId.eq(id));
        let rows = match ids.is_empty() {
            true => Ok(Vec::new()),
            false => query.all(db).await,
        };
        if rows.is_err() {
            channel.put_back(ids);
        }
        Ok(Read {
            rows: rows?.into_iter().map(ReplayChange::of).collect(),
            position: 0,
            more,
        })
    }
}
