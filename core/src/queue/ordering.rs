//! Ordered queues: the notifications of one webhook with the same key are sent one after the other. The key is the
//! webhook or one of its data rows.
//!
//! The first notification of a key is due, claimed or being sent. The others have neither a due moment nor a claim
//! until it has ended and [`release`] makes the next one due. Notifications that have ended have no key, so the index
//! holds only open ones.
//!
//! Enqueueing and releasing exclude each other. On SQLite there is one writer. On PostgreSQL both take the webhook's
//! [advisory lock](advisory) until their commit.

use crate::{
    Result,
    delivery::limit::Limit,
    sql::{advisory, bulk::batches, statement::raw},
};
use entity::{Timestamp, WebhookId};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};
use std::collections::HashSet;
use uuid::Uuid;

/// An ordered queue: a webhook and its key.
pub(crate) type Key = (WebhookId, Uuid);

#[derive(FromQueryResult)]
struct Row {
    webhook_id: WebhookId,
    order_key: Uuid,
}

/// Waits until no other transaction enqueues or releases at these webhooks. Without the lock, a notification that is
/// enqueued while the one before it ends would wait for one that has ended; and of two that are enqueued at once,
/// neither would wait for the other.
async fn take_turns(db: &impl ConnectionTrait, keys: &[Key]) -> Result<()> {
    if keys.is_empty() || db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    advisory::wait_until_commit(db, keys.iter().map(|(id, _)| id.0)).await
}

/// Returns which of these queues have a notification that has not ended.
pub(crate) async fn busy(db: &impl ConnectionTrait, keys: &[Key]) -> Result<HashSet<Key>> {
    take_turns(db, keys).await?;
    let mut busy = HashSet::new();
    for keys in batches(keys) {
        let binds = keys
            .iter()
            .flat_map(|(webhook, key)| [Value::from(*webhook), (*key).into()]);
        let statement = raw(db, &busy_sql(keys.len()), binds);
        let rows = Row::find_by_statement(statement).all(db).await?;
        busy.extend(rows.into_iter().map(|row| (row.webhook_id, row.order_key)));
    }
    Ok(busy)
}

/// Builds the statement of [`busy`]. Binds: webhook and key of each queue.
fn busy_sql(keys: usize) -> String {
    let marks = vec!["(?, ?)"; keys].join(", ");
    format!(
        "WITH asked(webhook_id, order_key) AS (VALUES {marks}) SELECT webhook_id, order_key FROM asked \
         WHERE EXISTS (SELECT 1 FROM notification n WHERE n.webhook_id = asked.webhook_id \
             AND n.order_key = asked.order_key AND n.order_key IS NOT NULL)"
    )
}

/// Makes the first notification of each queue due, if it waits. Idempotent.
pub(crate) async fn release(db: &impl ConnectionTrait, now: Timestamp, keys: &[Key]) -> Result<()> {
    take_turns(db, keys).await?;
    for keys in batches(keys) {
        let heads: Vec<String> = (0..keys.len())
            .map(|index| {
                let (webhook, key) = (2 * index + 2, 2 * index + 3);
                format!(
                    "SELECT id FROM (SELECT id FROM notification WHERE webhook_id = ?{webhook} AND order_key = ?{key} \
                         ORDER BY id LIMIT 1) AS head{index}"
                )
            })
            .collect();
        let sql = format!("{RELEASE} AND id IN ({})", heads.join(" UNION ALL "));
        let keys = keys
            .iter()
            .flat_map(|(webhook, key)| [Value::from(*webhook), (*key).into()]);
        let binds = [Value::from(now)].into_iter().chain(keys);
        db.execute_raw(raw(db, &sql, binds)).await?;
    }
    Ok(())
}

/// Makes notifications due. Binds: the moment from which they may be claimed.
const RELEASE: &str =
    "UPDATE notification SET due_at = ?1 WHERE order_key IS NOT NULL AND due_at IS NULL AND node_id IS NULL";

/// Makes the first notification of every queue due, if it waits. Runs at the start, so that no past fault blocks a
/// queue for good.
pub(crate) async fn release_all(db: &impl ConnectionTrait, now: Timestamp) -> Result<u64> {
    let sql = format!(
        "{RELEASE} AND NOT EXISTS (SELECT 1 FROM notification AS earlier WHERE earlier.order_key = notification.order_key \
             AND earlier.webhook_id = notification.webhook_id AND earlier.id < notification.id)"
    );
    let statement = raw(db, &sql, [now.into()]);
    Ok(db.execute_raw(statement).await?.rows_affected())
}

/// The ordered queues whose first notification has ended, and their lanes with their limits.
#[derive(Debug, Default)]
pub(crate) struct Freed {
    keys: HashSet<Key>,
    lanes: Vec<(WebhookId, Limit)>,
}

impl Freed {
    pub(crate) fn add(&mut self, key: Key, limit: Limit) {
        if self.keys.insert(key) {
            self.lanes.push((key.0, limit));
        }
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.keys.iter().copied().collect()
    }

    pub(crate) fn lanes(&self) -> &[(WebhookId, Limit)] {
        &self.lanes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan;

    #[tokio::test]
    async fn a_key_is_looked_up_on_the_index_of_what_is_not_over() {
        let head = "SELECT id FROM (SELECT id FROM notification WHERE webhook_id = ?2 AND order_key = ?3 \
             ORDER BY id LIMIT 1) AS head0";
        for sql in [busy_sql(2), format!("{RELEASE} AND id IN ({head})")] {
            let plan = plan(&sql).await;
            let found = |line: &String| line.contains("notification_order (webhook_id=? AND order_key=?)");
            assert!(plan.iter().any(found), "{plan:#?}");
            assert!(!plan.iter().any(|line| line.contains("SCAN n")), "{plan:#?}");
        }
    }
}
