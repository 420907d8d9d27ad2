//! Cursors of the feed that clients resume from: a sequence number and the row that had it. Checks tell a valid cursor
//! from one of another organization, one that is made up, and one that the log no longer reaches back to.

use crate::{App, Error, Result, auth::Actor, lookup, retention};
use entity::{EventId, NotificationId, OrganizationId, Timestamp, event, notification};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

/// A cursor of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The sequence number of the row.
    pub sequence: i64,
    /// The id of the row.
    pub id: Uuid,
}

/// Returns the number of a checked cursor of events.
pub(crate) async fn of_event(app: &App, actor: &Actor, after: Option<Position>) -> Result<Option<i64>> {
    let Some(place) = after else { return Ok(None) };
    let db = app.db.read();
    let found = event::Entity::find_by_id(EventId(place.id)).one(db).await?;
    if let Some(row) = found {
        let good = lookup::is_own(&row, actor) && row.sequence == place.sequence;
        return if good { Ok(Some(place.sequence)) } else { Err(foreign()) };
    }
    let oldest = event::Entity::find()
        .filter(event::Column::OrganizationId.eq(actor.organization_id))
        .order_by_asc(event::Column::Sequence)
        .one(db)
        .await?;
    Err(gone(app, place, oldest.map(|row| (row.sequence, row.created_at))))
}

/// Returns the number of a checked cursor of notifications. The notification may have changed since.
pub(crate) async fn of_notification(app: &App, actor: &Actor, after: Option<Position>) -> Result<Option<i64>> {
    let Some(place) = after else { return Ok(None) };
    let db = app.db.read();
    let found = notification::Entity::find_by_id(NotificationId(place.id))
        .one(db)
        .await?;
    if let Some(row) = found {
        let good = lookup::is_own(&row, actor) && place.sequence <= row.sequence;
        return if good { Ok(Some(place.sequence)) } else { Err(foreign()) };
    }
    Err(gone(app, place, oldest(db, actor.organization_id).await?))
}

async fn oldest(db: &DatabaseConnection, id: OrganizationId) -> Result<Option<(i64, Timestamp)>> {
    let row = notification::Entity::find()
        .filter(notification::Column::OrganizationId.eq(id))
        .order_by_asc(notification::Column::Sequence)
        .one(db)
        .await?;
    Ok(row.map(|row| (row.sequence, row.updated_at)))
}

fn foreign() -> Error {
    Error::invalid("after", "is not a place in this feed")
}

/// Returns the error for a row that is gone. Notifications that have not ended outlive later ones, so the oldest row
/// alone does not tell whether a cursor has expired.
fn gone(app: &App, place: Position, oldest: Option<(i64, Timestamp)>) -> Error {
    match oldest {
        Some((sequence, time)) if place.sequence < sequence => Error::invalid(
            "after",
            format!("is older than what is kept: the log goes back to {}", time.micros()),
        ),
        _ if retention::may_be_gone(&app.clock, place.id) => Error::invalid("after", "is older than what is kept"),
        _ => foreign(),
    }
}
