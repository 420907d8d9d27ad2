//! Programs of others that tests need: found on this machine, or said to be missing.
//!
//! A test that lacks one prints `skipped: ... is missing` and passes; with `LABELHOOK_REQUIRE_ALL=1`, as in CI, it
//! fails.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A variable of the machine, which is no setting of the service.
#[expect(clippy::disallowed_methods, reason = "tests have no Config")]
pub fn variable(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// The path of a program, or `None` after saying that the test is skipped.
pub fn need(program: &str) -> Option<PathBuf> {
    found(program).or_else(|| skip(program))
}

/// The path of a program. Debian keeps PostgreSQL's servers out of `PATH`, by version.
pub(crate) fn found(program: &str) -> Option<PathBuf> {
    let paths = variable("PATH").unwrap_or_default();
    let folders = env::split_paths(&paths).chain(versions("/usr/lib/postgresql"));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn versions(root: &str) -> Vec<PathBuf> {
    let entries = Path::new(root).read_dir().into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders
}

/// Says that a test is skipped for want of `what`; fails it where everything is required.
pub fn skip<T>(what: &str) -> Option<T> {
    let required = variable("LABELHOOK_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!required, "{what} is missing, and LABELHOOK_REQUIRE_ALL=1");
    // Written past the capture of a passing test's output: a skipped test is worth a line.
    writeln!(io::stderr(), "skipped: {what} is missing").ok();
    None
}
