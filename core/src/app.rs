//! [`App`]: everything a verb needs, made once and shared.

use crate::{
    Clock, Result,
    admin::{copy, rekey},
    api_key,
    bus::{self, Bus, Message},
    db::Db,
    deletion,
    delivery::{
        guard::Guard,
        sender::{self, Sender},
    },
    dispatcher::Dispatcher,
    feed::Live,
    health, idempotency,
    listener::Listeners,
    node::{self, Nodes},
    payload::Shaper,
    queue::lanes::{Lanes, Window},
    replay,
    secret::Keyring,
    sql::postgres::installation,
    subscribers::Index,
    task,
    webhook::Targets,
    workflow,
};
use entity::{NotificationId, WebhookId};
use std::sync::Arc;

/// How to start. Only `api/src/config.rs` reads the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the database is.
    pub database_url: String,
    /// The key that seals secrets at rest.
    pub keyring: Arc<Keyring>,
    /// What time it is.
    pub clock: Clock,
    /// Addresses that may be called although they are private, and our own that may not.
    pub guard: Guard,
    /// Understands payload queries.
    pub shaper: Arc<dyn Shaper>,
    /// How much of the backlog is held in memory.
    pub window: Window,
    /// How this process takes part among others.
    pub node: node::Config,
    /// How nodes tell each other where to look.
    pub bus: bus::Choice,
    /// For how many days the log of an organization is kept that says nothing else.
    pub retention_days: u32,
}

/// What verbs share.
pub struct App {
    /// The database.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// Seals and opens secrets.
    pub keyring: Arc<Keyring>,
    /// This process among others.
    pub nodes: Arc<Nodes>,
    /// Sends what is due.
    pub dispatcher: Dispatcher,
    /// Webhooks as the dispatcher needs them.
    pub targets: Targets,
    /// Who wants which events.
    pub(crate) index: Arc<Index>,
    /// How webhooks fare.
    pub health: Arc<health::Board>,
    /// Tells other nodes where to look.
    pub bus: Arc<Bus>,
    /// Who hears webhooks on a machine of their own.
    pub(crate) listeners: Arc<Listeners>,
    /// Tells whoever listens what happens.
    pub live: Arc<Live>,
    /// Deletes the labels of what was deleted.
    pub(crate) deletions: deletion::Wake,
    /// Takes in tasks, and sends stages again.
    pub(crate) steps: task::Wake,
    /// Sends again what replays match.
    pub(crate) replays: replay::Wake,
    /// For how many days the log of an organization is kept that says nothing else.
    pub(crate) retention_days: u32,
    /// Known keys.
    pub(crate) keys: api_key::Known,
    /// Requests with an idempotency key that are being carried out.
    pub(crate) running: Arc<idempotency::Running>,
}

impl App {
    /// Opens the database, brings it up to date and gives the claims of dead nodes back. Fails when the keyring is not
    /// the one that the database's secrets were sealed with, or when a change of the master key was broken off.
    pub async fn open(config: Config) -> Result<Arc<Self>> {
        // Boxed, so that nobody who opens one has all that is opened in a future of theirs.
        Box::pin(Self::start(config)).await
    }

    async fn start(config: Config) -> Result<Arc<Self>> {
        let nodes = Arc::new(Nodes::alone(config.node));
        let lanes = Arc::new(Lanes::new(config.window, Arc::clone(&nodes)));
        let index = Arc::new(Index::new(config.shaper));
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
            targets: Targets::default(),
            index,
            health: Arc::default(),
            bus,
            live,
            deletions: deletion::Wake::default(),
            steps: task::Wake::default(),
            replays: replay::Wake::default(),
            retention_days: config.retention_days,
            keys: api_key::Known::default(),
            running: Arc::default(),
        });
        node::join(&app).await?;
        app.dispatcher.recover(&app).await?;
        workflow::adopt(&app).await?;
        app.index.prepare(app.db.read(), None).await?;
        Ok(app)
    }

    /// A webhook has changed: this node and the others read it anew.
    pub(crate) fn webhook_changed(&self, id: WebhookId) {
        self.targets.forget(id);
        self.bus.tell(Message::webhooks([id]));
    }

    /// These are not to be sent, whichever node holds them.
    pub(crate) fn canceled(&self, ids: impl IntoIterator<Item = (WebhookId, NotificationId)>) {
        for (webhook_id, id) in ids {
            match self.nodes.owns(webhook_id) {
                true => self.dispatcher.lanes.cancel(webhook_id, id),
                false => self.bus.tell(Message::canceled([(webhook_id, id)])),
            }
        }
    }

    /// Somebody wants to know now whether a receiver works: an open breaker lets one request through.
    pub(crate) fn probe(&self, id: WebhookId) {
        match self.nodes.owns(id) {
            true => self.health.hasten(&self.dispatcher.lanes, id, self.clock.now()),
            false => self.bus.tell(Message::probes([id])),
        }
    }

    /// A user or key has changed: this node and the others look everybody up again.
    pub(crate) fn keys_changed(&self) {
        self.keys.forget();
        self.bus.tell(Message::keys());
    }
}
