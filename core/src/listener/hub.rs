//! Who listens at this node, and what is waited for: in memory alone. A listener holds its webhook while it is
//! [`Attached`]; the dispatcher hands it deliveries ([`Listeners::send`]) and waits for the answers. At most as many wait
//! as the webhook's lane lets fly.

use super::delivery::{Answer, Delivery};
use crate::{
    Error, Result,
    auth::Actor,
    delivery::sender::{Outcome, SendError},
    node::Nodes,
};
use entity::{AttemptErrorKind, Timestamp, UserId, WebhookId};
use moka::sync::Cache;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};
use uuid::Uuid;

/// Deliveries that a listener has not taken yet; the dispatcher waits with more.
const QUEUED: usize = 64;
/// For how long a delivery that is over is told from one that never was, and of how many.
const REMEMBERED: Duration = Duration::from_secs(300);
const REMEMBERED_COUNT: u64 = 10_000;

/// The listeners of this node.
pub struct Listeners {
    nodes: Arc<Nodes>,
    state: Mutex<State>,
    over: Cache<Uuid, UserId>,
    pub(super) started: Timestamp,
    pub(super) changed: Notify,
}

#[derive(Default)]
struct State {
    attached: HashMap<WebhookId, Listener>,
    waiting: HashMap<Uuid, Waiting>,
    /// Those that went away, which is not written yet.
    left: HashSet<WebhookId>,
    /// Numbers given to listeners so far.
    count: u64,
}

struct Listener {
    number: u64,
    user_id: UserId,
    queue: mpsc::Sender<Arc<Delivery>>,
    end: oneshot::Sender<Error>,
}

/// A delivery that is not answered.
struct Waiting {
    webhook_id: WebhookId,
    user_id: UserId,
    told: bool,
    answer: oneshot::Sender<Outcome>,
}

impl Listeners {
    /// Nobody yet, at this moment, at this node.
    pub(crate) fn new(nodes: Arc<Nodes>, started: Timestamp) -> Self {
        let over = Cache::builder()
            .time_to_live(REMEMBERED)
            .max_capacity(REMEMBERED_COUNT)
            .build();
        Self {
            nodes,
            state: Mutex::default(),
            over,
            started,
            changed: Notify::new(),
        }
    }

    /// Takes a listener in; one that was there ends.
    pub(super) fn admit(self: &Arc<Self>, webhook_id: WebhookId, actor: &Actor) -> Attached {
        let (queue, deliveries) = mpsc::channel(QUEUED);
        let (end, ended) = oneshot::channel();
        let mut state = self.state();
        state.count += 1;
        let number = state.count;
        if let Some(former) = state.dismiss(webhook_id) {
            let reason = "another listener has taken this webhook over";
            former.end.send(Error::Conflict(reason.into())).ok();
        }
        let listener = Listener {
            number,
            user_id: actor.user_id,
            queue,
            end,
        };
        state.attached.insert(webhook_id, listener);
        self.nodes.pin(webhook_id, true);
        Attached {
            listeners: Arc::clone(self),
            webhook_id,
            number,
            deliveries,
            ended,
        }
    }

    /// Whether somebody listens here.
    pub fn is_attached(&self, webhook_id: WebhookId) -> bool {
        self.state().attached.contains_key(&webhook_id)
    }

    /// Those whose listener went away since this was asked.
    pub(super) fn left(&self) -> HashSet<WebhookId> {
        std::mem::take(&mut self.state().left)
    }

    /// Asks again for what could not be written.
    pub(super) fn leave_again(&self, webhook_ids: impl IntoIterator<Item = WebhookId>) {
        self.state().left.extend(webhook_ids);
    }

    /// A webhook was removed or revoked: its listener is told so, and what waits for it is looked after.
    pub(crate) fn close(&self, webhook_id: WebhookId) {
        if let Some(listener) = self.state().dismiss(webhook_id) {
            self.nodes.pin(webhook_id, false);
            let reason = "the listener's webhook was removed or revoked";
            listener.end.send(Error::NotAllowed(reason.into())).ok();
        }
        self.changed.notify_one();
    }

    /// Hands a delivery to the listener of its webhook and waits for the answer. `None`: it was told nothing, because it is
    /// not here or went away before.
    pub(crate) async fn send(&self, delivery: Delivery) -> Option<Outcome> {
        let (id, limit) = (delivery.id, delivery.timeout);
        let (answer, answered) = oneshot::channel();
        let (queue, _waits) = self.expect(&delivery, answer)?;
        let work = async {
            queue.send(Arc::new(delivery)).await.ok();
            answered.await.ok()
        };
        match timeout(limit, work).await {
            Ok(outcome) => outcome,
            Err(_) if !self.was_told(id) => None,
            Err(_) => {
                let message = format!("no answer from the listener within {limit:?}");
                Some(failed(AttemptErrorKind::Timeout, message))
            }
        }
    }

    fn expect(
        &self,
        delivery: &Delivery,
        answer: oneshot::Sender<Outcome>,
    ) -> Option<(mpsc::Sender<Arc<Delivery>>, Waits<'_>)> {
        let mut state = self.state();
        let listener = state.attached.get(&delivery.webhook_id)?;
        let (queue, user_id) = (listener.queue.clone(), listener.user_id);
        let waiting = Waiting {
            webhook_id: delivery.webhook_id,
            user_id,
            told: false,
            answer,
        };
        state.waiting.insert(delivery.id, waiting);
        let waits = Waits {
            listeners: self,
            id: delivery.id,
            user_id,
        };
        Some((queue, waits))
    }

    fn was_told(&self, id: Uuid) -> bool {
        self.state().waiting.get(&id).is_some_and(|waiting| waiting.told)
    }

    /// A listener takes a delivery out of its queue: whether it is still waited for.
    fn tell(&self, id: Uuid) -> bool {
        let mut state = self.state();
        let waiting = state.waiting.get_mut(&id);
        waiting.map(|waiting| waiting.told = true).is_some()
    }

    /// Takes an answer in, of whoever was handed the delivery.
    pub(super) fn answer(&self, actor: &Actor, delivery: &str, answer: Answer) -> Result<()> {
        let unknown = || Error::not_found("delivery", delivery);
        let id: Uuid = delivery.parse().map_err(|_| unknown())?;
        let over = || Error::Conflict("the delivery is over: what is answered now changes nothing".into());
        let mut state = self.state();
        let Some(waiting) = state.waiting.get(&id) else {
            drop(state);
            let known = self.over.get(&id).is_some_and(|user_id| user_id == actor.user_id);
            return Err(if known { over() } else { unknown() });
        };
        if waiting.user_id != actor.user_id || !waiting.told {
            return Err(unknown());
        }
        let outcome = answer.check()?;
        let waiting = state.waiting.remove(&id).ok_or_else(unknown)?;
        drop(state);
        waiting.answer.send(outcome).map_err(|_| over())
    }

    /// A listener went away, unless another has its place already.
    fn detach(&self, webhook_id: WebhookId, number: u64) {
        let mut state = self.state();
        let current = state.attached.get(&webhook_id);
        if current.is_some_and(|listener| listener.number == number) {
            state.dismiss(webhook_id);
            self.nodes.pin(webhook_id, false);
            drop(state);
            self.changed.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the listeners")
    }
}

impl State {
    /// Takes a listener out. What it was told and has not answered has failed; what it was not told waits.
    fn dismiss(&mut self, webhook_id: WebhookId) -> Option<Listener> {
        let listener = self.attached.remove(&webhook_id)?;
        self.left.insert(webhook_id);
        let of_it = |_: &Uuid, waiting: &mut Waiting| waiting.webhook_id == webhook_id;
        for (_, waiting) in self.waiting.extract_if(of_it) {
            if waiting.told {
                let message = "the listener went away before it answered";
                let outcome = failed(AttemptErrorKind::ListenerGone, message.into());
                waiting.answer.send(outcome).ok();
            }
        }
        Some(listener)
    }
}

fn failed(kind: AttemptErrorKind, message: String) -> Outcome {
    Outcome {
        answer: None,
        error: Some(SendError::new(kind, message)),
    }
}

/// As long as this lives, the delivery is waited for; afterwards it is over.
struct Waits<'l> {
    listeners: &'l Listeners,
    id: Uuid,
    user_id: UserId,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.listeners.state().waiting.remove(&self.id);
        self.listeners.over.insert(self.id, self.user_id);
    }
}

/// A listener's hold on its webhook, until it is dropped.
pub struct Attached {
    listeners: Arc<Listeners>,
    webhook_id: WebhookId,
    number: u64,
    deliveries: mpsc::Receiver<Arc<Delivery>>,
    ended: oneshot::Receiver<Error>,
}

impl Attached {
    /// The next delivery to make; or why there will be none. Not to be asked after that.
    pub async fn next(&mut self) -> Result<Arc<Delivery>> {
        loop {
            let delivery = tokio::select! {
                biased;
                ended = &mut self.ended => Err(ended.ok()),
                delivery = self.deliveries.recv() => delivery.ok_or(None),
            };
            match delivery {
                Ok(delivery) if self.listeners.tell(delivery.id) => return Ok(delivery),
                Ok(_) => {}
                Err(reason) => return Err(reason.unwrap_or_else(|| Error::internal("a listener's queue is closed"))),
            }
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.listeners.detach(self.webhook_id, self.number);
    }
}
