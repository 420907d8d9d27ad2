//! Keeps the rows of listeners' webhooks up to date: writes which listeners are connected and which have gone, removes
//! webhooks that stay without one, and cancels their notifications. Steps are bounded, and the next process continues
//! what one leaves undone.

use super::retire;
use crate::{
    App, Result,
    db::{Scope, Txn},
    notification,
    sql::statement::raw,
    subscribers::host::Place,
};
use entity::{
    NodeId, NotificationId, OrganizationId, Timestamp, WebhookId, WebhookStatus, notification as notifications, webhook,
};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Value, sea_query::Expr};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The time that a listener may stay away before its webhook is removed.
pub const AWAY: Duration = Duration::from_secs(300);
/// The time after its start during which a server removes no webhook: listeners reconnect first.
pub const GRACE: Duration = Duration::from_secs(60);
/// The interval at which a connected listener is written as seen.
pub(super) const SEEN: Duration = Duration::from_secs(60);
/// The interval between looks without a signal.
const LOOK: Duration = Duration::from_secs(15);
/// The most notifications canceled in one step.
const STEP: usize = 100;

/// Works on a signal and on a timer, until `shutdown`.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    loop {
        if let Some(Err(error)) = shutdown.run_until_cancelled(run_until_idle(&app)).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the webhooks of listeners could not be updated; trying again"
            );
        }
        let woken = tokio::time::timeout(LOOK, app.listeners.changed.notified());
        if shutdown.run_until_cancelled(woken).await.is_none() {
            return;
        }
    }
}

/// Does all that is to be done now.
pub async fn run_until_idle(app: &App) -> Result<()> {
    settle(app).await?;
    for row in known(app).await? {
        look(app, row).await?;
    }
    Ok(())
}

/// Loads the webhooks of listeners that are not removed for good.
async fn known(app: &App) -> Result<Vec<webhook::Model>> {
    let known = webhook::Entity::find().filter(webhook::Column::ListenerSeenAt.is_not_null());
    Ok(known.all(app.db.read()).await?)
}

/// Does what one webhook needs: cancels, ends a listener that another node has, writes it as seen, or removes it.
async fn look(app: &App, row: webhook::Model) -> Result<()> {
    let now = app.clock.now();
    let seen = row.listener_seen_at.unwrap_or_default();
    if row.status == WebhookStatus::Revoked {
        while cancel(app, &row).await? {}
    } else if app.listeners.is_attached(row.id) {
        let me = Some(app.nodes.id());
        if row
            .listener_node
            .is_some_and(|node| Some(node) != me && app.nodes.knows(node))
        {
            // It has connected to another node; the connection here is dead.
            app.listeners.close(row.id);
        } else if now.since(seen) >= SEEN || row.listener_node != me {
            stay(app, &row).await?;
        }
    } else if now.since(seen) >= AWAY && now.since(app.listeners.started) >= GRACE {
        expire(app, &row, seen).await?;
        while cancel(app, &row).await? {}
    }
    Ok(())
}

/// Writes the listeners that have gone.
async fn settle(app: &App) -> Result<()> {
    let left = app.listeners.left();
    if left.is_empty() {
        return Ok(());
    }
    let (node, ids, listeners) = (app.dispatcher.lanes.node_id(), left.clone(), Arc::clone(&app.listeners));
    let written = app
        .db
        .write(Scope::free(), move |txn| {
            Box::pin(async move {
                // A listener that came back meanwhile has written that, or will.
                let gone: Vec<_> = ids.into_iter().filter(|id| !listeners.is_attached(*id)).collect();
                leave(txn, node, &gone).await
            })
        })
        .await;
    written.inspect_err(|_| app.listeners.leave_again(left))
}

async fn leave(txn: &Txn, node: NodeId, ids: &[WebhookId]) -> Result<()> {
    let rows = webhook::Entity::find()
        .filter(webhook::Column::Id.is_in(ids.iter().copied()))
        .filter(webhook::Column::ListenerSeenAt.is_not_null())
        .all(txn.conn())
        .await?;
    let here: Vec<_> = rows.iter().filter(|row| Place::of(row).is_at(node)).collect();
    webhook::Entity::update_many()
        .col_expr(webhook::Column::ListenerNode, Expr::value(None::<NodeId>))
        .col_expr(webhook::Column::ListenerSeenAt, Expr::value(Some(txn.now())))
        .filter(webhook::Column::Id.is_in(here.iter().map(|row| row.id)))
        .exec(txn.conn())
        .await?;
    let organizations: HashSet<OrganizationId> = here.iter().map(|row| row.organization_id).collect();
    organizations.into_iter().for_each(|id| txn.webhooks_changed(id));
    Ok(())
}

/// Writes that a listener is still connected.
async fn stay(app: &App, row: &webhook::Model) -> Result<()> {
    let (id, node) = (row.id, app.nodes.id());
    let seen = move |now: Timestamp| {
        webhook::Entity::update_many()
            .col_expr(webhook::Column::ListenerSeenAt, Expr::value(Some(now)))
            .col_expr(webhook::Column::ListenerNode, Expr::value(Some(node)))
            .filter(webhook::Column::Id.eq(id))
            .filter(webhook::Column::ListenerSeenAt.is_not_null())
    };
    app.db
        .write(row.organization_id, move |txn| {
            Box::pin(async move { Ok(seen(txn.now()).exec(txn.conn()).await.map(drop)?) })
        })
        .await
}

/// Removes a webhook whose listener has not been seen since `seen`.
async fn expire(app: &App, row: &webhook::Model, seen: Timestamp) -> Result<()> {
    let (id, listeners) = (row.id, Arc::clone(&app.listeners));
    app.db
        .write(row.organization_id, move |txn| {
            Box::pin(async move {
                let row = webhook::Entity::find_by_id(id).one(txn.conn()).await?;
                let same = row.is_some_and(|row| row.listener_seen_at == Some(seen));
                if same && !listeners.is_attached(id) {
                    let minutes = AWAY.as_secs() / 60;
                    retire(txn, id, &format!("its listener stayed away for {minutes} minutes")).await?;
                }
                Ok(())
            })
        })
        .await?;
    app.webhook_changed(id);
    tracing::info!(webhook.id = %id, "removed the webhook of a listener that stayed away");
    Ok(())
}

#[derive(FromQueryResult)]
struct Row {
    id: NotificationId,
}

/// Select the notifications that have not ended: those due or in an ordered queue, by small indexes; and if there is
/// none, those claimed, by the webhook's log. Binds: the webhook and the most rows.
const OPEN: [&str; 2] = [
    "SELECT id FROM (SELECT id FROM notification WHERE webhook_id = ?1 AND due_at IS NOT NULL \
     UNION SELECT id FROM notification WHERE webhook_id = ?1 AND order_key IS NOT NULL) AS waiting LIMIT ?2",
    "SELECT id FROM notification WHERE webhook_id = ?1 AND node_id IS NOT NULL LIMIT ?2",
];

/// Cancels some waiting notifications of a revoked webhook; with none left, the webhook is removed for good. Returns
/// whether there may be more.
async fn cancel(app: &App, of: &webhook::Model) -> Result<bool> {
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
    let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
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
