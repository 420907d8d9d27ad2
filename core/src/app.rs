//! [`App`]: everything a verb needs, made once and shared.

use crate::{
    Clock, Result, api_key,
    db::Db,
    deletion,
    dispatcher::{Dispatcher, Lanes, Window, guard::Guard},
    secret::Keyring,
    webhook::Index,
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
    /// The first owner's key of an empty database; made when absent.
    pub bootstrap_key: Option<String>,
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
    /// Deletes the labels of what was deleted.
    pub(crate) deletions: deletion::Wake,
    /// Known keys.
    pub(crate) keys: api_key::Known,
}

/// An app, and the key that was made for an empty database: the only time it is shown.
pub struct Opened {
    /// The app.
    pub app: Arc<App>,
    /// The first owner's key, when one was made here.
    pub first_key: Option<String>,
}

impl App {
    /// Opens the database, gives claims of dead nodes back and makes the first organization when there is none.
    pub async fn open(config: Config) -> Result<Opened> {
        let lanes = Arc::new(Lanes::new(config.window));
        let index = Arc::new(Index::default());
        let db = Db::open(&config.database_url, config.clock.clone(), index, Arc::clone(&lanes)).await?;
        let app = Arc::new(Self {
            db,
            clock: config.clock,
            keyring: config.keyring,
            dispatcher: Dispatcher::new(lanes),
            deletions: deletion::Wake::default(),
            keys: api_key::Known::default(),
        });
        app.dispatcher.recover(&app).await?;
        let first_key = api_key::bootstrap(&app, config.bootstrap_key).await?;
        Ok(Opened { app, first_key })
    }
}
