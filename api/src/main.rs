//! The binary: parses the command line and hands over to [`labelhook_api::cli`].

use clap::Parser;
use labelhook_api::cli::Cli;
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A delivery makes many small allocations on one thread and frees them on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}
