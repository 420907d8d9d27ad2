//! The real binary as a process of its own, for what cannot be tested in the test's process: crashes.

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
    /// Starts a program without input. Both of its outputs are kept.
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

    /// Waits until the process has printed the loopback address that it listens on. Returns `http://127.0.0.1:PORT`.
    pub async fn address(&self) -> String {
        self.log.wait_for("an address", loopback_address).await
    }

    /// Waits for a line that contains `text`, and returns it.
    pub async fn line_with(&self, text: &str) -> String {
        self.log
            .wait_for(text, |line| line.contains(text).then(|| line.to_owned()))
            .await
    }

    /// Returns a client of the service that runs in the process.
    pub async fn client(&self, key: &str) -> Client {
        Client::new(&self.address().await, Some(key))
    }

    /// Returns the lines of output so far.
    pub fn said(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Sends SIGKILL and waits until the process is gone.
    pub fn kill(&mut self) {
        self.child
            .kill()
            .expect("a child that was not waited for can be killed");
        self.child.wait().expect("a killed child can be waited for");
    }

    /// Sends SIGTERM and waits until the process has ended.
    pub async fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    /// Sends SIGINT, as Ctrl-C does.
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

    /// Waits until the process has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        self.log.ended().await;
        self.child
            .wait()
            .expect("a child that closed its outputs can be waited for")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may be gone already; then there is nothing to do.
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

/// Returns the path of the real `labelhook`, built once in the profile of the tests.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let folder = profile_folder();
        // The whole workspace is named so that features, and with them the compiled dependencies, are those of the
        // tests.
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

/// Returns the cargo that runs the tests, or else `cargo`, which selects its toolchain.
///
/// The variables that cargo sets for programs of a package are removed. Build scripts that read them would run again,
/// and everything that depends on them would be compiled again, now and by the next command without them.
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

/// Returns `target/debug` or `target/release`: the executable of this test is in `deps` below it.
fn profile_folder() -> PathBuf {
    let executable = std::env::current_exe().expect("a test knows its own path");
    executable
        .ancestors()
        .nth(2)
        .expect("a test lies in target/PROFILE/deps")
        .to_owned()
}
