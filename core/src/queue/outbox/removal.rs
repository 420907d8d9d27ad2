//! Removal of old rows in the transaction of a group, after everything that the group writes: a notification that a
//! task refers to stays, and so does an event that has notifications or that a webhook stage may still send.

use crate::{
    Result,
    sql::{bulk::batches, statement::raw},
};
use entity::{EventId, NotificationId, NotificationStatus, StageType};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

/// Rows that a commit group must delete, unless something needs them.
#[derive(Debug, Default)]
pub(crate) struct Removal {
    pub(crate) notifications: Vec<NotificationId>,
    pub(crate) events: Vec<EventId>,
}

impl Removal {
    pub(crate) fn append(&mut self, mut other: Self) {
        self.notifications.append(&mut other.notifications);
        self.events.append(&mut other.events);
    }

    /// Deletes the rows that nothing needs. Runs after everything else is written, so that what a new row refers to
    /// stays.
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

/// Selects the notifications that have ended and that no task refers to. Binds: SUCCEEDED, FAILED, CANCELED, then the
/// ids.
pub(crate) fn over_sql(count: usize) -> String {
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

/// Selects the events that have no notification and that no webhook stage may send. Binds: WEBHOOK, then the ids.
pub(crate) fn unused_sql(count: usize) -> String {
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
