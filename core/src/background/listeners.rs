//! Looks after the rows of listeners' webhooks: writes down who went away and who is still there, removes what stays
//! without a listener, and cancels what waited for it. Steps are bounded, and what is left undone by one process is
//! found by the next.

use super::{
    driver,
    plan::{Plan, RunsOn},
    task::{MAX_BACKOFF, Progress, Task},
};
use crate::{
    App, Result,
    db::{Scope, Txn},
    listener::{PRESENCE_INTERVAL, RECONNECT_TIMEOUT, START_GRACE, cancel_waiting, retire},
    subscribers::host::Host,
    wake::Signal,
};
use entity::{NodeId, Timestamp, WebhookId, WebhookStatus, webhook};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const POLL_INTERVAL: Duration = Duration::from_secs(15);

/// Works until `shutdown`.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    driver::run(ListenerRows::new(&app), &app, &shutdown).await;
}

/// Does all that is to be done now.
pub async fn run_until_idle(app: &App) -> Result<()> {
    driver::run_until_idle(ListenerRows::new(app), app).await.map(drop)
}

struct ListenerRows<'a> {
    app: &'a App,
    wake: Signal,
}

enum Item {
    /// A webhook whose listener went away from this node, which is not written yet.
    Departed(WebhookId),
    /// The webhook of a listener, wherever that is.
    Known(Box<webhook::Model>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Departed(WebhookId),
    Known(WebhookId),
}

impl<'a> ListenerRows<'a> {
    fn new(app: &'a App) -> Self {
        let wake = app.listeners.changed.subscribe();
        Self { app, wake }
    }
}

impl Task for ListenerRows<'_> {
    type Item = Item;
    type Key = Key;

    fn plan(&self) -> Plan {
        Plan {
            name: "listeners",
            runs_on: RunsOn::EveryNode,
            period: POLL_INTERVAL,
            max_backoff: MAX_BACKOFF,
        }
    }

    fn key(item: &Item) -> Key {
        match item {
            Item::Departed(id) => Key::Departed(*id),
            Item::Known(row) => Key::Known(row.id),
        }
    }

    /// Departures come first: the rows tell of them then.
    async fn items(&mut self, after: Option<Key>) -> Result<Vec<Item>> {
        if let Some(Key::Known(_)) = after {
            return Ok(Vec::new());
        }
        let departed = self.app.listeners.departed();
        if after.is_none() && !departed.is_empty() {
            return Ok(departed.into_iter().map(Item::Departed).collect());
        }
        let known = known(self.app).await?.into_iter();
        Ok(known.map(|row| Item::Known(Box::new(row))).collect())
    }

    async fn step(&mut self, item: Item) -> Result<Progress> {
        match item {
            Item::Departed(id) => settle(self.app, id).await,
            Item::Known(row) => tend(self.app, &row).await,
        }
    }

    async fn woken(&mut self, _is_waiting: bool) {
        self.wake.woken().await;
    }
}

/// The webhooks of listeners that are not removed for good.
async fn known(app: &App) -> Result<Vec<webhook::Model>> {
    let known = webhook::Entity::find()
        .filter(webhook::Column::ListenerSeenAt.is_not_null())
        .order_by_asc(webhook::Column::Id);
    Ok(known.all(app.db.read()).await?)
}

/// Does what the row of a listener's webhook asks for now.
async fn tend(app: &App, row: &webhook::Model) -> Result<Progress> {
    let now = app.clock.now();
    let seen = row.listener_seen_at.unwrap_or_default();
    if row.status == WebhookStatus::Revoked {
        let more = cancel_waiting(app, row).await?;
        return Ok(if more { Progress::More } else { Progress::Idle });
    }
    if app.listeners.is_attached(row.id) {
        let me = Some(app.nodes.id());
        if row
            .listener_node
            .is_some_and(|node| Some(node) != me && app.nodes.knows(node))
        {
            // It has come to another node; what hangs on here is dead.
            app.listeners.close(row.id);
        } else if now.since(seen) >= PRESENCE_INTERVAL || row.listener_node != me {
            stay(app, row).await?;
        }
    } else if now.since(seen) >= RECONNECT_TIMEOUT && now.since(app.listeners.started) >= START_GRACE {
        return expire(app, row, seen).await;
    }
    Ok(Progress::Idle)
}

/// Writes that a listener went away.
async fn settle(app: &App, id: WebhookId) -> Result<Progress> {
    if !app.listeners.take_departed(id) {
        return Ok(Progress::Idle);
    }
    let (node, listeners) = (app.dispatcher.lanes.node_id(), Arc::clone(&app.listeners));
    let written = app
        .db
        .write(Scope::none(), move |txn| {
            Box::pin(async move {
                // Who came back meanwhile has written that, or will.
                match listeners.is_attached(id) {
                    true => Ok(()),
                    false => leave(txn, node, id).await,
                }
            })
        })
        .await;
    written.inspect_err(|_| app.listeners.depart_again(id))?;
    Ok(Progress::Idle)
}

async fn leave(txn: &Txn, node: NodeId, id: WebhookId) -> Result<()> {
    let row = webhook::Entity::find_by_id(id)
        .filter(webhook::Column::ListenerSeenAt.is_not_null())
        .one(txn.conn())
        .await?;
    let Some(row) = row.filter(|row| Host::of(row).is_at(node)) else {
        return Ok(());
    };
    webhook::Entity::update_many()
        .col_expr(webhook::Column::ListenerNode, Expr::value(None::<NodeId>))
        .col_expr(webhook::Column::ListenerSeenAt, Expr::value(Some(txn.now())))
        .filter(webhook::Column::Id.eq(id))
        .exec(txn.conn())
        .await?;
    txn.webhooks_changed(row.organization_id);
    Ok(())
}

/// Writes that a listener is still there.
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

/// Removes a webhook whose listener has not been seen since. The next step cancels what waits for it.
async fn expire(app: &App, row: &webhook::Model, seen: Timestamp) -> Result<Progress> {
    let (id, listeners) = (row.id, Arc::clone(&app.listeners));
    let retired = app
        .db
        .write(row.organization_id, move |txn| {
            Box::pin(async move {
                let row = webhook::Entity::find_by_id(id).one(txn.conn()).await?;
                let same = row.is_some_and(|row| row.listener_seen_at == Some(seen));
                if !same || listeners.is_attached(id) {
                    return Ok(None);
                }
                let minutes = RECONNECT_TIMEOUT.as_secs() / 60;
                retire(txn, id, &format!("its listener stayed away for {minutes} minutes")).await
            })
        })
        .await?;
    if retired.is_none() {
        return Ok(Progress::Idle);
    }
    app.webhook_changed(id);
    tracing::info!(webhook.id = %id, "removed the webhook of a listener that stayed away");
    Ok(Progress::More)
}
