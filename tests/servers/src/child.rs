//! A program that ends with whoever started it, however that ends: a small shell waits at the other end of a pipe.

use std::{
    ffi::OsStr,
    io::{self, Write},
    path::Path,
    process::{self, Command, Stdio},
};

/// Runs `"$@"` in the background and writes its pid. The word `stop` ends it; when the other end closes without a word,
/// because its process is over, the folder goes too. PostgreSQL is quick on SIGINT, which a shell makes others ignore.
const KEEPER: &str = r#"folder=$1; shift
"$@" </dev/null >>"$folder/log" 2>&1 &
program=$!
echo $program >"$folder/pid"
read -r word
kill -INT $program 2>/dev/null
kill -TERM $program 2>/dev/null
wait $program
[ "$word" = stop ] || rm -rf "$folder"
"#;

/// A running program.
#[derive(Debug)]
pub struct Child(process::Child);

impl Child {
    /// Starts a program whose log and pid are kept in `folder`, as another user when the caller may not run it.
    pub fn start<A: AsRef<OsStr>>(
        folder: &Path,
        user: Option<&str>,
        line: impl IntoIterator<Item = A>,
    ) -> io::Result<Self> {
        let mut command = as_user(user, "sh");
        command.args(["-c", KEEPER, "keeper"]).arg(folder).args(line);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().map(Self)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(mut stdin) = self.0.stdin.take() {
            stdin.write_all(b"stop\n").ok();
        }
        self.0.wait().ok();
    }
}

/// A command as another user: some servers refuse to be run by root.
pub(crate) fn as_user(user: Option<&str>, program: impl AsRef<OsStr>) -> Command {
    match user {
        None => Command::new(program),
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
    }
}
