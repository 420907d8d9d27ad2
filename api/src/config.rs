//! The settings, their defaults and their help texts. A setting is a flag and an environment variable of the same name;
//! nothing else reads the environment. Each part of the program gets its own small configuration from here.

use anyhow::Context;
use clap::{Args, Command, FromArgMatches, ValueEnum, builder::Resettable};
use ipnet::IpNet;
use labelhook_core::{Config, bus, delivery::guard::Guard, node, secret::Keyring, sql::sqlite::file_of};
use std::{net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use crate::{gateway::state, graphql::payload::Shaper};

/// Settings of every command that opens the database.
#[derive(Args, Clone, Debug)]
pub struct Storage {
    /// The URL of the database. SQLite by default, whose file one process at a time may open; a postgres:// URL for
    /// PostgreSQL.
    #[arg(
        long,
        env = "LABELHOOK_DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite://labelhook.db?mode=rwc"
    )]
    pub database_url: String,
    /// The key that encrypts secrets at rest: 32 bytes in base64. If omitted, generated and kept beside the SQLite file
    /// (labelhook.db.key, mode 0600). Required with PostgreSQL.
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
    /// The work of this process. With PostgreSQL, processes may share the work: some answer requests, others send
    /// deliveries.
    #[arg(long, env = "LABELHOOK_ROLE", value_enum, default_value_t = Role::All)]
    pub role: Role,
    /// The name of this node in the list of nodes.
    #[arg(long, env = "LABELHOOK_NODE_NAME", default_value = "")]
    pub node_name: String,
    /// The seconds after which a node that is not heard from counts as dead, and other nodes take over its work. The
    /// same value on all nodes.
    #[arg(long, env = "LABELHOOK_NODE_TIMEOUT", default_value_t = node::Config::default().lease.as_secs(), value_parser = clap::value_parser!(u64).range(1..=300))]
    pub node_timeout: u64,
    /// The private and loopback networks that deliveries may be sent to: a list of CIDRs, separated by commas.
    #[arg(long, env = "LABELHOOK_EGRESS_ALLOW", default_value = "")]
    pub egress_allow: Networks,
    /// The networks that deliveries are never sent to, allowed or not: a list of CIDRs, separated by commas.
    #[arg(long, env = "LABELHOOK_EGRESS_DENY", default_value = "")]
    pub egress_deny: Networks,
    /// The ports below 1024 that deliveries may be sent to, besides 80 and 443, separated by commas.
    #[arg(long, env = "LABELHOOK_EGRESS_PORTS", default_value = "")]
    pub egress_ports: Ports,
    /// The first OWNER key of an empty database, at least 32 characters. Generated and printed once if omitted.
    #[arg(long, env = "LABELHOOK_BOOTSTRAP_KEY", hide_env_values = true)]
    pub bootstrap_key: Option<String>,
    /// Serve GraphiQL to browsers at /graphql. By default only if the server listens on loopback.
    #[arg(long, env = "LABELHOOK_GRAPHIQL")]
    pub graphiql: Option<bool>,
    /// The number of requests that one user may make per minute, with all their API keys; 0 for no limit.
    #[arg(long, env = "LABELHOOK_RATE_LIMIT", default_value_t = 6000)]
    pub rate_limit: u32,
    /// The transport of hints between nodes: memory (one node; the default with SQLite), postgres (the default with
    /// PostgreSQL), or the URL of a NATS server of version 2.10 or newer, such as nats://user:password@host:4222 or
    /// tls://token@host.
    #[arg(long, env = "LABELHOOK_BUS", hide_env_values = true)]
    pub bus: Option<bus::Choice>,
    /// The timeout of one GraphQL operation, in seconds.
    #[arg(long, env = "LABELHOOK_REQUEST_TIMEOUT", default_value_t = 60)]
    pub request_timeout: u64,
    /// The number of WebSockets and event streams that one API key may have open at the same time.
    #[arg(long, env = "LABELHOOK_SOCKETS_PER_KEY", default_value_t = 2_000)]
    pub sockets_per_key: usize,
    /// The number of days that events, payloads, attempts and finished notifications are kept, at most 3,650. An
    /// organization may set its own number.
    #[arg(long, env = "LABELHOOK_RETENTION", default_value_t = Config::RETENTION_DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub retention: u32,
}

/// Settings of commands that send requests to a server.
#[derive(Args, Clone, Debug)]
pub struct Remote {
    /// The URL of the server: http://HOST:PORT or https://HOST.
    #[arg(long, env = "LABELHOOK_SERVER", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// The API key that authenticates the requests. Use the variable rather than the flag: a command line is visible to
    /// others.
    #[arg(long, env = "LABELHOOK_API_KEY", hide_env_values = true)]
    pub api_key: String,
}

/// Settings of the log, on standard error.
#[derive(Args, Clone, Debug)]
pub struct Log {
    /// The log filter: a level, or a list of target=level separated by commas.
    #[arg(
        long,
        env = "LABELHOOK_LOG",
        default_value = "info,sea_orm_migration=warn,sqlx::postgres::notice=warn",
        global = true
    )]
    pub log: String,
    /// The format of log lines.
    #[arg(long, env = "LABELHOOK_LOG_FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,
}

/// The work of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Answers requests and sends deliveries.
    All,
    /// Answers requests and sends no deliveries.
    Api,
    /// Sends deliveries, and answers only /healthz and /readyz.
    Dispatch,
}

/// The format of a log line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// A list of CIDRs. An empty string is an empty list.
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

/// A list of ports. An empty string is an empty list.
#[derive(Clone, Debug, Default)]
pub struct Ports(pub Vec<u16>);

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ports = text.split(',').map(str::trim).filter(|port| !port.is_empty());
        let parse = |port: &str| port.parse().map_err(|_| format!("{port} is not a port"));
        ports.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Storage {
    /// Returns the configuration of core for a command, which opens the database and sends nothing.
    pub fn core(&self) -> anyhow::Result<Config> {
        Ok(self.core_with(self.keyring()?))
    }

    /// Returns the same with this master key.
    pub fn core_with(&self, keyring: Keyring) -> Config {
        Config {
            // A command sends nothing, so the other nodes must not share their work with it.
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

    /// Returns the path of the key file: that of the SQLite file, with `.key` appended. Fails with any other database.
    pub fn key_file(&self) -> anyhow::Result<PathBuf> {
        let database = file_of(&self.database_url).context("--database-url must name a SQLite file")?;
        Ok(database.with_added_extension("key"))
    }

    /// Returns the master key: the given one, or with SQLite that of the key file, which is created if it is missing.
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
    /// Returns the configuration of core for a server. Fails if SQLite is combined with a role other than `all`.
    pub fn core(&self) -> anyhow::Result<Config> {
        let alone = self.storage.database_url.starts_with("sqlite:");
        anyhow::ensure!(
            self.role == Role::All || !alone,
            "--role must be all with a SQLite database, which belongs to one process"
        );
        Ok(self.core_with(self.storage.keyring()?))
    }

    fn guard(&self) -> Guard {
        Guard::new(self.egress_allow.0.clone(), vec![self.listen.ip()])
            .deny(self.egress_deny.0.clone())
            .ports(self.egress_ports.0.clone())
            .own_port(self.listen.port())
    }

    /// Returns the same with this master key.
    pub fn core_with(&self, keyring: Keyring) -> Config {
        Config {
            guard: self.guard(),
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

    /// Returns the configuration of the HTTP server.
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
    /// Returns the settings of an empty command line, without those of the environment. The flags define the only
    /// defaults: a server that is started without a command line starts from these, too.
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
            // The guard of a server contains the address that it listens on.
            guard: ours.guard.clone(),
            ..Config::new(url.clone(), Arc::clone(keyring), Arc::clone(shaper))
        };
        assert_eq!(format!("{ours:?}"), format!("{plain:?}"));
    }
}
