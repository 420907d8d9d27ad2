//! The real binary serving over a folder of its own: started, killed and started again on the same database.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::app::KEY;
use crate::client::Client;
use crate::process::{Process, binary};

/// `labelhook serve` as a process, on a free port.
#[derive(Debug)]
pub struct Service {
    /// Asks with the first owner's key.
    pub client: Client,
    process: Process,
}

impl Service {
    /// Starts it over the database in `folder`, which is made when absent; gives it once it listens.
    pub async fn start(folder: &Path) -> Self {
        let url = format!("sqlite://{}?mode=rwc", database(folder).display());
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--egress-allow",
            "127.0.0.0/8",
            "--database-url",
            &url,
        ];
        let settings = [
            ("LABELHOOK_BOOTSTRAP_KEY", KEY),
            ("LABELHOOK_RATE_LIMIT", "0"),
            ("LABELHOOK_LOG", "warn"),
        ];
        let environment = settings.map(|(name, value)| (name, OsStr::new(value)));
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

/// Where [`Service::start`] keeps its database.
pub fn database(folder: &Path) -> PathBuf {
    folder.join("labelhook.db")
}
