//! Every setting, its default and its help text. A setting is a flag and an environment variable of the same name; nobody
//! else reads the environment. Each part gets its own small configuration from here.

use anyhow::Context;
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use labelhook_core::{
    Clock, Config,
    db::file_of,
    dispatcher::{Window, guard::Guard},
    retention,
    secret::Keyring,
};
use std::{net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use crate::{graphql::payload::Shaper, server};

/// Settings of every command that opens the database.
#[derive(Args, Clone, Debug)]
pub struct Storage {
    /// Where the database is. One process at a time opens a SQLite file.
    #[arg(
        long,
        env = "LABELHOOK_DATABASE_URL",
        default_value = "sqlite://labelhook.db?mode=rwc"
    )]
    pub database_url: String,
    /// The key that seals secrets at rest: 32 bytes in base64. Made beside the SQLite file (labelhook.db.key, mode 0600)
    /// when absent.
    #[arg(long, env = "LABELHOOK_MASTER_KEY", hide_env_values = true)]
    pub master_key: Option<String>,
}

/// Settings of the server.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// The address to listen on.
    #[arg(long, env = "LABELHOOK_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub storage: Storage,
    /// Networks that deliveries may go to although they are private or loopback: a list of CIDRs, separated by commas.
    #[arg(long, env = "LABELHOOK_EGRESS_ALLOW", default_value = "")]
    pub egress_allow: Networks,
    /// The first OWNER key of an empty database, at least 32 characters. Made and printed once when absent.
    #[arg(long, env = "LABELHOOK_BOOTSTRAP_KEY", hide_env_values = true)]
    pub bootstrap_key: Option<String>,
    /// Whether browsers get GraphiQL at /graphql: on by default only when the server listens on loopback.
    #[arg(long, env = "LABELHOOK_GRAPHIQL")]
    pub graphiql: Option<bool>,
    /// Requests a minute and key; 0 is no limit.
    #[arg(long, env = "LABELHOOK_RATE_LIMIT", default_value_t = 6000)]
    pub rate_limit: u32,
    /// Seconds that one GraphQL operation may take.
    #[arg(long, env = "LABELHOOK_REQUEST_TIMEOUT", default_value_t = 60)]
    pub request_timeout: u64,
    /// Days that events, payloads, attempts and finished notifications are kept, at most 3,650. An organization may have
    /// days of its own.
    #[arg(long, env = "LABELHOOK_RETENTION", default_value_t = retention::DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub retention: u32,
}

/// Settings of the log, on standard error.
#[derive(Args, Clone, Debug)]
pub struct Log {
    /// What is logged: a level, or a list of target=level.
    #[arg(
        long,
        env = "LABELHOOK_LOG",
        default_value = "info,sea_orm_migration=warn",
        global = true
    )]
    pub log: String,
    /// How a line looks.
    #[arg(long, env = "LABELHOOK_LOG_FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A list of CIDRs; an empty text is an empty list.
#[derive(Clone, Debug, Default)]
pub struct Networks(pub Vec<IpNet>);

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cidrs = text.split(',').map(str::trim).filter(|cidr| !cidr.is_empty());
        let parse = |cidr: &str| {
            cidr.parse()
                .map_err(|_| format!("{cidr} is not a CIDR such as 10.0.0.0/8"))
        };
        cidrs.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Storage {
    /// What core needs to open the database and nothing more.
    pub fn core(&self) -> anyhow::Result<Config> {
        Ok(self.core_with(self.keyring()?))
    }

    /// The same with this master key.
    pub fn core_with(&self, keyring: Keyring) -> Config {
        Config {
            database_url: self.database_url.clone(),
            keyring: Arc::new(keyring),
            clock: Clock::System,
            guard: Guard::default(),
            shaper: Arc::new(Shaper::default()),
            window: Window::default(),
            retention_days: retention::DAYS,
        }
    }

    /// Where the master key is when it is not given.
    pub fn key_file(&self) -> anyhow::Result<PathBuf> {
        let database = file_of(&self.database_url).context("--database-url must name a SQLite file")?;
        Ok(database.with_added_extension("key"))
    }

    /// The master key.
    pub fn keyring(&self) -> anyhow::Result<Keyring> {
        if let Some(key) = &self.master_key {
            return Keyring::from_base64(key).context("LABELHOOK_MASTER_KEY cannot be used");
        }
        let path = self.key_file()?;
        Keyring::load_or_create(&path).with_context(|| format!("{} cannot be used", path.display()))
    }
}

impl Settings {
    /// What core needs.
    pub fn core(&self) -> anyhow::Result<Config> {
        Ok(Config {
            guard: Guard::new(self.egress_allow.0.clone(), vec![self.listen.ip()]),
            retention_days: self.retention,
            ..self.storage.core()?
        })
    }

    /// What the HTTP server needs.
    pub fn server(&self) -> server::Config {
        server::Config {
            graphiql: self.graphiql.unwrap_or(self.listen.ip().is_loopback()),
            rate_limit: self.rate_limit,
            timeout: Duration::from_secs(self.request_timeout),
            ..server::Config::default()
        }
    }
}
