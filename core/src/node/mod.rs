//! Nodes: the processes that share a PostgreSQL database. Each renews its row ([`beat`]), by the database's clock; those
//! that do not are declared dead and what they hold is claimed anew. A SQLite file has one process, which is alone.
//!
//! Each webhook has one node that sends to it ([`ring`]), so what a lane allows (requests in flight, a rate, a breaker, an
//! order) holds over all nodes by what one of them knows. What runs in steps beside the requests runs on the leader. Both
//! follow from who is alive; while two nodes differ about that for a moment, a claim still belongs to one of them, and an
//! order is kept by the database.
//!
//! A node that could not renew its row for a while sends nothing, since others may have taken over. One that finds its row
//! gone drops what it holds and comes back under a new id.

mod beat;
mod ring;

pub(crate) use beat::{check_none, join};
pub use beat::{leave, run, step};

use entity::{NodeId, WebhookId};
use std::{
    collections::HashSet,
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};
use tokio::time::Instant;

/// What a process does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    #[default]
    All,
    /// Answers requests and sends nothing.
    Api,
    /// Sends, and answers no GraphQL.
    Dispatch,
}

impl Role {
    /// Whether it sends.
    pub fn dispatches(self) -> bool {
        self != Self::Api
    }

    /// Whether it answers requests.
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

/// How a process takes part.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it does.
    pub role: Role,
    /// What its operator calls it.
    pub name: String,
    /// How long a node that is not heard of counts as alive.
    pub lease: Duration,
}

impl Config {
    /// How long others certainly take a node for alive after it was heard of.
    fn patience(&self) -> Duration {
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

/// This node among the others.
#[derive(Debug)]
pub struct Nodes {
    config: Config,
    state: RwLock<State>,
    /// Webhooks whose listener is here: they are sent to from here, whoever owns them.
    pinned: RwLock<HashSet<WebhookId>>,
}

#[derive(Debug)]
struct State {
    me: NodeId,
    /// Every node that is alive.
    alive: Vec<NodeId>,
    /// Those that send, in the order of their ids.
    senders: Vec<NodeId>,
    /// Those that sent when this node last acted upon that.
    followed: Vec<NodeId>,
    /// Nodes declared dead here whose claims are not freed yet.
    buried: u64,
    /// When the row was last renewed, and how often without a gap; none: this process is alone.
    renewed: Option<(Instant, u32)>,
}

impl Nodes {
    /// A process that has its database to itself, until it joins others.
    pub fn alone(config: Config) -> Self {
        let me = NodeId::new();
        let senders: Vec<NodeId> = config.role.dispatches().then_some(me).into_iter().collect();
        let state = State {
            me,
            alive: vec![me],
            followed: senders.clone(),
            senders,
            buried: 0,
            renewed: None,
        };
        Self {
            config,
            state: RwLock::new(state),
            pinned: RwLock::default(),
        }
    }

    /// Who holds what this node claims.
    pub fn id(&self) -> NodeId {
        self.state().me
    }

    /// What this node does.
    pub fn role(&self) -> Role {
        self.config.role
    }

    /// Whether this node sends to a webhook.
    pub fn owns(&self, id: WebhookId) -> bool {
        let state = self.state();
        let mine = ring::owner(&state.senders, id) == Some(state.me);
        mine || self.pinned.read().expect("held for a look only").contains(&id)
    }

    /// A listener came here, or went.
    pub(crate) fn pin(&self, id: WebhookId, is_here: bool) {
        let mut pinned = self.pinned.write().expect("held for a change only");
        match is_here {
            true => pinned.insert(id),
            false => pinned.remove(&id),
        };
    }

    /// Whether what runs once runs here.
    pub fn leads(&self) -> bool {
        let state = self.state();
        state.senders.first() == Some(&state.me)
    }

    /// Whether others must take this node for alive: its row was renewed lately.
    pub fn is_alive(&self) -> bool {
        let state = self.state();
        state
            .renewed
            .is_none_or(|(last, _)| last.elapsed() < self.config.patience())
    }

    /// Whether another node is alive.
    pub(crate) fn knows(&self, id: NodeId) -> bool {
        self.state().alive.contains(&id)
    }

    /// Whether this node has looked lately, and found itself alone among those that are alive.
    pub(crate) fn has_no_other(&self) -> bool {
        let state = self.state();
        let lately = |(last, _): (Instant, u32)| last.elapsed() < self.config.patience();
        state.renewed.is_some_and(lately) && state.alive == [state.me]
    }

    /// Whether this node has been alive without a gap for long enough to say that others are not: whoever was away itself,
    /// or whose database was, must let the others be heard first.
    fn may_judge(&self) -> bool {
        let state = self.state();
        let lately = self.config.lease / 2;
        state
            .renewed
            .is_some_and(|(last, times)| times >= beat::BEATS && last.elapsed() < lately)
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("nothing panics while it holds the nodes")
    }

    fn change(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("nothing panics while it holds the nodes")
    }
}
