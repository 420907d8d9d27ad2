//! [`App`]: everything a verb needs, made once and shared.

use crate::{
    Clock, Result, api_key,
    db::Db,
    deletion,
    dispatcher::{
        Dispatcher, Lanes, Window,
        guard::Guard,
        sender::{self, Sender},
    },
    idempotency,
    live::Live,
    payload::Shaper,
    rekey, replay,
    secret::Keyring,
    task,
    webhook::{self, Index, Targets, health},
    workflow,
};
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
    /// Sends what is due.
    pub dispatcher: Dispatcher,
    /// Webhooks as the dispatcher needs them.
    pub targets: Targets,
    /// Who wants which events.
    pub(crate) index: Arc<Index>,
    /// How webhooks fare.
    pub health: Arc<health::Board>,
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
        let lanes = Arc::new(Lanes::new(config.window));
        let index = Arc::new(Index::new(config.shaper));
        let sender = Sender::new(sender::Config {
            guard: config.guard,
            ..sender::Config::default()
        })?;
        let live = Arc::new(Live::default());
        let (clock, url) = (config.clock.clone(), &config.database_url);
        let db = Db::open(url, clock, Arc::clone(&index), Arc::clone(&lanes), Arc::clone(&live)).await?;
        rekey::check_done(db.read()).await?;
        webhook::check_keyring(db.read(), &config.keyring).await?;
        let app = Arc::new(Self {
            db,
            clock: config.clock,
            keyring: config.keyring,
            dispatcher: Dispatcher::new(lanes, sender),
            targets: Targets::default(),
            index,
            health: Arc::default(),
            live,
            deletions: deletion::Wake::default(),
            steps: task::Wake::default(),
            replays: replay::Wake::default(),
            retention_days: config.retention_days,
            keys: api_key::Known::default(),
            running: Arc::default(),
        });
        app.dispatcher.recover(&app).await?;
        workflow::adopt(&app).await?;
        Ok(app)
    }
}
