//! The binary: parses the command line and hands over to [`labelhook_api::cli`].

use clap::Parser;
use labelhook_api::cli::Cli;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}
