//! The command line: one file a command.
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
    /// Carry an installation from a SQLite file over to PostgreSQL. No server may run on either meanwhile; a copy that was
    /// broken off goes on when the command is run again.
    Copy(copy::Copy),
    /// Run the server with a receiver on loopback and sample events, to see deliveries arrive.
    Demo(demo::Demo),
    /// Hear of what happens on this machine: a webhook for as long as this runs, whose deliveries come over the API's own
    /// WebSocket and are posted to a local server. What that answers is recorded and judged as the attempt's response.
    Listen(listen::Listen),
    /// Send a sample of a topic as a test, to whoever listens or to one webhook.
    Trigger(trigger::Trigger),
    /// Ask the server on this machine whether it is ready.
    Health(health::Health),
    /// Make, list and revoke API keys. The server must not run meanwhile: use the API then.
    Keys(keys::Keys),
    /// Bring the database up to date.
    Migrate(migrate::Migrate),
    /// Seal every secret in the database under a new master key. The server must not run meanwhile; a change that was
    /// broken off goes on when the command is run again.
    Rekey(rekey::Rekey),
    /// Print the GraphQL schema.
    Schema(schema::Schema),
    /// Check the signature of a delivery.
    Verify(verify::Verify),
}

impl Cli {
    /// Runs the command. A failure is told on standard error with its causes.
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
