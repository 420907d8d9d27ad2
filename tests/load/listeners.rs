//! The subscribers: a process of its own with a socket for each, which reads graphql-transport-ws as cheaply as
//! possible. Every message is counted, and the lag is measured on every tenth socket.

use crate::{cpu, this_program};
use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// The subscriptions: about eight fields each, of one organization, with different filters. `updatedAt` comes first, so
/// that it is at the same place in every message.
const QUERIES: [&str; 4] = [
    "subscription($project: ID!) {notifications(where: {projectIds: [$project]}) {node {updatedAt id status attemptCount \
     responseCode createdAt nextAttemptAt logLine} cursor}}",
    "subscription {notifications {node {updatedAt id status attemptCount responseCode event {id topic} webhook {id url}} \
     cursor}}",
    "subscription {notifications(where: {topics: [LABEL_CREATED]}) {node {updatedAt id status event {id topic createdAt \
     project {id name}} responseCode} cursor}}",
    "subscription {notifications(where: {statuses: [SUCCEEDED, FAILED]}) {node {updatedAt id status createdAt \
     attemptCount responseCode event {id sequence} webhook {id}} cursor}}",
];
/// One socket of this many measures the lag of its messages.
const SAMPLED: usize = 10;
/// The number of buckets for lags, each a tenth of a millisecond wide.
const BUCKETS: usize = 100_000;
/// The pause after which no more messages are expected.
const SILENCE: Duration = Duration::from_millis(500);
const DAY: u64 = 86_400_000_000;

#[derive(Serialize, Deserialize)]
pub struct Task {
    pub endpoint: String,
    pub key: String,
    pub project: String,
    pub count: usize,
}

#[derive(Serialize, Deserialize)]
pub struct ListenerReport {
    pub messages: u64,
    pub bytes: u64,
    pub closed: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub cpu_s: f64,
}

/// The process of the subscribers, as the bench sees it.
pub struct Listeners {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Listeners {
    /// Starts all subscribers. Returns when their subscriptions run.
    pub fn start(task: &Task) -> anyhow::Result<Self> {
        let mut child = this_program("--listeners")?
            .arg(serde_json::to_string(task)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take().context("no output")?);
        let mut listeners = Self {
            child,
            input,
            output: BufReader::new(output),
        };
        ensure!(listeners.line()?.trim() == "ready", "the subscribers could not begin");
        Ok(listeners)
    }

    /// Waits until no more messages arrive, and returns the report.
    pub fn stop(&mut self) -> anyhow::Result<ListenerReport> {
        drop(self.input.take());
        serde_json::from_str(&self.line()?).context("the subscribers' report")
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The counters of all sockets together.
struct Heard {
    messages: AtomicU64,
    bytes: AtomicU64,
    closed: AtomicU64,
    lag: Vec<AtomicU64>,
}

/// Runs the subscribers in their own process.
pub async fn run(task: &str) -> anyhow::Result<()> {
    let task: Task = serde_json::from_str(task)?;
    rlimit::increase_nofile_limit(u64::MAX)?;
    let heard = Arc::new(Heard {
        messages: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        closed: AtomicU64::new(0),
        lag: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
    });
    let mut sockets = JoinSet::new();
    for number in 0..task.count {
        let stream = subscribed(&task, number).await?;
        let heard = Arc::clone(&heard);
        sockets.spawn(async move {
            listen(stream, number % SAMPLED == 0, &heard).await;
            heard.closed.fetch_add(1, Relaxed);
        });
    }
    println!("ready");
    std::io::stdout().flush()?;
    let before = cpu::of(std::process::id())?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    let cpu = cpu::of(std::process::id())? - before;
    let mut seen = u64::MAX;
    while std::mem::replace(&mut seen, heard.messages.load(Relaxed)) != seen {
        tokio::time::timeout(SILENCE, std::future::pending::<()>()).await.ok();
    }
    println!("{}", serde_json::to_string(&heard.report(cpu))?);
    Ok(())
}

impl Heard {
    fn report(&self, cpu: Duration) -> ListenerReport {
        ListenerReport {
            messages: self.messages.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            closed: self.closed.load(Relaxed),
            p50_ms: self.percentile(0.5),
            p99_ms: self.percentile(0.99),
            cpu_s: cpu.as_secs_f64(),
        }
    }

    fn percentile(&self, part: f64) -> f64 {
        let counts: Vec<u64> = self.lag.iter().map(|count| count.load(Relaxed)).collect();
        let rank = (counts.iter().sum::<u64>() as f64 * part) as u64;
        let mut below = 0;
        let bucket = counts.iter().position(|count| {
            below += count;
            below > rank
        });
        bucket.unwrap_or_default() as f64 / 10.0
    }

    /// Counts the lag of a message. Returns false if the message contains no time.
    fn late(&self, message: &[u8]) -> bool {
        let Some(time) = time(message) else { return false };
        let number = |from: usize, to: usize| {
            time[from..to]
                .iter()
                .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
        };
        let told = ((number(0, 2) * 60 + number(3, 5)) * 60 + number(6, 8)) * 1_000_000 + number(9, 15);
        let now = SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(0, |time| time.as_micros() as u64)
            % DAY;
        let lag = (now + DAY - told) % DAY / 100;
        self.lag[(lag as usize).min(BUCKETS - 1)].fetch_add(1, Relaxed);
        true
    }
}

/// Opens a socket and returns when its subscription runs.
async fn subscribed(task: &Task, number: usize) -> anyhow::Result<TcpStream> {
    let address = task.endpoint.trim_start_matches("http://").trim_end_matches("/graphql");
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET /graphql HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    until(&mut stream, "\r\n\r\n").await?;
    let init = json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {}", task.key)}});
    stream.write_all(&frame(&init)).await?;
    until(&mut stream, "connection_ack\"}").await?;
    let variables = json!({"project": task.project});
    let payload = json!({"query": QUERIES[number % QUERIES.len()], "variables": variables});
    let id = (number % 97).to_string();
    stream
        .write_all(&frame(&json!({"id": id, "type": "subscribe", "payload": payload})))
        .await?;
    stream.write_all(&frame(&json!({"type": "ping"}))).await?;
    until(&mut stream, "{\"type\":\"pong\"}").await?;
    Ok(stream)
}

/// Returns a client's frame, with a mask of zeros.
fn frame(message: &serde_json::Value) -> Vec<u8> {
    let text = message.to_string();
    let length = u16::try_from(text.len()).expect("messages are short");
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.into_bytes());
    frame
}

async fn until(stream: &mut TcpStream, end: &str) -> anyhow::Result<()> {
    let mut text = Vec::new();
    while !text.windows(end.len()).any(|bytes| bytes == end.as_bytes()) {
        if stream.read_buf(&mut text).await? == 0 {
            bail!("closed after {}", String::from_utf8_lossy(&text));
        }
    }
    Ok(())
}

/// Reads frames until the connection ends.
async fn listen(mut stream: TcpStream, sampled: bool, heard: &Heard) {
    let mut buffer = Vec::with_capacity(32 << 10);
    while matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
        let (mut at, mut messages, mut bytes) = (0, 0, 0);
        while let Some((kind, payload)) = first(&buffer[at..]) {
            let end = at + payload.end;
            let message = &buffer[at + payload.start..end];
            at = end;
            match kind {
                0x81 => {
                    (messages, bytes) = (messages + 1, bytes + message.len() as u64);
                    if sampled && !heard.late(message) {
                        eprintln!("not a notification: {}", String::from_utf8_lossy(message));
                        return;
                    }
                }
                0x88 => return,
                _ => {}
            }
        }
        buffer.drain(..at);
        heard.messages.fetch_add(messages, Relaxed);
        heard.bytes.fetch_add(bytes, Relaxed);
    }
}

/// Returns the first byte and the range of the payload of a complete frame.
fn first(bytes: &[u8]) -> Option<(u8, std::ops::Range<usize>)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        127 => (
            10,
            usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?,
        ),
        length => (2, usize::from(length)),
    };
    let payload = start..start + length;
    (payload.end <= bytes.len()).then_some((bytes[0], payload))
}

/// Returns the `HH:MM:SS.ffffff` of the first `updatedAt` in a message.
fn time(message: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"\"updatedAt\":\"";
    let place = message.windows(NAME.len()).position(|bytes| bytes == NAME)?;
    let start = place + NAME.len() + "2026-01-01T".len();
    message.get(start..start + "00:00:00.000000".len())
}
