//! Threads of their own for sockets. To tell a thousand subscribers is a great many small pieces of work; on the
//! threads of everything else, each step of it (accepting, delivering, and showing the next rows first of all) would
//! wait behind them. This way the operating system shares the processors fairly between the two.

use std::sync::OnceLock;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

/// Threads that are started when they are first needed.
#[derive(Debug, Default)]
pub struct Pool(OnceLock<Option<Runtime>>);

impl Pool {
    /// Runs this beside everything else; or among it, when no threads are to be had.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match self.0.get_or_init(threads) {
            Some(threads) => drop(threads.spawn(work)),
            None => drop(tokio::spawn(work)),
        }
    }
}

fn threads() -> Option<Runtime> {
    let mut threads = Builder::new_multi_thread();
    threads.worker_threads(available_parallelism().map_or(1, usize::from));
    threads.thread_name("sockets").enable_all();
    let built = threads.build();
    built
        .inspect_err(|error| tracing::warn!(%error, "sockets get no threads of their own"))
        .ok()
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(Some(threads)) = self.0.take() {
            threads.shutdown_background();
        }
    }
}
