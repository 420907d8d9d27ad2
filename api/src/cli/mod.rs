//! The command line: one file per command.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to its terminal"
)]

mod client;
mod copy;
mod demo;
mod health;
mod keys;
mod listen;
mod migrate;
mod rekey;
mod schema;
mod serve;
mod socket;
mod topic;
mod trigger;
mod verify;

use crate::config::{Log, LogFormat};
use anyhow::Context;
use clap::{Parser, Subcommand};
use std::{io::IsTerminal, process::ExitCode};
use tracing_subscriber::EnvFilter;

/// Labelhook: the webhook service of a data-annotation platform.
#[derive(Debug, Parser)]
#[command(name = "labelhook", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: Log,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: the API and the dispatcher.
    Serve(serve::Serve),
    /// Copy an installation from a SQLite file to PostgreSQL. No server may run on either meanwhile; an interrupted
    /// copy is resumed by running the command again.
    Copy(copy::Copy),
    /// Run the server with a receiver on loopback and sample events, to watch deliveries arrive.
    Demo(demo::Demo),
    /// Forward deliveries to a local server. Registers a webhook for as long as the command runs; its deliveries arrive
    /// over the API's WebSocket and are posted to the local server, whose response is recorded and judged as that of
    /// the attempt.
    Listen(listen::Listen),
    /// Send a sample of a topic as a test, to all running listen commands or to one webhook.
    Trigger(trigger::Trigger),
    /// Ask the server on this machine whether it is ready.
    Health(health::Health),
    /// Create, list and revoke API keys. The server must not run meanwhile: use the API instead if it does.
    Keys(keys::Keys),
    /// Migrate the database to the current schema.
    Migrate(migrate::Migrate),
    /// Encrypt every stored secret under a new master key. The server must not run meanwhile; an interrupted change is
    /// resumed by running the command again.
    Rekey(rekey::Rekey),
    /// Print the GraphQL schema.
    Schema(schema::Schema),
    /// Verify the signature of a delivery.
    Verify(verify::Verify),
}

impl Cli {
    /// Runs the command. A failure is printed on standard error with its causes.
    pub async fn run(self) -> ExitCode {
        let done = match self.log.start() {
            Ok(()) => self.command.run().await,
            Err(error) => Err(error),
        };
        done.unwrap_or_else(|error| {
            eprintln!("labelhook: {error:#}");
            ExitCode::FAILURE
        })
    }
}

impl Command {
    async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(serve) => serve.run().await?,
            Self::Copy(copy) => copy.run().await?,
            Self::Demo(demo) => demo.run().await?,
            Self::Listen(listen) => listen.run().await?,
            Self::Trigger(trigger) => trigger.run().await?,
            Self::Health(health) => health.run().await?,
            Self::Keys(keys) => keys.run().await?,
            Self::Migrate(migrate) => return migrate.run().await,
            Self::Rekey(rekey) => rekey.run().await?,
            Self::Schema(schema) => schema.run(),
            Self::Verify(verify) => return verify.run(),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Log {
    fn start(&self) -> anyhow::Result<()> {
        let filter = EnvFilter::try_new(&self.log).context("--log cannot be read")?;
        // At trace level it logs whole messages, and the first one of a socket has the API key.
        let filter = filter.add_directive("tungstenite=debug".parse()?);
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
            LogFormat::Json => log.json().flatten_event(true).try_init(),
        }
        .map_err(|error| anyhow::anyhow!(error))
    }
}
