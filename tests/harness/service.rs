//! The real binary serving from a home of its own: started, killed and started again on the same database.

use std::ffi::OsStr;
use std::process::ExitStatus;

use crate::app::KEY;
use crate::client::Client;
use crate::home::Home;
use crate::process::{Process, binary};

/// `labelhook serve` as a process, on a free port.
#[derive(Debug)]
pub struct Service {
    /// Asks with the first owner's key.
    pub client: Client,
    process: Process,
}

impl Service {
    /// Starts it in its home; gives it once it listens.
    pub async fn start(home: &Home) -> Self {
        Self::start_with(home, &[]).await
    }

    /// The same with settings of the test's own.
    pub async fn start_with(home: &Home, more: &[(&str, &str)]) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--egress-allow", "127.0.0.0/8"];
        let settings = [("LABELHOOK_BOOTSTRAP_KEY", KEY), ("LABELHOOK_LOG", "warn")];
        let environment = home
            .environment()
            .into_iter()
            .chain(settings)
            .chain(more.iter().copied());
        let environment: Vec<_> = environment.map(|(name, value)| (name, OsStr::new(value))).collect();
        let process = Process::start(binary(), &arguments, &environment);
        Self {
            client: process.client(KEY).await,
            process,
        }
    }

    /// SIGKILL; gives what it had said.
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill();
        self.process.said()
    }

    /// SIGTERM, and waits until it has drained.
    pub async fn terminate(self) -> ExitStatus {
        self.process.terminate().await
    }
}
