//! [`App`]: the shared state that every verb needs. It imports the state of the verbs, from files that know no [`App`],
//! and none of the verbs; [`open`](App::open) makes it (`start.rs`).

use crate::{
    Clock,
    api_key::key_cache::KeyCache,
    background::status::Statuses,
    bus::{self, Bus, Message},
    db::Db,
    delivery::guard::Guard,
    dispatcher::state::Dispatcher,
    feed::Live,
    filter,
    health::registry::HealthRegistry,
    idempotency::running::Running,
    listener::hub::Listeners,
    node::{self, Nodes},
    payload::Shaper,
    queue::lanes::Window,
    secret::Keyring,
    subscribers::SubscriberCache,
    wake::Wake,
    webhook::target::DeliverySettingsCache,
};
use entity::{NotificationId, WebhookId};
use std::sync::Arc;

/// The settings of an app. Only `api/src/config.rs` reads the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// The URL of the database.
    pub database_url: String,
    /// The master key that encrypts secrets at rest.
    pub keyring: Arc<Keyring>,
    /// The clock.
    pub clock: Clock,
    /// The SSRF guard: private addresses that may be called all the same, and addresses of this server that may not.
    pub guard: Guard,
    /// Runs payload queries.
    pub shaper: Arc<dyn Shaper>,
    /// The window: the number of jobs that are held in memory.
    pub window: Window,
    /// The time limits of filters and conditions.
    pub filters: filter::Limits,
    /// The role, the name and the lease of this node.
    pub node: node::Config,
    /// The transport of hints between nodes.
    pub bus: bus::Choice,
    /// The number of days that the log is kept of an organization that sets none.
    pub retention_days: u32,
}

impl Config {
    /// The number of days that the log is kept where nobody chose another.
    pub const RETENTION_DAYS: u32 = 30;

    /// Returns the defaults of every installation: each other setting has one, and this is where it stands.
    pub fn new(database_url: String, keyring: Arc<Keyring>, shaper: Arc<dyn Shaper>) -> Self {
        Self {
            database_url,
            keyring,
            clock: Clock::default(),
            guard: Guard::default(),
            shaper,
            window: Window::default(),
            filters: filter::Limits::default(),
            node: node::Config::default(),
            bus: bus::Choice::default(),
            retention_days: Self::RETENTION_DAYS,
        }
    }
}

/// The state that all verbs share.
pub struct App {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Encrypts and decrypts secrets.
    pub keyring: Arc<Keyring>,
    /// This node and the others.
    pub nodes: Arc<Nodes>,
    /// Sends notifications that are due.
    pub dispatcher: Dispatcher,
    /// Cache of the delivery settings of webhooks.
    pub delivery_settings: DeliverySettingsCache,
    /// Cache of the webhooks that subscribe to events.
    pub(crate) subscribers: Arc<SubscriberCache>,
    /// Health of webhooks: circuit breakers and failures in a row.
    pub health: Arc<HealthRegistry>,
    /// Sends hints to other nodes.
    pub bus: Arc<Bus>,
    /// Listeners connected to this node, which receive webhooks on their own machines.
    pub(crate) listeners: Arc<Listeners>,
    /// The live feed.
    pub live: Arc<Live>,
    /// Wakes the task that deletes the labels of what was deleted.
    pub(crate) deletions: Wake,
    /// Wakes the task that takes in tasks and sends stages again.
    pub(crate) workflow_jobs: Wake,
    /// Wakes the task that sends again what replays match.
    pub(crate) replays: Wake,
    /// The status of each background task of this process.
    pub background: Statuses,
    /// For how many days the log of an organization is kept that says nothing else.
    pub(crate) retention_days: u32,
    /// Cache of API keys.
    pub(crate) keys: KeyCache,
    /// Requests with an idempotency key that are under way.
    pub(crate) running: Arc<Running>,
}

impl App {
    /// Drops a changed webhook from the caches of this node and the others.
    pub(crate) fn webhook_changed(&self, id: WebhookId) {
        self.delivery_settings.forget(id);
        self.bus.tell(Message::webhooks([id]));
    }

    /// Removes canceled notifications from memory, on whichever node holds them.
    pub(crate) fn canceled(&self, ids: impl IntoIterator<Item = (WebhookId, NotificationId)>) {
        for (webhook_id, id) in ids {
            match self.nodes.owns(webhook_id) {
                true => self.dispatcher.lanes.cancel(webhook_id, id),
                false => self.bus.tell(Message::canceled([(webhook_id, id)])),
            }
        }
    }

    /// Lets an open circuit breaker send one request now, because somebody asks whether the receiver works.
    pub(crate) fn probe(&self, id: WebhookId) {
        match self.nodes.owns(id) {
            true => self.health.hasten(&self.dispatcher.lanes, id, self.clock.now()),
            false => self.bus.tell(Message::probes([id])),
        }
    }

    /// Drops the cached users and keys of this node and the others, because one has changed.
    pub(crate) fn keys_changed(&self) {
        self.keys.forget();
        self.bus.tell(Message::keys());
    }
}
