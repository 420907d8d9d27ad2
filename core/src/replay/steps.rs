//! The background task of replays: unfinished parts alternate, one step each (round robin), and continue after a
//! restart. A part whose webhook is at its quota is tried again when outcomes are recorded.

use super::part::{self, Progress};
use crate::{App, Result};
use entity::{ReplayId, WebhookId, replay, replay_part, webhook};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The polling interval, since signals are only hints.
const LOOK: Duration = Duration::from_secs(5);
/// The number of parts that are read at once.
const PAGE: u64 = 100;

/// Wakes the background task when there is work.
#[derive(Debug, Default)]
pub struct Wake(Notify);

impl Wake {
    pub(super) fn wake(&self) {
        self.0.notify_one();
    }
}

/// The result of a pass over all parts.
#[derive(Debug, Default)]
struct Look {
    went_on: bool,
    waits: bool,
}

/// Runs until shutdown.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let mut recorded = std::pin::pin!(app.dispatcher.recorded.notified());
        recorded.as_mut().enable();
        let waits = match shutdown.run_until_cancelled(look_until_idle(&app)).await {
            Some(Ok(look)) => look.waits,
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "replays could not go on");
                false
            }
            None => return,
        };
        let woken = async {
            tokio::select! {
                () = app.replays.0.notified() => {}
                () = recorded, if waits => {}
            }
        };
        shutdown.run_until_cancelled(tokio::time::timeout(LOOK, woken)).await;
    }
}

/// Runs until nothing is left, or all that is left waits for its webhooks. Returns whether it did anything.
pub async fn run_until_idle(app: &App) -> Result<bool> {
    Ok(look_until_idle(app).await?.went_on)
}

async fn look_until_idle(app: &App) -> Result<Look> {
    let mut went_on = false;
    loop {
        let looked = look(app).await?;
        if !looked.went_on {
            return Ok(Look { went_on, ..looked });
        }
        went_on = true;
    }
}

/// Executes one step of every part that can continue.
async fn look(app: &App) -> Result<Look> {
    let mut looked = Look::default();
    let mut after = None;
    loop {
        let parts = page(app, after).await?;
        let Some(last) = parts.last() else {
            return Ok(looked);
        };
        after = Some((last.replay_id, last.webhook_id));
        let (replays, webhooks) = beside(app, &parts).await?;
        for row in parts {
            let Some(replay) = replays.get(&row.replay_id) else {
                continue;
            };
            // Only the node that sends to a webhook knows its backlog.
            if !app.nodes.owns(row.webhook_id) {
                continue;
            }
            let webhook = webhooks.get(&row.webhook_id);
            match part::step(app, &row, replay, webhook).await? {
                Progress::WentOn => looked.went_on = true,
                Progress::Waits => looked.waits = true,
            }
        }
    }
}

async fn page(app: &App, after: Option<(ReplayId, WebhookId)>) -> Result<Vec<replay_part::Model>> {
    use replay_part::Column as Is;
    let behind = after.map(|(replay_id, webhook_id)| {
        let same = Condition::all()
            .add(Is::ReplayId.eq(replay_id))
            .add(Is::WebhookId.gt(webhook_id));
        Condition::any().add(Is::ReplayId.gt(replay_id)).add(same)
    });
    Ok(replay_part::Entity::find()
        .filter(Condition::all().add(Expr::col(Is::Running)).add_option(behind))
        .order_by_asc(Is::ReplayId)
        .order_by_asc(Is::WebhookId)
        .limit(PAGE)
        .all(app.db.read())
        .await?)
}

async fn beside(
    app: &App,
    parts: &[replay_part::Model],
) -> Result<(HashMap<ReplayId, replay::Model>, HashMap<WebhookId, webhook::Model>)> {
    let replays = replay::Entity::find()
        .filter(replay::Column::Id.is_in(parts.iter().map(|part| part.replay_id)))
        .all(app.db.read())
        .await?;
    let webhooks = webhook::Entity::find()
        .filter(webhook::Column::Id.is_in(parts.iter().map(|part| part.webhook_id)))
        .all(app.db.read())
        .await?;
    Ok((
        replays.into_iter().map(|row| (row.id, row)).collect(),
        webhooks.into_iter().map(|row| (row.id, row)).collect(),
    ))
}
