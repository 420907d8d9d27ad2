//! Handles the hints of other nodes: it looks again where they say. A hint that could not be followed is
//! dropped, since the next survey finds the same. Beside it the bus carries messages, and the lanes' own hints leave.

use super::{
    driver, heartbeat,
    plan::{Plan, RunsOn},
    task::{Progress, Task},
};
use crate::{
    App, Result,
    bus::{Ids, Mailbox, Message},
};
use entity::WebhookId;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Hints wake the task; without any there is nothing to look for.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// Tells the other nodes and follows their hints, until `shutdown`; then sends what still waits.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let hints = Hints {
        app: &app,
        received: app.bus.listen(),
    };
    let telling = async {
        loop {
            app.bus.tell(Message::due(app.dispatcher.lanes.take_elsewhere().await));
        }
    };
    tokio::join!(
        app.bus.run(&shutdown),
        driver::run(hints, &app, &shutdown),
        shutdown.run_until_cancelled(telling),
    );
}

struct Hints<'a> {
    app: &'a App,
    received: Arc<Mailbox>,
}

/// A hint that asks for a look at the database.
enum Hint {
    /// Nodes have come or gone.
    Nodes,
    /// These webhooks may have been mended, or want other events.
    Webhooks(BTreeSet<WebhookId>),
    /// Webhooks have something due.
    Due(Ids<WebhookId>),
}

impl Task for Hints<'_> {
    type Item = Hint;
    type Key = &'static str;

    fn plan(&self) -> Plan {
        Plan {
            name: "hints",
            runs_on: RunsOn::EveryNode,
            period: POLL_INTERVAL,
            max_backoff: Duration::ZERO,
        }
    }

    fn key(item: &Hint) -> &'static str {
        match item {
            Hint::Nodes => "nodes",
            Hint::Webhooks(_) => "webhooks",
            Hint::Due(_) => "due",
        }
    }

    async fn items(&mut self, after: Option<&'static str>) -> Result<Vec<Hint>> {
        if after.is_some() {
            return Ok(Vec::new());
        }
        let message = self.received.take();
        Ok(message.map_or_else(Vec::new, |message| handle_hints(self.app, message)))
    }

    async fn step(&mut self, item: Hint) -> Result<Progress> {
        let app = self.app;
        match item {
            Hint::Nodes => heartbeat::step(app).await?,
            Hint::Webhooks(ids) => {
                app.health.look_at(app.db.read(), &app.dispatcher.lanes, &ids).await?;
                app.subscribers
                    .prepare(app.db.read(), Some(ids.into_iter().collect()))
                    .await?;
            }
            Hint::Due(Ids::All) => app.dispatcher.survey(app).await?,
            Hint::Due(Ids::These(ids)) => app.dispatcher.look_at(app, ids).await?,
        }
        Ok(Progress::Idle)
    }

    async fn woken(&mut self, _is_waiting: bool) {
        self.received.filled().await;
    }
}

/// Does at once what needs no database. Returns what does.
fn handle_hints(app: &App, message: Message) -> Vec<Hint> {
    app.live.heard(&message);
    match &message.webhooks {
        Ids::These(ids) => ids.iter().for_each(|id| app.delivery_settings.forget(*id)),
        Ids::All => app.delivery_settings.forget_all(),
    }
    if !message.feed.is_empty() {
        app.dispatcher.recorded.wake();
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
    to_look_at(message)
}

fn to_look_at(message: Message) -> Vec<Hint> {
    let nodes = message.nodes.then_some(Hint::Nodes);
    let webhooks = match message.webhooks {
        Ids::These(ids) if !ids.is_empty() => Some(Hint::Webhooks(ids)),
        Ids::These(_) | Ids::All => None,
    };
    let due = Some(message.due).filter(|due| !due.is_empty()).map(Hint::Due);
    [nodes, webhooks, due].into_iter().flatten().collect()
}
