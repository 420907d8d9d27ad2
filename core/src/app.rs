//! [`App`]: the shared state that every verb needs, made once at the start.

use crate::{
    Clock, Result,
    admin::{copy, rekey},
    api_key,
    background::{Statuses, heartbeat},
    bus::{self, Bus, Message},
    db::Db,
    delivery::{
        guard::Guard,
        sender::{self, Sender},
    },
    dispatcher::Dispatcher,
    feed::Live,
    filter, health, idempotency,
    listener::Listeners,
    node::{self, Nodes},
    payload::Shaper,
    queue::lanes::{Lanes, Window},
    retention,
    secret::Keyring,
    sql::postgres::installation,
    subscribers::SubscriberCache,
    wake::Wake,
    webhook::DeliverySettingsCache,
    workflow,
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
            retention_days: retention::DAYS,
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
    pub health: Arc<health::HealthRegistry>,
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
    pub(crate) keys: api_key::KeyCache,
    /// Requests with an idempotency key that are under way.
    pub(crate) running: Arc<idempotency::Running>,
}

impl App {
    /// Opens the database, runs pending migrations and releases the claims of dead nodes. Fails when the keyring is not
    /// the one that encrypted the database's secrets, or when a copy or a change of the master key was interrupted.
    pub async fn open(config: Config) -> Result<Arc<Self>> {
        // Boxed, so that the caller's future does not contain all that is opened here.
        Box::pin(Self::start(config)).await
    }

    async fn start(config: Config) -> Result<Arc<Self>> {
        let nodes = Arc::new(Nodes::alone(config.node));
        let lanes = Arc::new(Lanes::new(config.window, Arc::clone(&nodes)));
        let index = Arc::new(SubscriberCache::new(config.shaper, config.filters));
        let sender = Sender::new(sender::Config {
            guard: config.guard,
            ..sender::Config::default()
        })?;
        let (live, bus) = (Arc::new(Live::default()), Arc::new(Bus::new(Arc::clone(&nodes))));
        let (clock, url) = (config.clock.clone(), &config.database_url);
        let choice = config.bus.on(url)?;
        let told = Arc::clone(&bus);
        let db = Db::open(
            url,
            clock,
            Arc::clone(&index),
            Arc::clone(&lanes),
            Arc::clone(&live),
            told,
        )
        .await?;
        copy::check_done(db.read()).await?;
        bus.connect(&choice, url, installation(db.read()).await?).await?;
        rekey::check_done(db.read()).await?;
        rekey::check_keyring(db.read(), &config.keyring).await?;
        let app = Arc::new(Self {
            db,
            listeners: Arc::new(Listeners::new(Arc::clone(&nodes), config.clock.now())),
            clock: config.clock,
            keyring: config.keyring,
            nodes,
            dispatcher: Dispatcher::new(lanes, sender),
            delivery_settings: DeliverySettingsCache::default(),
            subscribers: index,
            health: Arc::default(),
            bus,
            live,
            deletions: Wake::default(),
            workflow_jobs: Wake::default(),
            replays: Wake::default(),
            background: Statuses::default(),
            retention_days: config.retention_days,
            keys: api_key::KeyCache::default(),
            running: Arc::default(),
        });
        heartbeat::join(&app).await?;
        app.dispatcher.recover(&app).await?;
        workflow::adopt(&app).await?;
        app.subscribers.prepare(app.db.read(), None).await?;
        Ok(app)
    }

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
