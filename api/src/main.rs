//! The binary: parses the command line and hands over to [`labelhook_api::cli`].

use clap::Parser;
use labelhook_api::cli::Cli;
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A delivery makes many small allocations on one thread and frees them on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    use_small_pages();
    run()
}

#[tokio::main]
async fn run() -> ExitCode {
    Cli::parse().run().await
}

/// A huge page counts as taken however little of it is used, and the allocator asks for them: of 58 MB when idle they
/// were 22. Nothing is slower without. Where it cannot be had, there is only more memory in use.
#[cfg(target_os = "linux")]
fn use_small_pages() {
    nix::sys::prctl::set_thp_disable(true).ok();
}
