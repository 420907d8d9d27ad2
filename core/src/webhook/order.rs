//! Delivery order: a notification with an order key waits until the one before it with the same key is finished.
//! Finished notifications have no key, so the rows of a key are a queue. The [outbox](crate::dispatcher) maintains the
//! queue.

use crate::{Result, db::Txn, sql::statement::raw};
use entity::{Ordering, Timestamp, WebhookId, WebhookTopic};
use sea_orm::{ConnectionTrait, Value};

/// Selects waiting notifications, whether for their time or in their order, by two small indexes. Parameter: the
/// webhook.
const WAITING: &str = "id IN (SELECT id FROM notification WHERE webhook_id = ?1 AND due_at IS NOT NULL \
     UNION SELECT id FROM notification WHERE webhook_id = ?1 AND order_key IS NOT NULL AND node_id IS NULL)";

/// Leaves only the first notification of each key due. Parameter: the webhook.
const QUEUE_UP: &str = "UPDATE notification SET due_at = NULL WHERE webhook_id = ?1 AND order_key IS NOT NULL \
     AND due_at IS NOT NULL AND EXISTS (SELECT 1 FROM notification AS earlier WHERE earlier.webhook_id = ?1 \
         AND earlier.order_key = notification.order_key AND earlier.id < notification.id)";

/// Moves waiting notifications to another order. Those already in memory are sent in the old one, and nothing waits for
/// them.
pub(crate) async fn reorder(txn: &Txn, id: WebhookId, ordering: Ordering) -> Result<()> {
    let key = match ordering {
        // PostgreSQL types a bare NULL as text.
        Ordering::None => "CAST(NULL AS uuid)",
        Ordering::PerDataRow => "(SELECT e.data_row_id FROM event e WHERE e.id = notification.event_id)",
        Ordering::Strict => "webhook_id",
    };
    let sql = format!(
        "UPDATE notification SET order_key = CASE WHEN topic = ?2 THEN NULL ELSE {key} END, \
         due_at = coalesce(due_at, ?3) WHERE {WAITING}"
    );
    let now: Timestamp = txn.now();
    run(txn, &sql, vec![id.into(), WebhookTopic::Ping.into(), now.into()]).await?;
    run(txn, QUEUE_UP, vec![id.into()]).await
}

async fn run(txn: &Txn, sql: &str, binds: Vec<Value>) -> Result<()> {
    txn.conn().execute_raw(raw(txn.conn(), sql, binds)).await?;
    Ok(())
}
