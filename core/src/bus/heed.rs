//! Handles hints from other nodes: reads again what they name.

use super::message::{Ids, Message};
use crate::{App, Result, node};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Sends hints and handles those of other nodes, until `shutdown`.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let heard = app.bus.listen();
    let heeding = async {
        loop {
            heed(&app, heard.next().await).await;
        }
    };
    let telling = async {
        loop {
            app.bus.tell(Message::due(app.dispatcher.lanes.to_tell().await));
        }
    };
    let both = async { tokio::join!(heeding, telling) };
    tokio::join!(app.bus.carry(&shutdown), shutdown.run_until_cancelled(both));
}

async fn heed(app: &App, message: Message) {
    app.live.heard(&message);
    match &message.webhooks {
        Ids::These(ids) => ids.iter().for_each(|id| app.targets.forget(*id)),
        Ids::All => app.targets.forget_all(),
    }
    if !message.feed.is_empty() {
        app.dispatcher.recorded.notify_waiters();
    }
    if let Ids::These(ids) = &message.probes {
        ids.iter()
            .for_each(|id| app.health.hasten(&app.dispatcher.lanes, *id, app.clock.now()));
    }
    for (webhook_id, id) in &message.canceled {
        app.dispatcher.lanes.cancel(*webhook_id, *id);
    }
    if message.keys {
        app.keys.forget();
    }
    if let Err(error) = due(app, &message).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a hint of another node could not be handled; the next survey makes up for it"
        );
    }
}

/// Handles hints that need the database: changed nodes, webhooks that were re-enabled or repaired, and webhooks with
/// something due.
async fn due(app: &App, message: &Message) -> Result<()> {
    if message.nodes {
        node::step(app).await?;
    }
    if let Ids::These(ids) = &message.webhooks {
        app.health.look_at(app, ids).await?;
        app.index
            .prepare(app.db.read(), Some(ids.iter().copied().collect()))
            .await?;
    }
    match &message.due {
        Ids::All => app.dispatcher.survey(app).await,
        Ids::These(ids) => app.dispatcher.look_at(app, ids.iter().copied()).await,
    }
}
