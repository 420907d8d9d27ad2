//! Pages of the log in the order of `sequence`: events and notifications after a number. A page is bounded in rows and
//! bytes, and by the horizon of open transactions: nothing can appear later before a row of a page.

use super::channel::{Channel, Item, Read};
use crate::{
    Result,
    sql::{sequence::horizon, statement::octets},
};
use entity::{OrganizationId, ProjectId, WebhookId, event, notification, webhook};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use std::collections::HashMap;

/// The most rows of a page.
const ROWS: u64 = 256;
/// The most bytes of a page of events, unless its first one alone is larger.
const BYTES: i64 = 4 << 20;

/// A kind of rows that is stored with a sequence number.
pub(crate) trait Logged: Item {
    /// Reads a page: rows with a number above `after` and at most `until`.
    fn page(
        db: &DatabaseConnection,
        organization_id: OrganizationId,
        after: i64,
        until: i64,
    ) -> impl Future<Output = Result<Read<Self>>> + Send;
}

/// A notification after a change.
#[derive(Clone, Debug)]
pub struct Change {
    /// The notification.
    pub row: notification::Model,
    /// The project of its webhook: an API key that is limited to projects must have access to it.
    pub webhook_project_id: Option<ProjectId>,
}

impl Item for event::Model {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.data.len()
    }

    fn sequence(&self) -> Option<i64> {
        Some(self.sequence)
    }

    async fn read(db: &DatabaseConnection, id: OrganizationId, channel: &Channel<Self>) -> Result<Read<Self>> {
        Self::page(db, id, channel.position(), i64::MAX).await
    }
}

impl Logged for event::Model {
    async fn page(db: &DatabaseConnection, id: OrganizationId, after: i64, until: i64) -> Result<Read<Self>> {
        let until = until.min(horizon(db).await?);
        let sizes: Vec<(i64, i64)> = events(id, after, until)
            .select_only()
            .column(event::Column::Sequence)
            .column_as(octets(event::Column::Data.into_expr()), "size")
            .limit(ROWS)
            .into_tuple()
            .all(db)
            .await?;
        let Some(end) = within(&sizes) else {
            return Ok(nothing(after));
        };
        let rows = events(id, after, end).all(db).await?;
        let more = rows.len() < sizes.len() || sizes.len() as u64 == ROWS;
        Ok(Read {
            rows,
            position: end,
            more,
        })
    }
}

impl Item for Change {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.row.external_id.as_ref().map_or(0, String::len)
    }

    fn sequence(&self) -> Option<i64> {
        Some(self.row.sequence)
    }

    async fn read(db: &DatabaseConnection, id: OrganizationId, channel: &Channel<Self>) -> Result<Read<Self>> {
        Self::page(db, id, channel.position(), i64::MAX).await
    }
}

impl Logged for Change {
    async fn page(db: &DatabaseConnection, id: OrganizationId, after: i64, until: i64) -> Result<Read<Self>> {
        let until = until.min(horizon(db).await?);
        let rows = notifications(id, after, until).limit(ROWS).all(db).await?;
        let Some(position) = rows.last().map(|row| row.sequence) else {
            return Ok(nothing(after));
        };
        let more = rows.len() as u64 == ROWS;
        let projects = projects(db, &rows).await?;
        let change = |row: notification::Model| Self {
            webhook_project_id: projects.get(&row.webhook_id).copied().flatten(),
            row,
        };
        let rows = rows.into_iter().map(change).collect();
        Ok(Read { rows, position, more })
    }
}

fn nothing<T>(position: i64) -> Read<T> {
    Read {
        rows: Vec::new(),
        position,
        more: false,
    }
}

fn events(id: OrganizationId, after: i64, until: i64) -> Select<event::Entity> {
    event::Entity::find()
        .filter(event::Column::OrganizationId.eq(id))
        .filter(event::Column::Sequence.gt(after))
        .filter(event::Column::Sequence.lte(until))
        .order_by_asc(event::Column::Sequence)
}

fn notifications(id: OrganizationId, after: i64, until: i64) -> Select<notification::Entity> {
    notification::Entity::find()
        .filter(notification::Column::OrganizationId.eq(id))
        .filter(notification::Column::Sequence.gt(after))
        .filter(notification::Column::Sequence.lte(until))
        .order_by_asc(notification::Column::Sequence)
}

/// Returns the last number that fits into a page; `None` when there is no row.
fn within(sizes: &[(i64, i64)]) -> Option<i64> {
    let mut bytes = 0;
    let fits = sizes.iter().take_while(|(_, size)| {
        let first = bytes == 0;
        bytes += size + 1;
        first || bytes <= BYTES
    });
    fits.last().map(|(sequence, _)| *sequence)
}

/// Loads the projects of these notifications' webhooks.
async fn projects(
    db: &DatabaseConnection,
    rows: &[notification::Model],
) -> Result<HashMap<WebhookId, Option<ProjectId>>> {
    let mut ids: Vec<WebhookId> = rows.iter().map(|row| row.webhook_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let projects: Vec<(WebhookId, Option<ProjectId>)> = webhook::Entity::find()
        .select_only()
        .columns([webhook::Column::Id, webhook::Column::ProjectId])
        .filter(webhook::Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(projects.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan;
    use sea_orm::{DbBackend, QueryTrait};

    #[test]
    fn a_page_of_events_is_bounded_in_bytes_and_never_empty() {
        assert_eq!(within(&[]), None);
        assert_eq!(within(&[(7, BYTES * 2), (8, 1)]), Some(7));
        assert_eq!(within(&[(7, 10), (8, 10), (9, BYTES)]), Some(8));
        assert_eq!(within(&[(7, 0), (8, 0)]), Some(8));
    }

    #[tokio::test]
    async fn the_feed_is_read_in_the_order_of_its_index() {
        let id = OrganizationId::new();
        for (sql, index) in [
            (events(id, 1, 2).build(DbBackend::Sqlite).to_string(), "event_sequence"),
            (
                notifications(id, 1, 2).limit(ROWS).build(DbBackend::Sqlite).to_string(),
                "notification_sequence",
            ),
        ] {
            let plan = plan(&sql).await;
            assert_eq!(plan.len(), 1, "one search, already in order: {plan:?}");
            assert!(plan[0].contains(index) && plan[0].contains("sequence>?"), "{plan:?}");
        }
    }
}
