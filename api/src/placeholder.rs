//! Stand-ins for what core is about to offer: `App`, `auth::Actor` and `api_key::authenticate`. Goes away with them.

use std::sync::Arc;

use labelhook_core::{Error, Result};

/// The application.
#[derive(Debug)]
pub struct App {
    /// Where time comes from.
    pub clock: Clock,
    key: String,
}

/// Time.
#[derive(Debug)]
pub struct Clock;

impl Clock {
    /// The time.
    pub fn now(&self) -> entity::Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        entity::Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Who is asking.
#[derive(Debug, Clone)]
pub struct Actor;

impl App {
    /// An application that knows one key.
    pub fn new(key: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { clock: Clock, key: key.into() })
    }

    /// Is the database there?
    pub async fn ready(&self) -> Result<()> {
        Ok(())
    }
}

/// A key's actor.
pub async fn authenticate(app: &App, key: &str) -> Result<Actor> {
    if key == app.key { Ok(Actor) } else { Err(Error::Unauthenticated("Invalid API key".to_owned())) }
}
