//! The real binary as a process of its own, for what cannot be tested from inside: dying.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use crate::client::Client;
use crate::log::Log;
use crate::programs::variable;

/// A child process. It is killed when dropped, whatever the test does.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: Log,
}

impl Process {
    /// Starts a program; both of its outputs are kept, and it reads nothing.
    pub fn start(program: &Path, arguments: &[&str], environment: &[(&str, &OsStr)]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).envs(environment.iter().copied());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let log = Log::new();
        log.follow(child.stdout.take().expect("stdout is piped"));
        log.follow(child.stderr.take().expect("stderr is piped"));
        Self { child, log }
    }

    /// Waits until the process has said where it listens on loopback; gives `http://127.0.0.1:PORT`.
    pub async fn address(&self) -> String {
        self.log.wait_for("an address", loopback_address).await
    }

    /// Waits for a line that holds `text`, and gives it.
    pub async fn line_with(&self, text: &str) -> String {
        self.log
            .wait_for(text, |line| line.contains(text).then(|| line.to_owned()))
            .await
    }

    /// A client of the service that this process is.
    pub async fn client(&self, key: &str) -> Client {
        Client::new(&self.address().await, Some(key))
    }

    /// Everything it has said so far.
    pub fn said(&self) -> Vec<String> {
        self.log.lines()
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child
            .kill()
            .expect("a child that was not waited for can be killed");
        self.child.wait().expect("a killed child can be waited for");
    }

    /// SIGTERM, and waits until it has ended by itself.
    pub async fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    /// SIGINT, which is what Ctrl-C sends.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// Sends a signal, such as `STOP`. The standard library sends SIGKILL only; every POSIX shell has `kill` built in.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", "kill -\"$1\" \"$0\""])
            .arg(self.child.id().to_string())
            .arg(name)
            .status();
        assert!(sent.expect("there is a shell").success(), "SIG{name} could not be sent");
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        self.log.ended().await;
        self.child
            .wait()
            .expect("a child that closed its outputs can be waited for")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to do.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn loopback_address(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("http://127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    port.parse::<u16>()
        .ok()
        .filter(|port| *port != 0)
        .map(|port| format!("http://127.0.0.1:{port}"))
}

/// The real `labelhook`, built once in the profile of the tests.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let folder = profile_folder();
        // The whole workspace is named so that features, and with them the compiled dependencies, are those of the tests.
        let mut build = cargo();
        build.args(["build", "--quiet", "--workspace", "--bin", "labelhook"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(
            build.status().expect("cargo runs").success(),
            "labelhook does not build"
        );
        folder.join("labelhook")
    })
}

/// The cargo that runs the tests; without one around, the usual one, which knows its toolchain.
///
/// What cargo tells a program of its package is kept from it: build scripts that look at that would run anew, and all that
/// stands on them would be compiled once more, now and when the next command comes without it.
pub fn cargo() -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    command
}

/// `target/debug` or `target/release`: this test's own executable is in `deps` below it.
fn profile_folder() -> PathBuf {
    let executable = std::env::current_exe().expect("a test knows its own path");
    executable
        .ancestors()
        .nth(2)
        .expect("a test lies in target/PROFILE/deps")
        .to_owned()
}
