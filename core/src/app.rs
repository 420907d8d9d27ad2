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
    live::Live,
    secret::Keyring,
    task,
    webhook::{self, Index, Targets},
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
    /// How much of the backlog is held in memory.
    pub window: Window,
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
    /// Tells whoever listens what happens.
    pub live: Arc<Live>,
    /// Deletes the labels of what was deleted.
    pub(crate) deletions: deletion::Wake,
    /// Takes in tasks, and sends stages again.
    pub(crate) steps: task::Wake,
    /// Known keys.
    pub(crate) keys: api_key::Known,
}

impl App {
    /// Opens the database, brings it up to date and gives the claims of dead nodes back. Fails when the keyring is not
    /// the one that the database's secrets were sealed with.
    pub async fn open(config: Config) -> Result<Arc<Self>> {
        let lanes = Arc::new(Lanes::new(config.window));
        let index = Arc::new(Index::default());
        let sender = Sender::new(sender::Config {
            guard: config.guard,
            ..sender::Config::default()
        })?;
        let live = Arc::new(Live::default());
        let (clock, url) = (config.clock.clone(), &config.database_url);
        let db = Db::open(url, clock, index, Arc::clone(&lanes), Arc::clone(&live)).await?;
        webhook::check_keyring(db.read(), &config.keyring).await?;
        let app = Arc::new(Self {
            db,
            clock: config.clock,
            keyring: config.keyring,
            dispatcher: Dispatcher::new(lanes, sender),
            targets: Targets::default(),
            live,
            deletions: deletion::Wake::default(),
            steps: task::Wake::default(),
            keys: api_key::Known::default(),
        });
        app.dispatcher.recover(&app).await?;
        workflow::adopt(&app).await?;
        Ok(app)
    }
}
