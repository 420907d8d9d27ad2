//! The output of a child process, kept line by line, so that a test can wait for a line and a failure can show all of
//! them.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::watch;

use crate::deadline::within;

/// The lines of a process so far, from both of its outputs.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Sender<usize>,
    open: watch::Sender<usize>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            lines: Arc::default(),
            count: watch::Sender::new(0),
            open: watch::Sender::new(0),
        }
    }

    /// Reads `output` to its end on a thread of its own, so that the process never blocks on a full pipe.
    pub(crate) fn follow(&self, output: impl Read + Send + 'static) {
        let log = self.clone();
        log.open.send_modify(|open| *open += 1);
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                log.push(String::from_utf8_lossy(&line).into_owned());
            }
            log.open.send_modify(|open| *open -= 1);
        });
    }

    fn push(&self, line: String) {
        let mut lines = self.lines.lock().expect("nobody panics while holding the lines");
        lines.push(line);
        let count = lines.len();
        drop(lines);
        self.count.send_replace(count);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines
            .lock()
            .expect("nobody panics while holding the lines")
            .clone()
    }

    /// Waits until every followed output has ended, which is when the process has.
    pub(crate) async fn ended(&self) {
        let mut open = self.open.subscribe();
        let waiting = || format!("the process ends; it said:\n{}", self.lines().join("\n"));
        within(waiting, open.wait_for(|open| *open == 0))
            .await
            .expect("the log holds the sender");
    }

    /// Waits for the first line of which `find` returns a value, and returns the value.
    pub(crate) async fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let mut count = self.count.subscribe();
        let missing = || format!("{what} in what the process said:\n{}", self.lines().join("\n"));
        within(missing, async {
            loop {
                if let Some(found) = self.lines().iter().find_map(|line| find(line)) {
                    return found;
                }
                count.changed().await.expect("the log holds the sender");
            }
        })
        .await
    }
}
