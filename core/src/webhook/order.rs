//! In which order a webhook's notifications are sent: a notification with a key waits until the one before it with the same
//! key is over. What is over has no key, so a key is a place in a queue. The queue itself is kept by the
//! [outbox](crate::dispatcher).

use crate::{Result, db::Txn, sql::statement::raw};
use entity::{Ordering, Timestamp, WebhookId, WebhookTopic};
use sea_orm::{ConnectionTrait, Value};

/// What waits, for its moment or in its order, found on two small indexes. Binds: the webhook.
const WAITING: &str = "id IN (SELECT id FROM notification WHERE webhook_id = ?1 AND due_at IS NOT NULL \
     UNION SELECT id FROM notification WHERE webhook_id = ?1 AND order_key IS NOT NULL AND node_id IS NULL)";

/// Only the first of each key stays due. Binds: the webhook.
const QUEUE_UP: &str = "UPDATE notification SET due_at = NULL WHERE webhook_id = ?1 AND order_key IS NOT NULL \
     AND due_at IS NOT NULL AND EXISTS (SELECT 1 FROM notification AS earlier WHERE earlier.webhook_id = ?1 \
         AND earlier.order_key = notification.order_key AND earlier.id < notification.id)";

/// Puts what waits into another order. What is in memory already is sent as it comes, and nothing waits for it.
pub(crate) async fn reorder(txn: &Txn, id: WebhookId, ordering: Ordering) -> Result<()> {
    let key = match ordering {
        // PostgreSQL takes a bare NULL for a text.
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
