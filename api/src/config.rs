//! Every setting, its default and its help text. A setting is a flag and an environment variable of the same name; nobody
//! else reads the environment. Each part gets its own small configuration from here.

use anyhow::Context;
use clap::{Args, Command, FromArgMatches, ValueEnum, builder::Resettable};
use ipnet::IpNet;
use labelhook_core::{Config, bus, delivery::guard::Guard, node, secret::Keyring, sql::sqlite::file_of};
use std::{net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use crate::{gateway::state, graphql::payload::Shaper};

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
    /// What this process does. With PostgreSQL many may share the work: some answer requests, some send.
    #[arg(long, env = "LABELHOOK_ROLE", value_enum, default_value_t = Role::All)]
    pub role: Role,
    /// What this node is called in the list of nodes.
    #[arg(long, env = "LABELHOOK_NODE_NAME", default_value = "")]
    pub node_name: String,
    /// Seconds after which a node that is not heard of counts as dead, and others take over what it held. The same on all.
    #[arg(long, env = "LABELHOOK_NODE_TIMEOUT", default_value_t = node::Config::default().lease.as_secs(), value_parser = clap::value_parser!(u64).range(1..=300))]
    pub node_timeout: u64,
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
    /// How nodes tell each other where to look: memory (one node; the default with SQLite), postgres (the default with
    /// PostgreSQL), or the URL of a NATS server of version 2.10 or newer, such as nats://user:password@host:4222, or
    /// tls://token@host.
    #[arg(long, env = "LABELHOOK_BUS", hide_env_values = true)]
    pub bus: Option<bus::Choice>,
    /// Seconds that one GraphQL operation may take.
    #[arg(long, env = "LABELHOOK_REQUEST_TIMEOUT", default_value_t = 60)]
    pub request_timeout: u64,
    /// Sockets and event streams that one key may have open at the same time.
    #[arg(long, env = "LABELHOOK_SOCKETS_PER_KEY", default_value_t = 2_000)]
    pub sockets_per_key: usize,
    /// Days that events, payloads, attempts and finished notifications are kept, at most 3,650. An organization may have
    /// days of its own.
    #[arg(long, env = "LABELHOOK_RETENTION", default_value_t = Config::RETENTION_DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub retention: u32,
}

/// Settings of commands that ask a server.
#[derive(Args, Clone, Debug)]
pub struct Remote {
    /// Where the server is: http://HOST:PORT or https://HOST.
    #[arg(long, env = "LABELHOOK_SERVER", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// The API key to ask with; better given by the variable than on the command line, which others can see.
    #[arg(long, env = "LABELHOOK_API_KEY", hide_env_values = true)]
    pub api_key: String,
}

/// Settings of the log, on standard error.
#[derive(Args, Clone, Debug)]
pub struct Log {
    /// What is logged: a level, or a list of target=level.
    #[arg(
        long,
        env = "LABELHOOK_LOG",
        default_value = "info,sea_orm_migration=warn,sqlx::postgres::notice=warn",
        global = true
    )]
    pub log: String,
    /// How a line looks.
    #[arg(long, env = "LABELHOOK_LOG_FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Everything.
    All,
    /// Answers requests and sends nothing.
    Api,
    /// Sends, and answers nothing but /healthz and /readyz.
    Dispatch,
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
            // A command sends nothing, and the nodes beside it do not make room for it.
            node: node::Config {
                role: node::Role::Api,
                ..node::Config::default()
            },
            bus: bus::Choice::Memory(bus::memory::Hub::default()),
            ..Config::new(
                self.database_url.clone(),
                Arc::new(keyring),
                Arc::new(Shaper::default()),
            )
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
        if !self.database_url.starts_with("sqlite:") {
            anyhow::bail!("LABELHOOK_MASTER_KEY must be given: every node of a PostgreSQL database needs the same");
        }
        let path = self.key_file()?;
        Keyring::load_or_create(&path).with_context(|| format!("{} cannot be used", path.display()))
    }
}

impl Settings {
    /// What core needs.
    pub fn core(&self) -> anyhow::Result<Config> {
        let alone = self.storage.database_url.starts_with("sqlite:");
        anyhow::ensure!(
            self.role == Role::All || !alone,
            "--role must be all with a SQLite database, which belongs to one process"
        );
        Ok(self.core_with(self.storage.keyring()?))
    }

    /// The same with this master key.
    pub fn core_with(&self, keyring: Keyring) -> Config {
        Config {
            guard: Guard::new(self.egress_allow.0.clone(), vec![self.listen.ip()]),
            node: self.node(),
            bus: self.bus.clone().unwrap_or_default(),
            retention_days: self.retention,
            ..self.storage.core_with(keyring)
        }
    }

    fn node(&self) -> node::Config {
        node::Config {
            role: match self.role {
                Role::All => node::Role::All,
                Role::Api => node::Role::Api,
                Role::Dispatch => node::Role::Dispatch,
            },
            name: self.node_name.clone(),
            lease: Duration::from_secs(self.node_timeout),
        }
    }

    /// What the HTTP server needs.
    pub fn server(&self) -> state::Config {
        state::Config {
            graphiql: self.graphiql.unwrap_or(self.listen.ip().is_loopback()),
            rate_limit: self.rate_limit,
            timeout: Duration::from_secs(self.request_timeout),
            init_timeout: state::INIT_TIMEOUT,
            sockets_per_key: self.sockets_per_key,
            write_timeout: state::WRITE_TIMEOUT,
            idle_timeout: state::IDLE_TIMEOUT,
        }
    }
}

impl Default for Settings {
    /// Returns what a command line that says nothing gives, whatever the environment says. The defaults of the flags are
    /// the only ones: who starts a server without a command line starts from here.
    fn default() -> Self {
        let command = Self::augment_args(Command::new("labelhook")).mut_args(|setting| setting.env(Resettable::Reset));
        let nothing = command.get_matches_from(["labelhook"]);
        Self::from_arg_matches(&nothing).expect("no setting is required")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_has_the_same_defaults_with_and_without_a_command_line() {
        let settings = Settings::default();
        let ours = settings.core_with(Keyring::generate());
        let (url, keyring, shaper) = (&ours.database_url, &ours.keyring, &ours.shaper);
        let plain = Config {
            // The address that the server listens on.
            guard: ours.guard.clone(),
            ..Config::new(url.clone(), Arc::clone(keyring), Arc::clone(shaper))
        };
        assert_eq!(format!("{ours:?}"), format!("{plain:?}"));
    }
}
