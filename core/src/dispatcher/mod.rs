//! The dispatcher: takes due notifications and turns each into signed POSTs until one is accepted or the policy gives up.
//!
//! There is one way to be sent. First attempts arrive in the [`Lanes`] already claimed; retries, redeliveries and what a
//! dead process left behind are claimed from the database ([`outbox`]). Each is delivered alone ([`deliver`]) and
//! recorded in batches ([`recorder`]). No transaction is open while we call somebody's server. The dispatcher wakes on a
//! signal *and* on a timer, and registers for the signal before it looks.

mod deliver;
mod recorder;

use crate::{
    App, Result,
    bus::Message,
    db::Scope,
    delivery::{limit::Limit, sender::Sender},
    queue::{
        claim::{self, free_claims},
        lanes::Lanes,
        ordering,
    },
};
use entity::{NotificationId, Timestamp, WebhookId};
use recorder::{Record, Way};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often the database is asked which lanes have work, in case a hint was lost.
const SURVEY: Duration = Duration::from_secs(15);
/// How long to wait after a claim that the database refused.
const CLAIM_AGAIN: Duration = Duration::from_secs(1);
/// How long a shutdown waits for requests in flight.
const GRACE: Duration = Duration::from_secs(10);

/// Holds the lanes and drives them.
pub struct Dispatcher {
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) sender: Sender,
    /// Told after every batch of outcomes that is recorded.
    pub(crate) recorded: Notify,
}

impl Dispatcher {
    pub(crate) fn new(lanes: Arc<Lanes>, sender: Sender) -> Self {
        Self {
            lanes,
            sender,
            recorded: Notify::new(),
        }
    }

    /// Whether this process holds no notification: nothing is queued, in flight or about to be recorded.
    pub fn is_idle(&self) -> bool {
        self.lanes.is_idle()
    }

    /// Gives claims of dead nodes back, and learns which breakers are open and which lanes have something to claim.
    pub(crate) async fn recover(&self, app: &App) -> Result<()> {
        let node = self.lanes.node_id();
        let freed = app
            .db
            .write(Scope::free(), move |txn| {
                Box::pin(async move {
                    ordering::release_all(txn.conn(), txn.now()).await?;
                    free_claims(txn.conn(), node, txn.now()).await
                })
            })
            .await?;
        app.health.load(app.db.read(), &self.lanes).await?;
        if freed > 0 {
            tracing::info!(
                freed,
                "took over notifications that were held when the last process ended"
            );
        }
        self.survey(app).await
    }

    pub(crate) async fn survey(&self, app: &App) -> Result<()> {
        let found = claim::survey(app.db.read(), self.lanes.node_id()).await?;
        self.note(found);
        Ok(())
    }

    /// Another node says that these have something to claim.
    pub async fn look_at(&self, app: &App, ids: impl IntoIterator<Item = WebhookId>) -> Result<()> {
        let ids: Vec<WebhookId> = ids.into_iter().filter(|id| self.lanes.owns(*id)).collect();
        if !ids.is_empty() {
            self.note(claim::look(app.db.read(), self.lanes.node_id(), &ids).await?);
        }
        Ok(())
    }

    /// Others' lanes are their own affair: they survey, too.
    fn note(&self, found: Vec<(WebhookId, Limit, Timestamp)>) {
        for (webhook_id, limit, due) in found {
            if self.lanes.owns(webhook_id) {
                self.lanes.note_due(webhook_id, limit, due);
            }
        }
    }

    /// Nodes came or went: lanes that are others' now are given up, and those that are new here are taken over with what is
    /// known of their webhooks.
    pub(crate) async fn reown(&self, app: &App) -> Result<()> {
        self.lanes.reown();
        app.health.leave(|id| self.lanes.owns(id));
        app.health.load(app.db.read(), &self.lanes).await?;
        self.survey(app).await
    }

    /// Gives claims of dead nodes back.
    pub(crate) async fn free_claims(&self, app: &App) -> Result<()> {
        let node = self.lanes.node_id();
        let freed = app
            .db
            .write(Scope::free(), move |txn| {
                Box::pin(async move { free_claims(txn.conn(), node, txn.now()).await })
            })
            .await?;
        if freed > 0 {
            tracing::info!(freed, "took over notifications that dead nodes held");
            app.bus.tell(Message::due_anywhere());
            self.survey(app).await?;
        }
        Ok(())
    }
}

/// Delivers until `shutdown`; then finishes what is in flight within a limit, records it and gives claims back.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    let (records, queue) = mpsc::unbounded_channel();
    let recorder = tokio::spawn(recorder::run(Arc::clone(&app), queue));
    let flights = TaskTracker::new();
    let abandon = CancellationToken::new();
    let one_claim = Arc::new(Semaphore::new(1));
    let mut survey = interval(SURVEY);
    survey.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut suspects = HashSet::new();
    let lanes = &app.dispatcher.lanes;
    while !shutdown.is_cancelled() {
        let mut changed = std::pin::pin!(lanes.changed());
        changed.as_mut().enable();
        start_claim(&app, &one_claim, &flights);
        while let Some(job) = deliver::next_job(&app, &records) {
            // In a box: what runs until it is canceled has place for three of it.
            let flight = Box::pin(deliver::fly(Arc::clone(&app), job, records.clone(), shutdown.clone()));
            flights.spawn(abandon.clone().run_until_cancelled_owned(flight));
        }
        tokio::select! {
            () = changed => {}
            () = until_due(&app, &one_claim) => {}
            _ = survey.tick() => look_again(&app, &mut suspects).await,
            () = shutdown.cancelled() => {}
            // The recorder is gone: what is sent now would not be written down.
            () = records.closed() => break,
        }
    }
    finish(&app, flights, abandon, records, recorder).await;
}

async fn finish(
    app: &Arc<App>,
    flights: TaskTracker,
    abandon: CancellationToken,
    records: mpsc::UnboundedSender<Record>,
    recorder: tokio::task::JoinHandle<()>,
) {
    flights.close();
    if timeout(GRACE, flights.wait()).await.is_err() {
        tracing::warn!(
            in_flight = app.dispatcher.lanes.in_flight(),
            "requests still in flight are given up and sent again after the next start"
        );
        abandon.cancel();
        flights.wait().await;
    }
    for job in app.dispatcher.lanes.drain() {
        records.send(Record::held(job, None)).ok();
    }
    drop(records);
    let abort = recorder.abort_handle();
    if timeout(GRACE, recorder).await.is_err() {
        tracing::warn!("outcomes that could not be recorded are left to the next start");
        abort.abort();
    }
}

/// Delivers what is due until nothing is: the dispatcher without its own time, for tests. Waits for no retry and for no
/// token.
pub async fn run_until_idle(app: &Arc<App>) -> Result<()> {
    let (records, mut queue) = mpsc::unbounded_channel();
    app.dispatcher.survey(app).await?;
    loop {
        claim(app).await?;
        let mut flights = JoinSet::new();
        while let Some(job) = deliver::next_job(app, &records) {
            flights.spawn(deliver::fly(
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
            recorder::record(app, &part, Way::Together).await?;
        }
    }
}

/// One claim at a time, beside the sending: a slow disk must not hold up what is in memory already.
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

/// Claims for lanes with room. Places that were reserved and not filled are given back, whatever happens.
async fn claim(app: &App) -> Result<()> {
    let lanes = &app.dispatcher.lanes;
    let node = lanes.node_id();
    let rooms = Arc::new(lanes.to_claim(app.clock.now()));
    if rooms.is_empty() {
        return Ok(());
    }
    let asked = Arc::clone(&rooms);
    let claimed = app
        .db
        .write(Scope::free(), move |txn| {
            Box::pin(async move { claim::claim(txn.conn(), node, txn.now(), &asked).await })
        })
        .await;
    match claimed {
        Ok(claim) => lanes.claimed(&rooms, claim),
        Err(error) => {
            lanes.not_claimed(&rooms, app.clock.now().plus(CLAIM_AGAIN));
            return Err(error);
        }
    }
    Ok(())
}

/// Waits for the moment when something is due to be claimed, or when a lane has its next token. While a claim is under
/// way, what is due waits for its end.
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

/// Claims of this node that its memory does not know of, twice in a row, were committed although nobody was told so, as
/// happens when a connection breaks during a commit. They are given back. Takes the suspects of the last look and leaves
/// those of the next.
pub async fn free_strays(app: &App, suspects: &mut HashSet<NotificationId>) -> Result<()> {
    let node = app.dispatcher.lanes.node_id();
    let claimed = claim::claimed(app.db.read(), node).await?;
    let strays = app.dispatcher.lanes.strays(claimed.iter().map(|(id, _)| *id));
    let lost: Vec<_> = claimed
        .into_iter()
        .filter(|(id, _)| strays.contains(id) && suspects.contains(id))
        .collect();
    *suspects = strays;
    if lost.is_empty() {
        return Ok(());
    }
    tracing::warn!(lost = lost.len(), "claims that nobody was told of are given back");
    let (ids, webhooks): (Vec<NotificationId>, HashSet<WebhookId>) = lost.into_iter().unzip();
    app.db
        .write(Scope::free(), move |txn| {
            Box::pin(async move { claim::give_back(txn.conn(), node, txn.now(), &ids).await })
        })
        .await?;
    app.dispatcher.look_at(app, webhooks).await
}

async fn look_again(app: &App, suspects: &mut HashSet<NotificationId>) {
    let looked = async {
        app.dispatcher.survey(app).await?;
        free_strays(app, suspects).await
    };
    if let Err(error) = app.db.outlast(looked).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "due notifications could not be looked for"
        );
    }
}
