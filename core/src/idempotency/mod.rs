//! Idempotency keys: for a day, the same key and request of the same API key get the first response again. The digest
//! of the request and the response are sealed (encrypted), since both may hold secrets. The HTTP handler calls
//! [`begin`], [`within`] and [`finish`]; nothing here may know of HTTP or GraphQL beyond a status and bytes.
//!
//! A request claims its key with a row before it is executed, and stores its response in that row. Between the two,
//! [`Db::write`](crate::db::Db::write) marks the row in the first transaction that the request commits, *in the same
//! transaction*. When a process dies in between, the row therefore tells the fate of the request:
//!
//! - not marked: nothing was committed. A repeat is executed like a first request.
//! - marked: it was executed, at least in part, and its response is lost. A repeat is refused, never executed again.
//!
//! The rows of requests in execution are known in memory ([`Running`]) for this node; those of another node are in
//! execution as long as that node is alive. Any other row without a response was left behind by a crash.

mod row;
pub(crate) mod running;

pub(crate) use row::newest_sealed;

use crate::{
    App, Error, Result,
    auth::Actor,
    db::{Scope, request_mark},
};
use entity::{IdempotencyId, OrganizationId};
use running::Running;
use std::{sync::Arc, time::Duration};

/// The time for which a response is kept.
pub const RESPONSE_TTL: Duration = Duration::from_secs(24 * 3600);
/// The maximum number of characters of a key.
pub const MAX_KEY: usize = 255;
/// The maximum size in bytes of a stored response.
pub const MAX_ANSWER: usize = 1 << 20;
/// A request that is to be carried out once.
#[derive(Clone)]
pub struct Request {
    /// The idempotency key.
    pub key: String,
    /// The content that distinguishes one request from another.
    pub content: Vec<u8>,
}

/// The response of a request.
#[derive(Clone)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// The exact bytes of the body.
    pub body: Vec<u8>,
}

/// The result of claiming a key.
pub enum Begun {
    /// Execute the request inside [`within`], and call [`finish`].
    New(Claim),
    /// Return this response.
    Known(StoredResponse),
    /// The first request is in execution.
    Running,
    /// The key belongs to another request.
    Other,
    /// The request was executed, and its response is lost.
    Lost,
}

/// A claimed key: its request is in execution until this is dropped.
pub struct Claim {
    id: IdempotencyId,
    organization_id: OrganizationId,
    running: Arc<Running>,
}

impl Claim {
    fn new(running: &Arc<Running>, organization_id: OrganizationId) -> Self {
        let id = IdempotencyId::new();
        running.insert(id);
        Self {
            id,
            organization_id,
            running: Arc::clone(running),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.running.remove(self.id);
    }
}

/// Executes the work of a request: its first commit marks the row.
pub async fn within<T>(claim: &Claim, work: impl Future<Output = T>) -> T {
    request_mark::within(claim.id, work).await
}

/// The times that a claim is tried again after a repeat of the request was faster.
const MAX_RACES: usize = 3;

/// Claims a request's key, or returns the state in which the key already is.
pub async fn begin(app: &App, actor: &Actor, request: Request) -> Result<Begun> {
    check(&request.key)?;
    for _ in 0..MAX_RACES {
        match claim(app, actor, request.clone()).await {
            Err(Error::Conflict(_)) => {}
            begun => return begun,
        }
    }
    claim(app, actor, request).await
}

/// Claims the key once. A repeat that claims it at the same moment makes this a conflict.
async fn claim(app: &App, actor: &Actor, request: Request) -> Result<Begun> {
    let claim = Claim::new(&app.running, actor.organization_id);
    let (actor, keyring, nodes) = (actor.clone(), Arc::clone(&app.keyring), Arc::clone(&app.nodes));
    app.db
        .write(Scope::none(), move |txn| {
            Box::pin(async move { row::claim(txn, claim, &nodes, &actor, &keyring, request).await })
        })
        .await
}

/// Finishes a request. Its row is removed when `remember` is false, unless something was committed: that must not be
/// executed again. A response that is too large to be stored leaves a row without one.
pub async fn finish(app: &App, claim: Claim, answer: StoredResponse, remember: bool) -> Result<()> {
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
    // The claim is released last: a row without a response and without a claim counts as left behind.
    drop(claim);
    ended
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
