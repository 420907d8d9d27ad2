//! The bus over PostgreSQL's NOTIFY: no other server is needed. One connection listens and another sends. Each message
//! is a statement of its own: inside a transaction NOTIFY would take a lock over the whole server at commit, and be
//! delivered only then.

use super::{Backoff, Boxed, Bus, Transport, error::Error};
use sea_orm::sqlx::{
    self, Pool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions, Postgres as Server},
};
use std::time::Duration;

/// The most bytes of a payload.
pub(super) const MAX_BYTES: usize = 7_999;
/// The timeout for getting a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Postgres {
    pool: Pool<Server>,
    channel: String,
}

impl Postgres {
    /// Prepares the connections, which are opened when there is something to say: an unreachable server is an error of
    /// the moment and not of the start.
    pub(super) fn open(url: &str, channel: String) -> Result<Self, Error> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new()
            .min_connections(0)
            .max_connections(2)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_lazy_with(options.application_name("labelhook bus"));
        Ok(Self { pool, channel })
    }

    /// Listens until the connection ends.
    async fn listen(&self, bus: &Bus, backoff: &mut Backoff, first: &mut bool) -> Result<(), Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.eager_reconnect(false);
        listener.listen(&self.channel).await?;
        *backoff = Backoff::default();
        if !std::mem::take(first) {
            tracing::info!("connected to the bus again");
            bus.missed();
        }
        while let Some(heard) = listener.try_recv().await? {
            bus.receive(heard.payload().as_bytes());
        }
        Err(Error::Away("the connection to PostgreSQL has ended".into()))
    }
}

impl Transport for Postgres {
    fn limit(&self) -> usize {
        MAX_BYTES
    }

    fn send<'c>(&'c self, texts: &'c [String]) -> Boxed<'c, Result<(), Error>> {
        Box::pin(async move {
            for text in texts {
                let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(&self.channel).bind(text);
                notify.execute(&self.pool).await?;
            }
            Ok(())
        })
    }

    fn receive<'c>(&'c self, bus: &'c Bus) -> Boxed<'c, ()> {
        Box::pin(async move {
            let (mut backoff, mut first) = (Backoff::default(), true);
            loop {
                if let Err(error) = self.listen(bus, &mut backoff, &mut first).await {
                    backoff.after(&error).await;
                }
            }
        })
    }
}

impl From<sqlx::Error> for Error {
    fn from(fault: sqlx::Error) -> Self {
        Self::Away(fault.to_string())
    }
}
