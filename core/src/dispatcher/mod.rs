//! The dispatcher: claims due notifications and sends each as a signed POST, until a receiver accepts it or the retry
//! policy gives up.
//!
//! The server starts it with [`run`]; tests step it with [`run_until_idle`]. The commit of a notification wakes it
//! through the [`lanes`](crate::queue::lanes), and so do a hint from another node and the node's heartbeat. Verbs reach
//! only into the lanes: they cancel a job or note that something is due.
//!
//! There is one path to a request. A first attempt usually arrives in the lanes already claimed. Retries, redeliveries
//! and the claims of a dead node are claimed from the database (`queue/claim.rs`). Each notification is sent alone
//! ([`deliver`]) and recorded in a batch ([`recorder`]).
//!
//! Invariants: no transaction is open while a receiver is called. The dispatcher wakes on a signal *and* on a timer,
//! and it registers for the signal before it looks, so that no wake-up is lost.
//!
//! It must never import HTTP serving or GraphQL. Of the verbs it imports only `webhook`, `listener` and `task`, which
//! follow an outcome.

mod deliver;
mod recorder;
pub(crate) mod state;

pub use state::Dispatcher;

use crate::{
    App, Result,
    bus::Message,
    db::Scope,
    delivery::limit::Limit,
    queue::{
        claim::{self, free_claims},
        ordering,
    },
};
use entity::{NotificationId, Timestamp, WebhookId};
use recorder::{Record, RecordMode};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The interval at which the database is asked which lanes have work, in case a hint was lost.
const SURVEY_INTERVAL: Duration = Duration::from_secs(15);
/// The delay before a claim is tried again after the database refused it.
const CLAIM_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The time a shutdown waits for requests in flight, and then for their outcomes to be recorded.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

impl Dispatcher {
    /// Releases the claims of dead nodes, then loads which circuit breakers are open and which lanes have something to
    /// claim.
    pub(crate) async fn recover(&self, app: &App) -> Result<()> {
        let node = self.lanes.node_id();
        let freed = app
            .db
            .write(Scope::none(), move |txn| {
                Box::pin(async move {
                    ordering::release_all(txn.conn(), txn.now()).await?;
                    free_claims(txn.conn(), node, txn.now()).await
                })
            })
            .await?;
        app.health.load(app.db.read(), &self.lanes).await?;
        if freed > 0 {
            tracing::info!(freed, "released notifications that the last process had claimed");
        }
        self.survey(app).await
    }

    /// Asks the database which lanes have something to claim, and notes it in the lanes of this node.
    pub(crate) async fn survey(&self, app: &App) -> Result<()> {
        let found = claim::survey(app.db.read(), self.lanes.node_id()).await?;
        self.note(found);
        Ok(())
    }

    /// Looks for due notifications of these webhooks, after a hint from another node.
    pub async fn look_at(&self, app: &App, ids: impl IntoIterator<Item = WebhookId>) -> Result<()> {
        let ids: Vec<WebhookId> = ids.into_iter().filter(|id| self.lanes.owns(*id)).collect();
        if !ids.is_empty() {
            self.note(claim::look(app.db.read(), self.lanes.node_id(), &ids).await?);
        }
        Ok(())
    }

    /// Notes what is due in the lanes of this node. Other nodes survey their own lanes.
    fn note(&self, found: Vec<(WebhookId, Limit, Timestamp)>) {
        for (webhook_id, limit, due) in found {
            if self.lanes.owns(webhook_id) {
                self.lanes.note_due(webhook_id, limit, due);
            }
        }
    }

    /// Rebalances after nodes came or went: releases the lanes that other nodes own now, and takes over the lanes that
    /// are new here, with the state of their webhooks' circuit breakers.
    pub(crate) async fn reown(&self, app: &App) -> Result<()> {
        self.lanes.reown();
        app.health.leave(|id| self.lanes.owns(id));
        app.health.load(app.db.read(), &self.lanes).await?;
        self.survey(app).await
    }

    /// Releases the claims of dead nodes and surveys again, so that somebody claims them.
    pub(crate) async fn free_claims(&self, app: &App) -> Result<()> {
        let node = self.lanes.node_id();
        let freed = app
            .db
            .write(Scope::none(), move |txn| {
                Box::pin(async move { free_claims(txn.conn(), node, txn.now()).await })
            })
            .await?;
        if freed > 0 {
            tracing::info!(freed, "released notifications that dead nodes had claimed");
            app.bus.tell(Message::due_anywhere());
            self.survey(app).await?;
        }
        Ok(())
    }
}

/// Delivers until `shutdown`. Then waits [`SHUTDOWN_TIMEOUT`] for requests in flight, records their outcomes and
/// releases the remaining claims.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let (records, queue) = mpsc::unbounded_channel();
    let recorder = tokio::spawn(recorder::run(Arc::clone(&app), queue));
    let flights = TaskTracker::new();
    let abandon = CancellationToken::new();
    let one_claim = Arc::new(Semaphore::new(1));
    let mut survey = interval(SURVEY_INTERVAL);
    survey.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut suspects = HashSet::new();
    let lanes = &app.dispatcher.lanes;
    while !shutdown.is_cancelled() {
        let mut changed = std::pin::pin!(lanes.changed());
        changed.as_mut().enable();
        start_claim(&app, &one_claim, &flights);
        while let Some(job) = deliver::next_job(&app, &records) {
            // Boxed to keep the task small: without it, `run_until_cancelled_owned` reserves the space of three such
            // futures.
            let flight = Box::pin(deliver::deliver_all(
                Arc::clone(&app),
                job,
                records.clone(),
                shutdown.clone(),
            ));
            flights.spawn(abandon.clone().run_until_cancelled_owned(flight));
        }
        tokio::select! {
            () = changed => {}
            () = until_due(&app, &one_claim) => {}
            _ = survey.tick() => check_suspects(&app, &mut suspects).await,
            () = shutdown.cancelled() => {}
            // The recorder has ended: an outcome of a request sent now could not be recorded.
            () = records.closed() => break,
        }
    }
    finish(&app, flights, abandon, records, recorder).await;
}

/// Shuts down: waits for requests in flight within a limit, releases queued jobs and waits for the recorder.
async fn finish(
    app: &Arc<App>,
    flights: TaskTracker,
    abandon: CancellationToken,
    records: mpsc::UnboundedSender<Record>,
    recorder: tokio::task::JoinHandle<()>,
) {
    flights.close();
    if timeout(SHUTDOWN_TIMEOUT, flights.wait()).await.is_err() {
        tracing::warn!(
            in_flight = app.dispatcher.lanes.in_flight(),
            "requests still in flight are canceled and will be sent again after the next start"
        );
        abandon.cancel();
        flights.wait().await;
    }
    for job in app.dispatcher.lanes.take_queued() {
        records.send(Record::held(job, None)).ok();
    }
    drop(records);
    let abort = recorder.abort_handle();
    if timeout(SHUTDOWN_TIMEOUT, recorder).await.is_err() {
        tracing::warn!("some outcomes could not be recorded; their requests will be sent again after the next start");
        abort.abort();
    }
}

/// Delivers until nothing is due: the dispatcher without its own timer, for tests. It waits neither for retries nor for
/// rate-limiter tokens.
pub async fn run_until_idle(app: &Arc<App>) -> Result<()> {
    let (records, mut queue) = mpsc::unbounded_channel();
    app.dispatcher.survey(app).await?;
    loop {
        claim(app).await?;
        let mut flights = JoinSet::new();
        while let Some(job) = deliver::next_job(app, &records) {
            flights.spawn(deliver::deliver_all(
                Arc::clone(app),
                job,
                records.clone(),
                CancellationToken::new(),
            ));
        }
        let is_idle = flights.is_empty() && queue.is_empty();
        if is_idle && app.dispatcher.lanes.next_due().is_none_or(|due| due > app.clock.now()) {
            return Ok(());
        }
        flights.join_all().await;
        let mut batch = Vec::new();
        while let Ok(record) = queue.try_recv() {
            batch.push(record);
        }
        for part in recorder::parts(app, batch).await {
            recorder::record(app, &part, RecordMode::Grouped).await?;
        }
    }
}

/// Starts a claim in a task of its own, one at a time: a slow disk must not delay the sending of what is in memory
/// already.
fn start_claim(app: &Arc<App>, one_claim: &Arc<Semaphore>, tasks: &TaskTracker) {
    if !has_due(app) || !app.nodes.is_alive() {
        return;
    }
    let Ok(turn) = Arc::clone(one_claim).try_acquire_owned() else {
        return;
    };
    let app = Arc::clone(app);
    tasks.spawn(async move {
        if let Err(error) = claim(&app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "due notifications could not be claimed"
            );
        }
        drop(turn);
        app.dispatcher.lanes.wake();
    });
}

fn has_due(app: &App) -> bool {
    let due = app.dispatcher.lanes.next_due();
    due.is_some_and(|due| due <= app.clock.now())
}

/// Claims for lanes with room in the window. Places that were reserved and not filled are released, on an error too.
async fn claim(app: &App) -> Result<()> {
    let lanes = &app.dispatcher.lanes;
    let node = lanes.node_id();
    let budgets = Arc::new(lanes.claim_budgets(app.clock.now()));
    if budgets.is_empty() {
        return Ok(());
    }
    let asked = Arc::clone(&budgets);
    let claimed = app
        .db
        .write(Scope::none(), move |txn| {
            Box::pin(async move { claim::claim(txn.conn(), node, txn.now(), &asked).await })
        })
        .await;
    match claimed {
        Ok(claim) => lanes.claimed(&budgets, claim),
        Err(error) => {
            lanes.not_claimed(&budgets, app.clock.now().plus(CLAIM_RETRY_DELAY));
            return Err(error);
        }
    }
    Ok(())
}

/// Waits until something is due to be claimed or a paused lane has its next token. While a claim is under way, only the
/// tokens count: the end of a claim wakes the dispatcher itself.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the dispatcher's own timer; tests step it with run_until_idle"
)]
async fn until_due(app: &App, one_claim: &Semaphore) {
    let lanes = &app.dispatcher.lanes;
    let due = lanes.next_due().filter(|_| one_claim.available_permits() > 0);
    match due.into_iter().chain(lanes.next_turn()).min() {
        Some(next) => tokio::time::sleep(next.since(app.clock.now())).await,
        None => std::future::pending().await,
    }
}

/// Releases claims of this node that are missing from its memory on two surveys in a row. Such a claim was committed
/// while its commit looked failed, as when a connection breaks during a commit. `suspects` holds the claims that were
/// missing on the last survey; it is replaced by those missing now.
pub async fn release_orphaned_claims(app: &App, suspects: &mut HashSet<NotificationId>) -> Result<()> {
    let node = app.dispatcher.lanes.node_id();
    let claimed = claim::claimed(app.db.read(), node).await?;
    let strays = app.dispatcher.lanes.orphaned(claimed.iter().map(|(id, _)| *id));
    let lost: Vec<_> = claimed
        .into_iter()
        .filter(|(id, _)| strays.contains(id) && suspects.contains(id))
        .collect();
    *suspects = strays;
    if lost.is_empty() {
        return Ok(());
    }
    tracing::warn!(lost = lost.len(), "releasing claims that are not in memory");
    let (ids, webhooks): (Vec<NotificationId>, HashSet<WebhookId>) = lost.into_iter().unzip();
    app.db
        .write(Scope::none(), move |txn| {
            Box::pin(async move { claim::release(txn.conn(), node, txn.now(), &ids).await })
        })
        .await?;
    app.dispatcher.look_at(app, webhooks).await
}

/// Surveys the lanes and releases orphaned claims; logs an error instead of returning it.
async fn check_suspects(app: &App, suspects: &mut HashSet<NotificationId>) {
    let looked = async {
        app.dispatcher.survey(app).await?;
        release_orphaned_claims(app, suspects).await
    };
    if let Err(error) = app.db.until_unresponsive(looked).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the lanes could not be surveyed for due notifications"
        );
    }
}
