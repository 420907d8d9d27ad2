//! Nodes: the processes that share a PostgreSQL database. Each renews its row, by the database's clock; those
//! that do not are declared dead and what they hold is claimed anew. A SQLite file has one process, which is alone.
//!
//! The server starts the heartbeat in [`background`](crate::background); the lanes and the tasks in the background ask
//! [`Nodes`] what this node owns. The heartbeat acts on the dispatcher, the feed and the bus; [`Nodes`] itself must
//! never import them.
//!
//! Each webhook is owned by one node, which sends to it ([`ring`]). So the limits of a lane (requests in flight, rate
//! limiter, circuit breaker, order) hold over all nodes by the state of one of them. Background work that must run once
//! runs on the leader. Owner and leader follow from the nodes that are alive. While two nodes differ about that for a
//! moment, a claim still belongs to one of them, and the database keeps the order.
//!
//! A node that could not renew its lease for a while sends nothing, since others may have taken over. A node that finds
//! its row gone drops its jobs and rejoins under a new id.

mod ring;

use entity::{NodeId, WebhookId};
use std::{
    collections::HashSet,
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};
use tokio::time::Instant;

/// Renewals in one lease.
pub(crate) const RENEWALS_PER_LEASE: u32 = 5;

/// The role of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Answers requests and sends notifications.
    #[default]
    All,
    /// Answers requests and sends nothing.
    Api,
    /// Sends notifications and answers no GraphQL.
    Dispatch,
}

impl Role {
    /// Returns whether the role sends notifications.
    pub fn dispatches(self) -> bool {
        self != Self::Api
    }

    /// Returns whether the role answers requests.
    pub fn serves(self) -> bool {
        self != Self::Dispatch
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Dispatch => "dispatch",
        }
    }
}

/// The settings of a node.
#[derive(Clone, Debug)]
pub struct Config {
    /// The role.
    pub role: Role,
    /// The name that the operator gave the node.
    pub name: String,
    /// The time after its last renewal during which a node counts as alive.
    pub lease: Duration,
}

impl Config {
    /// Returns the time after a renewal during which no other node can take this one for dead.
    pub(crate) fn patience(&self) -> Duration {
        self.lease * 7 / 10
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            role: Role::All,
            name: String::new(),
            lease: Duration::from_secs(10),
        }
    }
}

/// This node and the others it knows of.
#[derive(Debug)]
pub struct Nodes {
    pub(crate) config: Config,
    state: RwLock<State>,
    /// Webhooks whose listener is connected to this node, which then sends to them, whichever node owns them.
    pinned: RwLock<HashSet<WebhookId>>,
}

#[derive(Debug)]
pub(crate) struct State {
    me: NodeId,
    /// Every node that is alive.
    alive: Vec<NodeId>,
    /// The nodes that send, in the order of their ids.
    senders: Vec<NodeId>,
    /// Those that sent when this node last acted upon that.
    pub(crate) followed: Vec<NodeId>,
    /// Nodes declared dead here whose claims are not freed yet.
    pub(crate) dead: u64,
    /// The last renewal of the lease, and the number of renewals without a gap. `None` while this process is alone.
    renewed: Option<(Instant, u32)>,
}

impl Nodes {
    /// Makes the only node of a database, until it joins others.
    pub fn alone(config: Config) -> Self {
        let me = NodeId::new();
        let senders: Vec<NodeId> = config.role.dispatches().then_some(me).into_iter().collect();
        let state = State {
            me,
            alive: vec![me],
            followed: senders.clone(),
            senders,
            dead: 0,
            renewed: None,
        };
        Self {
            config,
            state: RwLock::new(state),
            pinned: RwLock::default(),
        }
    }

    /// Returns the id under which this node claims.
    pub fn id(&self) -> NodeId {
        self.state().me
    }

    /// Returns the role of this node.
    pub fn role(&self) -> Role {
        self.config.role
    }

    /// Returns whether this node sends to a webhook.
    pub fn owns(&self, id: WebhookId) -> bool {
        let state = self.state();
        let mine = ring::owner(&state.senders, id) == Some(state.me);
        mine || self.pinned.read().expect("held for a look only").contains(&id)
    }

    /// Notes that a webhook's listener has connected to this node, or has gone.
    pub(crate) fn pin(&self, id: WebhookId, is_here: bool) {
        let mut pinned = self.pinned.write().expect("held for a change only");
        match is_here {
            true => pinned.insert(id),
            false => pinned.remove(&id),
        };
    }

    /// Returns whether this node is the leader: of the nodes that send, the one with the lowest id.
    pub fn leads(&self) -> bool {
        let state = self.state();
        state.senders.first() == Some(&state.me)
    }

    /// Returns whether the lease of this node holds: it was renewed so lately that no other node can take this one for
    /// dead.
    pub fn is_alive(&self) -> bool {
        let state = self.state();
        state
            .renewed
            .is_none_or(|(last, _)| last.elapsed() < self.config.patience())
    }

    /// Returns whether another node is alive.
    pub(crate) fn knows(&self, id: NodeId) -> bool {
        self.state().alive.contains(&id)
    }

    /// Returns whether this node has looked lately and found no other that is alive.
    pub(crate) fn has_no_other(&self) -> bool {
        let state = self.state();
        let lately = |(last, _): (Instant, u32)| last.elapsed() < self.config.patience();
        state.renewed.is_some_and(lately) && state.alive == [state.me]
    }

    /// Returns whether this node may declare others dead: it has renewed its lease without a gap for long enough. A
    /// node that was suspended, or whose database was away, must first give the others the time to renew theirs.
    pub(crate) fn may_judge(&self) -> bool {
        let state = self.state();
        let lately = self.config.lease / 2;
        state
            .renewed
            .is_some_and(|(last, times)| times >= RENEWALS_PER_LEASE && last.elapsed() < lately)
    }

    /// Takes note of who is alive, and who of them sends, in the order of their ids.
    pub(crate) fn heard(&self, alive: Vec<NodeId>, senders: Vec<NodeId>, at: Instant) {
        let lease = self.config.lease;
        let mut state = self.change();
        (state.alive, state.senders) = (alive, senders);
        let before = state.renewed.filter(|(last, _)| at - *last < lease / 2);
        state.renewed = Some((at, before.map_or(0, |(_, times)| times.saturating_add(1))));
    }

    /// Returns the nodes that send now, those that sent when a change was last acted upon, and the number that have
    /// died since.
    pub(crate) fn news(&self) -> (Vec<NodeId>, Vec<NodeId>, u64) {
        let state = self.state();
        (state.senders.clone(), state.followed.clone(), state.dead)
    }

    pub(crate) fn rename(&self) {
        let mut state = self.change();
        state.me = NodeId::new();
        state.senders.clear();
        state.renewed = None;
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("nothing panics while it holds the nodes")
    }

    pub(crate) fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("nothing panics while it holds the nodes")
    }
}
