//! Cancels what waits for a listener that is gone for good, a bounded batch at a time.

use crate::{App, Result, db::Txn, notification, sql::statement::raw};
use entity::{NotificationId, Timestamp, WebhookId, WebhookStatus, notification as notifications, webhook};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Value, sea_query::Expr};

/// Notifications that are canceled in one transaction.
const BATCH_SIZE: usize = 100;

#[derive(FromQueryResult)]
struct Row {
    id: NotificationId,
}

/// Selects notifications that are due or wait in their order, on small indexes; when there are none, those that are
/// held, on the webhook's log. Binds: the webhook, how many.
const OPEN: [&str; 2] = [
    "SELECT id FROM (SELECT id FROM notification WHERE webhook_id = ?1 AND due_at IS NOT NULL \
     UNION SELECT id FROM notification WHERE webhook_id = ?1 AND order_key IS NOT NULL) AS waiting LIMIT ?2",
    "SELECT id FROM notification WHERE webhook_id = ?1 AND node_id IS NOT NULL LIMIT ?2",
];

/// Cancels some of what waits for a webhook that is revoked; with nothing left, it is removed for good. Returns whether
/// there may be more.
pub(crate) async fn cancel_waiting(app: &App, of: &webhook::Model) -> Result<bool> {
    let id = of.id;
    let canceled = app
        .db
        .write(of.organization_id, move |txn| {
            Box::pin(async move { cancel_some(txn, id).await })
        })
        .await?;
    for notification_id in &canceled {
        app.canceled([(id, *notification_id)]);
    }
    Ok(!canceled.is_empty())
}

async fn cancel_some(txn: &Txn, id: WebhookId) -> Result<Vec<NotificationId>> {
    let revoked = webhook::Entity::find_by_id(id).one(txn.conn()).await?;
    if revoked.is_none_or(|row| row.status != WebhookStatus::Revoked) {
        return Ok(Vec::new());
    }
    let ids = open(txn, id).await?;
    let rows = notifications::Entity::find().filter(notifications::Column::Id.is_in(ids.iter().copied()));
    for row in rows.all(txn.conn()).await? {
        notification::stop(txn, row).await?;
    }
    if ids.is_empty() {
        webhook::Entity::update_many()
            .col_expr(webhook::Column::ListenerSeenAt, Expr::value(None::<Timestamp>))
            .filter(webhook::Column::Id.eq(id))
            .exec(txn.conn())
            .await?;
    }
    Ok(ids)
}

async fn open(txn: &Txn, id: WebhookId) -> Result<Vec<NotificationId>> {
    let limit = i64::try_from(BATCH_SIZE).unwrap_or(i64::MAX);
    for sql in OPEN {
        let binds: [Value; 2] = [id.into(), limit.into()];
        let statement = raw(txn.conn(), sql, binds);
        let open = Row::find_by_statement(statement).all(txn.conn()).await?;
        if !open.is_empty() {
            return Ok(open.into_iter().map(|row| row.id).collect());
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan;

    #[tokio::test]
    async fn what_waits_for_a_listener_is_found_on_indexes() {
        for (sql, indexes) in OPEN.into_iter().zip([
            &["notification_due (webhook_id=?", "notification_order (webhook_id=?"][..],
            &["notification_webhook (webhook_id=?"],
        ]) {
            let plan = plan(sql).await;
            for index in indexes {
                assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:#?}");
            }
        }
    }
}
