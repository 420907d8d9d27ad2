//! The listeners connected to this node and the deliveries they work on, in memory alone. A listener holds its webhook
//! while its [`Attached`] lives. The dispatcher gives it deliveries ([`Listeners::send`]) and waits for the responses,
//! as many at once as the webhook's lane may have in flight.

use super::delivery::{Answer, Delivery};
use crate::{
    Error, Result,
    auth::Actor,
    delivery::sender::{Outcome, SendError},
    node::Nodes,
    wake::Wake,
};
use entity::{AttemptErrorKind, Timestamp, UserId, WebhookId};
use moka::sync::Cache;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use uuid::Uuid;

/// The most deliveries that a listener has not taken yet; the dispatcher waits with more (backpressure).
const MAX_QUEUED: usize = 64;
/// The time for which ended deliveries are remembered, to tell a late response from an unknown id; below, how many.
const ENDED_TTL: Duration = Duration::from_secs(300);
const MAX_ENDED: u64 = 10_000;

/// The listeners of this node.
pub struct Listeners {
    nodes: Arc<Nodes>,
    state: Mutex<State>,
    over: Cache<Uuid, UserId>,
    pub(crate) started: Timestamp,
    pub(crate) changed: Wake,
}

#[derive(Default)]
struct State {
    attached: HashMap<WebhookId, Listener>,
    waiting: HashMap<Uuid, Waiting>,
    /// Those that went away, which is not written yet.
    departed: HashSet<WebhookId>,
    /// Numbers given to listeners so far.
    count: u64,
}

struct Listener {
    number: u64,
    user_id: UserId,
    queue: mpsc::Sender<Arc<Delivery>>,
    end: oneshot::Sender<Error>,
}

/// A delivery that waits for its response.
struct Waiting {
    webhook_id: WebhookId,
    user_id: UserId,
    told: bool,
    answer: oneshot::Sender<Outcome>,
}

impl Listeners {
    /// Makes the listeners of a node, none yet.
    pub(crate) fn new(nodes: Arc<Nodes>, started: Timestamp) -> Self {
        let over = Cache::builder().time_to_live(ENDED_TTL).max_capacity(MAX_ENDED).build();
        Self {
            nodes,
            state: Mutex::default(),
            over,
            started,
            changed: Wake::default(),
        }
    }

    /// Adds a listener; the one that was connected before is ended.
    pub(super) fn admit(self: &Arc<Self>, webhook_id: WebhookId, actor: &Actor) -> Attached {
        let (queue, deliveries) = mpsc::channel(MAX_QUEUED);
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

    /// Returns whether a listener is connected to this node.
    pub fn is_attached(&self, webhook_id: WebhookId) -> bool {
        self.state().attached.contains_key(&webhook_id)
    }

    /// Returns the webhooks whose listener went away, which is not written yet.
    pub(crate) fn departed(&self) -> Vec<WebhookId> {
        self.state().departed.iter().copied().collect()
    }

    /// Takes one of them out, to be written. `false`: it has been taken out already.
    pub(crate) fn take_departed(&self, webhook_id: WebhookId) -> bool {
        self.state().departed.remove(&webhook_id)
    }

    /// Puts one back that could not be written.
    pub(crate) fn depart_again(&self, webhook_id: WebhookId) {
        self.state().departed.insert(webhook_id);
    }

    /// Ends the listener of a webhook that was removed or revoked, and wakes the task that cancels its notifications.
    pub(crate) fn close(&self, webhook_id: WebhookId) {
        if let Some(listener) = self.state().dismiss(webhook_id) {
            self.nodes.pin(webhook_id, false);
            let reason = "the listener's webhook was removed or revoked";
            listener.end.send(Error::NotAllowed(reason.into())).ok();
        }
        self.changed.wake();
    }

    /// Gives a delivery to the listener of its webhook and waits for the response. Returns `None` when the listener did
    /// not receive it, because it is not connected here or went away before.
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

    /// Marks a delivery as received by its listener. Returns whether it is still waited for.
    fn tell(&self, id: Uuid) -> bool {
        let mut state = self.state();
        let waiting = state.waiting.get_mut(&id);
        waiting.map(|waiting| waiting.told = true).is_some()
    }

    /// Takes a response in, from the user whose listener received the delivery.
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

    /// Removes a listener that has gone, unless another has taken its webhook over.
    fn detach(&self, webhook_id: WebhookId, number: u64) {
        let mut state = self.state();
        let current = state.attached.get(&webhook_id);
        if current.is_some_and(|listener| listener.number == number) {
            state.dismiss(webhook_id);
            self.nodes.pin(webhook_id, false);
            drop(state);
            self.changed.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the listeners")
    }
}

impl State {
    /// Removes a listener. Deliveries that it received and has not answered fail; the others wait.
    fn dismiss(&mut self, webhook_id: WebhookId) -> Option<Listener> {
        let listener = self.attached.remove(&webhook_id)?;
        self.departed.insert(webhook_id);
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
        error: Some(SendError::new(kind, message)),
        ..Outcome::default()
    }
}

/// Keeps a delivery waited for while it lives; afterwards the delivery has ended.
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
    /// Waits for the next delivery. An error says why there will be no more, and must end the calls.
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
