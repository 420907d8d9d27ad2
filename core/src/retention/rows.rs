//! Deletes the expired rows of one organization, some hundred a unit of work, oldest first. Candidates are read outside
//! the writer, on the indexes that lists use. The condition that nothing needs them is checked in the unit's
//! transaction, after everything that its commit group writes: an event that is being sent again at that moment stays.

use super::Pacing;
use crate::{App, Result, queue::outbox::removal::Removal};
use entity::{EventId, NotificationId, OrganizationId, Timestamp, event, notification};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::time::Instant;
use uuid::Uuid;

/// The most rows that one unit looks at.
const BATCH_SIZE: usize = 256;

/// Deletes the rows of an organization that were created before `before`.
pub(super) async fn remove(app: &App, id: OrganizationId, before: Timestamp, pace: Pacing) -> Result<()> {
    let mut after = NotificationId(Uuid::nil());
    loop {
        let begun = Instant::now();
        let notifications = old_notifications(app, id, after, before).await?;
        let Some(last) = notifications.last() else { break };
        after = *last;
        let ends = notifications.len() < BATCH_SIZE;
        let events = Vec::new();
        step(app, id, Removal { notifications, events }).await?;
        pace.rest(begun).await;
        if ends {
            break;
        }
    }
    let mut after = i64::MIN;
    loop {
        let begun = Instant::now();
        let found = old_events(app, id, after, before).await?;
        let Some((_, last)) = found.last() else { break };
        after = *last;
        let ends = found.len() < BATCH_SIZE;
        let events = found.into_iter().map(|(id, _)| id).collect();
        let notifications = Vec::new();
        step(app, id, Removal { notifications, events }).await?;
        pace.rest(begun).await;
        if ends {
            break;
        }
    }
    Ok(())
}

async fn step(app: &App, id: OrganizationId, removal: Removal) -> Result<()> {
    app.db
        .write(id, move |txn| {
            txn.outbox().remove(removal);
            Box::pin(async { Ok(()) })
        })
        .await
}

/// Returns the next notifications, oldest first, ended or not, up to the first that has not expired.
async fn old_notifications(
    app: &App,
    id: OrganizationId,
    after: NotificationId,
    before: Timestamp,
) -> Result<Vec<NotificationId>> {
    let rows: Vec<(NotificationId, Timestamp)> = notification::Entity::find()
        .select_only()
        .columns([notification::Column::Id, notification::Column::CreatedAt])
        .filter(notification::Column::OrganizationId.eq(id))
        .filter(notification::Column::Id.gt(after))
        .order_by_asc(notification::Column::Id)
        .limit(BATCH_SIZE as u64)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let old = rows.into_iter().take_while(|(_, made)| *made < before);
    Ok(old.map(|(id, _)| id).collect())
}

/// Returns the next events with their sequence numbers, oldest first, up to the first that has not expired.
async fn old_events(app: &App, id: OrganizationId, after: i64, before: Timestamp) -> Result<Vec<(EventId, i64)>> {
    let rows: Vec<(EventId, i64, Timestamp)> = event::Entity::find()
        .select_only()
        .columns([event::Column::Id, event::Column::Sequence, event::Column::CreatedAt])
        .filter(event::Column::OrganizationId.eq(id))
        .filter(event::Column::Sequence.gt(after))
        .order_by_asc(event::Column::Sequence)
        .limit(BATCH_SIZE as u64)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let old = rows.into_iter().take_while(|(.., made)| *made < before);
    Ok(old.map(|(id, sequence, _)| (id, sequence)).collect())
}
