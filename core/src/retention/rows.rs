//! Old rows of one organization, some hundred a unit, oldest first. What is to go is found beside the writer, on the
//! indexes that lists are read from; whether it may go is asked in the unit's transaction, after everything that its group
//! writes: whoever sends an old event again at that moment keeps it.

use super::Pace;
use crate::{
    App, Result,
    sql::{bulk::batches, statement::raw},
};
use entity::{EventId, NotificationId, NotificationStatus, OrganizationId, StageType, Timestamp, event, notification};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Value,
};
use tokio::time::Instant;
use uuid::Uuid;

/// Rows that one unit looks at.
const STEP: usize = 256;

/// What a group of units is to remove, if nothing keeps it.
#[derive(Debug, Default)]
pub(crate) struct Removal {
    notifications: Vec<NotificationId>,
    events: Vec<EventId>,
}

impl Removal {
    pub(crate) fn append(&mut self, mut other: Self) {
        self.notifications.append(&mut other.notifications);
        self.events.append(&mut other.events);
    }

    /// After everything else that is written: what something new refers to stays.
    pub(crate) async fn write(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        let Self { notifications, events } = std::mem::take(self);
        for ids in batches(&notifications) {
            let ids = free(db, &over_sql(ids.len()), over_binds(ids)).await?;
            delete(db, [("attempt", "notification_id"), ("notification", "id")], &ids).await?;
        }
        for ids in batches(&events) {
            let ids = free(db, &unused_sql(ids.len()), unused_binds(ids)).await?;
            delete(db, [("payload", "event_id"), ("event", "id")], &ids).await?;
        }
        Ok(())
    }
}

/// Removes what an organization has from before a moment.
pub(super) async fn remove(app: &App, id: OrganizationId, before: Timestamp, pace: Pace) -> Result<()> {
    let mut after = NotificationId(Uuid::nil());
    loop {
        let begun = Instant::now();
        let notifications = old_notifications(app, id, after, before).await?;
        let Some(last) = notifications.last() else { break };
        after = *last;
        let ends = notifications.len() < STEP;
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
        let ends = found.len() < STEP;
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

/// The next, oldest first, over or not, up to the first that is not old.
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
        .limit(STEP as u64)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let old = rows.into_iter().take_while(|(_, made)| *made < before);
    Ok(old.map(|(id, _)| id).collect())
}

/// The next and their places, oldest first, up to the first that is not old.
async fn old_events(app: &App, id: OrganizationId, after: i64, before: Timestamp) -> Result<Vec<(EventId, i64)>> {
    let rows: Vec<(EventId, i64, Timestamp)> = event::Entity::find()
        .select_only()
        .columns([event::Column::Id, event::Column::Sequence, event::Column::CreatedAt])
        .filter(event::Column::OrganizationId.eq(id))
        .filter(event::Column::Sequence.gt(after))
        .order_by_asc(event::Column::Sequence)
        .limit(STEP as u64)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let old = rows.into_iter().take_while(|(.., made)| *made < before);
    Ok(old.map(|(id, sequence, _)| (id, sequence)).collect())
}

/// Those that are over and that no task refers to. Binds: SUCCEEDED, FAILED, CANCELED, then the ids.
fn over_sql(count: usize) -> String {
    format!(
        "SELECT n.id AS id FROM notification n WHERE n.status IN (?, ?, ?) AND n.id IN ({}) \
         AND NOT EXISTS (SELECT 1 FROM task t WHERE t.notification_id = n.id AND NOT t.deleted)",
        marks(count)
    )
}

fn over_binds(ids: &[NotificationId]) -> Vec<Value> {
    let over = [
        NotificationStatus::Succeeded,
        NotificationStatus::Failed,
        NotificationStatus::Canceled,
    ];
    let ids = ids.iter().map(|id| Value::from(*id));
    over.into_iter().map(Value::from).chain(ids).collect()
}

/// Those of which no notification is left, and that no webhook stage may send. Binds: WEBHOOK, then the ids.
fn unused_sql(count: usize) -> String {
    format!(
        "SELECT e.id AS id FROM event e WHERE NOT EXISTS (SELECT 1 FROM notification n WHERE n.event_id = e.id) \
         AND NOT EXISTS (SELECT 1 FROM task t JOIN stage s ON s.id = t.stage_id \
             WHERE t.event_id = e.id AND NOT t.deleted AND s.stage_type = ?) \
         AND e.id IN ({})",
        marks(count)
    )
}

fn unused_binds(ids: &[EventId]) -> Vec<Value> {
    let ids = ids.iter().map(|id| Value::from(*id));
    std::iter::once(StageType::Webhook.into()).chain(ids).collect()
}

fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
}

async fn free(db: &impl ConnectionTrait, sql: &str, binds: Vec<Value>) -> Result<Vec<Uuid>> {
    let rows = Row::find_by_statement(raw(db, sql, binds)).all(db).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

async fn delete(db: &impl ConnectionTrait, tables: [(&str, &str); 2], ids: &[Uuid]) -> Result<()> {
    for ids in batches(ids) {
        for (table, column) in tables {
            let sql = format!("DELETE FROM {table} WHERE {column} IN ({})", marks(ids.len()));
            let binds = ids.iter().map(|id| Value::from(*id));
            db.execute_raw(raw(db, &sql, binds)).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan;

    #[tokio::test]
    async fn what_keeps_a_row_is_looked_up_on_indexes() {
        for (sql, indexes) in [
            (
                over_sql(2),
                &["n USING INDEX", "task_notification (notification_id=?)"][..],
            ),
            (
                unused_sql(2),
                &[
                    "SEARCH e USING",
                    "notification_event (event_id=?)",
                    "task_event (event_id=?)",
                ],
            ),
            (
                "DELETE FROM payload WHERE event_id IN (?, ?)".into(),
                &["payload_event (event_id=?)"],
            ),
            (
                "DELETE FROM attempt WHERE notification_id IN (?, ?)".into(),
                &["(notification_id=?)"],
            ),
        ] {
            let plan = plan(&sql).await;
            assert!(!plan.iter().any(|line| line.starts_with("SCAN")), "{plan:#?}");
            for index in indexes {
                assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:#?}");
            }
        }
    }
}
