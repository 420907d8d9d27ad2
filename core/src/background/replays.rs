//! Replays, a part at a time: one webhook's share of a replay. A part waits while its webhook has enough to do, and
//! goes on when outcomes are recorded. How far it has come is in its row, so a restart repeats nothing.

use super::{
    driver,
    plan::{Plan, RunsOn},
    task::{MAX_BACKOFF, Progress, Task},
};
use crate::{
    App, Result,
    replay::part::{self, Progress as PartProgress},
    wake::Signal,
};
use entity::{ReplayId, WebhookId, replay, replay_part, webhook};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Parts that are listed at once.
const PAGE_SIZE: u64 = 100;
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Works until `shutdown`.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    driver::run(Replays::new(&app), &app, &shutdown).await;
}

/// Works until nothing is left, or all that is left waits for its webhooks. Returns whether it did anything.
pub async fn run_until_idle(app: &App) -> Result<bool> {
    driver::run_until_idle(Replays::new(app), app).await
}

struct Replays<'a> {
    app: &'a App,
    wake: Signal,
    recorded: Signal,
}

/// A part with what its step looks at.
struct Part {
    row: replay_part::Model,
    replay: replay::Model,
    webhook: Option<webhook::Model>,
}

impl<'a> Replays<'a> {
    fn new(app: &'a App) -> Self {
        Self {
            app,
            wake: app.replays.subscribe(),
            recorded: app.dispatcher.recorded.subscribe(),
        }
    }
}

impl Task for Replays<'_> {
    type Item = Part;
    type Key = (ReplayId, WebhookId);

    fn plan(&self) -> Plan {
        Plan {
            name: "replays",
            runs_on: RunsOn::Owner,
            period: POLL_INTERVAL,
            max_backoff: MAX_BACKOFF,
        }
    }

    fn key(item: &Part) -> Self::Key {
        (item.row.replay_id, item.row.webhook_id)
    }

    /// The node that sends to a webhook knows how much it has to do, so a part belongs to it.
    async fn items(&mut self, mut after: Option<Self::Key>) -> Result<Vec<Part>> {
        loop {
            let rows = page(self.app, after).await?;
            let Some(last) = rows.last() else {
                return Ok(Vec::new());
            };
            after = Some((last.replay_id, last.webhook_id));
            let own = rows.into_iter().filter(|row| self.app.nodes.owns(row.webhook_id));
            let parts = parts(self.app, own.collect()).await?;
            if !parts.is_empty() {
                return Ok(parts);
            }
        }
    }

    async fn step(&mut self, Part { row, replay, webhook }: Part) -> Result<Progress> {
        match part::step(self.app, &row, &replay, webhook.as_ref()).await? {
            PartProgress::WentOn => Ok(Progress::More),
            PartProgress::Waits => Ok(Progress::Waiting),
        }
    }

    async fn woken(&mut self, is_waiting: bool) {
        tokio::select! {
            () = self.wake.woken() => {}
            () = self.recorded.woken(), if is_waiting => {}
        }
    }
}

/// Lists parts that are not done.
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
        .limit(PAGE_SIZE)
        .all(app.db.read())
        .await?)
}

/// Reads what belongs to these rows. One whose replay is gone is left out.
async fn parts(app: &App, rows: Vec<replay_part::Model>) -> Result<Vec<Part>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let replays = replay::Entity::find()
        .filter(replay::Column::Id.is_in(rows.iter().map(|row| row.replay_id)))
        .all(app.db.read())
        .await?;
    let webhooks = webhook::Entity::find()
        .filter(webhook::Column::Id.is_in(rows.iter().map(|row| row.webhook_id)))
        .all(app.db.read())
        .await?;
    let replays: HashMap<ReplayId, _> = replays.into_iter().map(|row| (row.id, row)).collect();
    let webhooks: HashMap<WebhookId, _> = webhooks.into_iter().map(|row| (row.id, row)).collect();
    let part = |row: replay_part::Model| {
        let replay = replays.get(&row.replay_id)?.clone();
        let webhook = webhooks.get(&row.webhook_id).cloned();
        Some(Part { row, replay, webhook })
    };
    Ok(rows.into_iter().filter_map(part).collect())
}
