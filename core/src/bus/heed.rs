//! What a node does with what it hears: it looks again.

use super::{Ids, Message};
use crate::{App, Result};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Tells the other nodes and heeds them, until `shutdown`.
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
    tokio::join!(
        app.bus.carry(&shutdown),
        shutdown.run_until_cancelled(heeding),
        shutdown.run_until_cancelled(telling),
    );
}

async fn heed(app: &App, message: Message) {
    app.live.heard(&message.feed);
    match &message.webhooks {
        Ids::These(ids) => ids.iter().for_each(|id| app.targets.forget(*id)),
        Ids::All => app.targets.forget_all(),
    }
    if message.keys {
        app.keys.forget();
    }
    if let Err(error) = due(app, &message).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "what another node has told could not be looked at; it is found by the next survey"
        );
    }
}

/// Webhooks have something due; or nodes have come or gone, and what they held may.
async fn due(app: &App, message: &Message) -> Result<()> {
    match &message.due {
        Ids::These(ids) if !message.nodes => app.dispatcher.look_at(app, ids.iter().copied()).await,
        _ => app.dispatcher.survey(app).await,
    }
}
