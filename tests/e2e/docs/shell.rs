//! Runs shell examples as written, in a folder of the page's own that contains `docs` and `deploy`. `labelhook` and
//! `cargo run --release --` run the binary under test. The exports and functions of a block are available in the next
//! one.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::programs::{need, variable};
use harness::{KEY, Process, binary, deadline};
use tempfile::TempDir;

use super::blocks::{LINES_NOT_RUN, root};

/// The programs that examples call and that some machines lack.
const PROGRAMS: [&str; 4] = ["curl", "python3", "node", "sqlite3"];

/// The folder and the variables of a page's shell.
pub struct Shell {
    folder: TempDir,
    bash: PathBuf,
}

impl Shell {
    /// Returns a new shell, or none, with a message, if bash is missing.
    pub fn new() -> Option<Self> {
        let bash = need("bash")?;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (bin, deploy) = (folder.path().join("bin"), folder.path().join("work/deploy"));
        for made in [&bin, &deploy] {
            fs::create_dir_all(made).expect("a folder can be made");
        }
        symlink(root().join("docs"), folder.path().join("work/docs")).expect("a link can be made");
        for file in fs::read_dir(root().join("deploy")).expect("the folder is there") {
            let file = file.expect("an entry");
            fs::copy(file.path(), deploy.join(file.file_name())).expect("a file can be copied");
        }
        symlink(binary(), bin.join("labelhook")).expect("a link can be made");
        let cargo = bin.join("cargo");
        let binary = binary().display();
        let text =
            format!("#!/bin/sh\ntest \"$1 $2 $3\" = 'run --release --' && shift 3 && exec '{binary}' \"$@\"\nexit 1\n");
        fs::write(&cargo, text).expect("a file can be written");
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Some(Self { folder, bash })
    }

    /// Runs a block to its end and returns its output. Returns none, with a message, if a program that it calls is
    /// missing.
    pub async fn run(&self, place: &str, script: &str, server: &str) -> Option<String> {
        let script = to_run(script)?;
        let state = self.folder.path().join("state");
        let state = state.display();
        let script = format!(
            "set -a; cd '{work}'; test ! -e '{state}' || . '{state}'; set -eu -o pipefail\n{script}\n\
             {{ export -p; declare -f; }} > '{state}'",
            work = self.work().display()
        );
        let mut command = Command::new(&self.bash);
        command
            .args(["-c", &script])
            .envs(self.environment(server))
            .stdin(Stdio::null());
        let running = tokio::task::spawn_blocking(move || command.output().expect("bash starts"));
        let output = deadline::within(|| format!("{place} ends"), running).await;
        let output = output.expect("it does not panic");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{place}: {}\n{said}\n{errors}", output.status);
        Some(said)
    }

    /// Starts a block whose last command runs until it is stopped.
    pub fn start(&self, script: &str, server: &str) -> Option<Process> {
        let script = to_run(script)?;
        let (before, last) = script.rsplit_once('\n').unwrap_or(("", &script));
        let script = format!("set -a; cd '{}'\n{before}\n{}", self.work().display(), executed(last));
        let environment = self.environment(server);
        let environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| (*name, OsStr::new(value)))
            .collect();
        Some(Process::start(&self.bash, &["-c", &script], &environment))
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn environment(&self, server: &str) -> Vec<(&'static str, String)> {
        let path = variable("PATH").unwrap_or_default();
        let bin = self.folder.path().join("bin");
        vec![
            ("PATH", format!("{}:{}", bin.display(), Path::new(&path).display())),
            ("LABELHOOK_LISTEN", "127.0.0.1:0".to_owned()),
            ("LABELHOOK_BOOTSTRAP_KEY", KEY.to_owned()),
            ("LABELHOOK_API_KEY", KEY.to_owned()),
            ("LABELHOOK_SERVER", server.to_owned()),
            ("LABELHOOK_LOG", "warn".to_owned()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ]
    }
}

/// Returns a block without the lines that are not run, or none, with a message, if a program that it calls is missing.
fn to_run(script: &str) -> Option<String> {
    let is_run = |line: &&str| LINES_NOT_RUN.iter().all(|(start, _)| !line.trim().starts_with(start));
    let lines: Vec<&str> = script.lines().filter(is_run).collect();
    let script = lines.join("\n").trim_end().to_owned();
    for program in PROGRAMS {
        if script.split_whitespace().any(|word| word.ends_with(program)) {
            need(program)?;
        }
    }
    Some(script)
}

/// Returns the command with `exec` after its variables: it replaces the shell, so that a signal reaches it.
fn executed(line: &str) -> String {
    let is_variable = |word: &&str| word.contains('=');
    let variables: Vec<&str> = line.split_whitespace().take_while(is_variable).collect();
    let command: Vec<&str> = line.split_whitespace().skip(variables.len()).collect();
    [&variables[..], &["exec"], &command[..]].concat().join(" ")
}
