//! Requests that carry an idempotency key: the same key and request of the same API key give the first answer again, for
//! a day. What was asked (its digest) and what was answered are sealed: both may hold secrets.
//!
//! A request claims its key with a row before it is carried out, and leaves its answer in that row. Between the two
//! stands [`Db::write`](crate::db::Db::write): the first thing that the request commits marks the row, *in the same
//! transaction*. So of a process that dies in between, the row tells what became of the request:
//!
//! - not marked: nothing was committed. A repeat is carried out as if it were the first.
//! - marked: it was carried out, at least in part, and its answer is lost. A repeat is refused, never run again.
//!
//! Which rows belong to requests that are being carried out is known in memory ([`Running`]), of this node's; those of
//! another node are being carried out as long as it is alive. Any other row without an answer was left behind.

mod row;

pub(crate) use row::newest_sealed;

use crate::{
    App, Error, Result,
    auth::Actor,
    db::{Scope, request_mark},
};
use entity::{IdempotencyId, OrganizationId, idempotency_key};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// For how long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Characters of a key at most.
pub const MAX_KEY: usize = 255;
/// Bytes of an answer that is kept.
pub const MAX_ANSWER: usize = 1 << 20;
/// Rows that are removed at once.
const STEP: u64 = 500;
/// How often old rows are looked for.
const LOOK: Duration = Duration::from_secs(60);

/// A request that is to be carried out once.
#[derive(Clone)]
pub struct Request {
    /// The idempotency key.
    pub key: String,
    /// All that tells one request from another.
    pub content: Vec<u8>,
}

/// What a request was answered.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// The very bytes.
    pub body: Vec<u8>,
}

/// What is to be done with a request.
pub enum Begun {
    /// Carry it out, inside [`within`], and [`finish`].
    New(Claim),
    /// Answer this.
    Known(Answer),
    /// The first one is being carried out.
    Running,
    /// The key belongs to another request.
    Other,
    /// It was carried out, and there is no answer.
    Lost,
}

/// The requests that this process carries out.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashSet<IdempotencyId>>);

/// A request that is being carried out, until this is dropped.
pub struct Claim {
    id: IdempotencyId,
    organization_id: OrganizationId,
    running: Arc<Running>,
}

impl Running {
    fn has(&self, id: IdempotencyId) -> bool {
        self.0.lock().expect("held for a look only").contains(&id)
    }
}

impl Claim {
    fn new(running: &Arc<Running>, organization_id: OrganizationId) -> Self {
        let id = IdempotencyId::new();
        running.0.lock().expect("held for an insert only").insert(id);
        Self {
            id,
            organization_id,
            running: Arc::clone(running),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.running.0.lock().expect("held for a remove only").remove(&self.id);
    }
}

/// Does the work of a request: what it commits marks its row.
pub async fn within<T>(claim: &Claim, work: impl Future<Output = T>) -> T {
    request_mark::within(claim.id, work).await
}

/// Claims a request's key, or says what else is to be done.
pub async fn begin(app: &App, actor: &Actor, request: Request) -> Result<Begun> {
    check(&request.key)?;
    let claim = Claim::new(&app.running, actor.organization_id);
    let (actor, keyring, nodes) = (actor.clone(), Arc::clone(&app.keyring), Arc::clone(&app.nodes));
    app.db
        .write(Scope::free(), move |txn| {
            Box::pin(async move { row::claim(txn, claim, &nodes, &actor, &keyring, request).await })
        })
        .await
}

/// Ends a request. What is not to be remembered is forgotten, unless something of it was committed: that must not run
/// again. An answer that is too large to be kept leaves a row that says no more than that.
pub async fn finish(app: &App, claim: Claim, answer: Answer, remember: bool) -> Result<()> {
    let (id, keyring) = (claim.id, Arc::clone(&app.keyring));
    let fits = answer.body.len() <= MAX_ANSWER;
    let ended = app
        .db
        .write(claim.organization_id, move |txn| {
            Box::pin(async move {
                let is_kept = remember && fits;
                let is_gone = !is_kept && row::forget(txn, id).await?;
                match fits && !is_gone {
                    true => row::keep(txn, id, &keyring, answer).await,
                    false => Ok(()),
                }
            })
        })
        .await;
    // Only now: whoever finds the row without an answer and the claim gone takes it for left behind.
    drop(claim);
    ended
}

/// Removes what is too old, until it is told to stop.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    loop {
        if let Some(Err(error)) = shutdown.run_until_cancelled(sweep(&app)).await {
            tracing::error!(error = &error as &dyn std::error::Error, "old answers were not removed");
        }
        if tokio::time::timeout(LOOK, shutdown.cancelled()).await.is_ok() {
            return;
        }
    }
}

/// Removes what is too old, a bounded step a transaction. Gives how many there were.
pub async fn sweep(app: &App) -> Result<u64> {
    let mut removed = 0;
    loop {
        let before = app.clock.now().minus(KEPT);
        let old = idempotency_key::Entity::find()
            .select_only()
            .column(idempotency_key::Column::Id)
            .filter(idempotency_key::Column::CreatedAt.lte(before))
            .limit(STEP);
        let ids: Vec<IdempotencyId> = old.into_tuple().all(app.db.read()).await?;
        if ids.is_empty() || !app.nodes.leads() {
            return Ok(removed);
        }
        removed += ids.len() as u64;
        let rows = idempotency_key::Entity::delete_many().filter(idempotency_key::Column::Id.is_in(ids));
        app.db
            .write(Scope::free(), move |txn| {
                Box::pin(async move { Ok(rows.exec(txn.conn()).await.map(drop)?) })
            })
            .await?;
    }
}

fn check(key: &str) -> Result<()> {
    let fits = (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    match fits {
        true => Ok(()),
        false => Err(Error::invalid(
            "Idempotency-Key",
            "must be 1 to 255 visible ASCII characters or spaces",
        )),
    }
}
