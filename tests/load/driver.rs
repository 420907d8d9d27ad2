//! The load driver: a process of its own that submits labels with a fixed number of callers. Each caller sends its next
//! request when the last is answered, or at its scheduled time. It has one thread, persistent connections and prepared
//! requests, since it shares the cores with what it measures.

use crate::{
    LABEL_BYTES, cpu,
    figures::percentile,
    receiver::Process,
    this_program,
    wire::{self, Connection, Message},
};
use anyhow::{Context, bail, ensure};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::Bytes;
use labelhook_core::delivery::{
    guard::Guard,
    sender::{Config, Sender},
    target_url::TargetUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    cell::Cell,
    process::Stdio,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::{JoinSet, LocalSet};

const CREATE: &str = "mutation CreateLabelPyApi($dataRow: ID!, $label: String!, $secondsToLabel: Float!, $project: ID!)\
    {createLabel(data: {type: {connect: {name: \"Any\"}} dataRow: {connect: {id: $dataRow}} label: $label \
    secondsToLabel: $secondsToLabel project: {connect: {id: $project}}}) {id createdAt}}";

/// Requests in flight when the ceiling is measured.
const IN_FLIGHT: usize = 64;

#[derive(Serialize, Deserialize)]
pub struct Task {
    /// The URL of the GraphQL API, or of another handler of labels, which gets the variables alone.
    pub endpoint: String,
    pub key: String,
    pub row: String,
    pub project: String,
    pub labels: usize,
    pub callers: usize,
    pub label_bytes: usize,
    /// The requests per second. If absent, each caller sends as soon as it has its answer.
    pub pace: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct DriverReport {
    elapsed_us: u64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us: f64,
}

pub struct Driven {
    pub started: Instant,
    pub elapsed: Duration,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// The CPU time of the driver per request, in microseconds.
    pub cpu_us: f64,
}

/// Runs a driver process to its end.
pub fn drive(task: &Task) -> anyhow::Result<Driven> {
    let started = Instant::now();
    let output = this_program("--driver")?
        .arg(serde_json::to_string(task)?)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("the driver failed");
    }
    let report: DriverReport = serde_json::from_slice(&output.stdout).context("the driver's report")?;
    Ok(Driven {
        started,
        elapsed: Duration::from_micros(report.elapsed_us),
        p50_ms: report.p50_ms,
        p99_ms: report.p99_ms,
        cpu_us: report.cpu_us,
    })
}

/// Returns a complete request that submits a label.
pub fn request(endpoint: &str, key: &str, row: &str, project: &str, label_bytes: usize) -> Vec<u8> {
    let (address, path) = wire::parts(endpoint);
    let label = wire::label(label_bytes);
    let variables = json!({"dataRow": row, "project": project, "label": label, "secondsToLabel": 1.5});
    let body = match path {
        "/graphql" => json!({"query": CREATE, "variables": variables}),
        _ => variables,
    };
    wire::post(address, path, key, &body.to_string())
}

/// Runs the driver in its own process.
pub fn run(task: &str) -> anyhow::Result<()> {
    let task: Rc<Task> = Rc::new(serde_json::from_str(task)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut latencies, elapsed) = runtime.block_on(LocalSet::new().run_until(submit(Rc::clone(&task))))?;
    latencies.sort_by(f64::total_cmp);
    let report = DriverReport {
        elapsed_us: u64::try_from(elapsed.as_micros())?,
        p50_ms: percentile(&latencies, 0.5),
        p99_ms: percentile(&latencies, 0.99),
        cpu_us: cpu::of_us()?.as_secs_f64() * 1e6 / task.labels as f64,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// Submits all labels. Returns the duration of each request in milliseconds, and the total time.
async fn submit(task: Rc<Task>) -> anyhow::Result<(Vec<f64>, Duration)> {
    let (started, next) = (Instant::now(), Rc::new(Cell::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..task.callers {
        callers.spawn_local(call(Rc::clone(&task), Rc::clone(&next), started));
    }
    let mut latencies = Vec::with_capacity(task.labels);
    while let Some(called) = callers.join_next().await {
        latencies.extend(called??);
    }
    ensure!(!latencies.is_empty(), "there was nothing to do");
    Ok((latencies, started.elapsed()))
}

async fn call(task: Rc<Task>, next: Rc<Cell<usize>>, started: Instant) -> anyhow::Result<Vec<f64>> {
    let mut connection = Connection::open(wire::parts(&task.endpoint).0).await?;
    let mut request = request(&task.endpoint, &task.key, &task.row, &task.project, task.label_bytes);
    let place = wire::number_place(&request)?;
    let mut latencies = Vec::new();
    loop {
        let number = next.replace(next.get() + 1);
        if number >= task.labels {
            return Ok(latencies);
        }
        if let Some(pace) = task.pace {
            let due = started + Duration::from_secs_f64(number as f64 / pace);
            tokio::time::sleep_until(due.into()).await;
        }
        wire::set_number(&mut request, place, number);
        let sent = Instant::now();
        connection.exchange(&request).await?;
        latencies.push(sent.elapsed().as_secs_f64() * 1e3);
    }
}

/// The rate of the HTTP client alone, in requests per second.
pub struct Ceiling {
    pub rate: f64,
    /// The CPU time of the receiver per request, in microseconds.
    pub receiver_us: f64,
}

/// Measures the dispatcher's HTTP client alone, with the same receiver. It posts a request that the receiver got from
/// the server, or as many bytes if there was none.
pub async fn ceiling(receiver: &Process, requests: usize) -> anyhow::Result<Ceiling> {
    let sent = Arc::new(Sent::parse(&receiver.sample().await?)?);
    let (sender, target) = (sender()?, Arc::new(TargetUrl::parse(&receiver.url())?));
    let next = Arc::new(AtomicUsize::new(0));
    let (started, before) = (Instant::now(), receiver.cpu()?);
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (sender, target, next, sent) = (
            sender.clone(),
            Arc::clone(&target),
            Arc::clone(&next),
            Arc::clone(&sent),
        );
        callers.spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < requests {
                sent.again(&sender, &target).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(called) = callers.join_next().await {
        called??;
    }
    Ok(Ceiling {
        rate: requests as f64 / started.elapsed().as_secs_f64(),
        receiver_us: (receiver.cpu()? - before).as_secs_f64() * 1e6 / requests as f64,
    })
}

/// Returns the dispatcher's HTTP client.
pub fn sender() -> anyhow::Result<Sender> {
    let guard = Guard::new(vec!["127.0.0.0/8".parse()?], Vec::new());
    Ok(Sender::new(Config {
        guard,
        ..Config::default()
    })?)
}

/// A request that a receiver got.
pub struct Sent {
    headers: HeaderMap,
    body: Bytes,
}

impl Sent {
    /// Parses the bytes of a request. If there are none, returns one with a body of [`LABEL_BYTES`] bytes.
    pub fn parse(request: &[u8]) -> anyhow::Result<Self> {
        let Some(message) = Message::read(request)? else {
            let body = Bytes::from(vec![b'x'; LABEL_BYTES]);
            return Ok(Self {
                headers: HeaderMap::new(),
                body,
            });
        };
        let mut headers = HeaderMap::new();
        for line in str::from_utf8(&request[..message.body])?.lines().skip(1) {
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        headers.remove(header::HOST);
        headers.remove(header::CONTENT_LENGTH);
        Ok(Self {
            headers,
            body: Bytes::copy_from_slice(&request[message.body..message.end]),
        })
    }

    pub async fn again(&self, sender: &Sender, target: &TargetUrl) -> anyhow::Result<()> {
        let limit = Duration::from_secs(15);
        let outcome = sender
            .send(target, self.headers.clone(), self.body.clone(), limit)
            .await;
        let is_fine = outcome.answer.is_some_and(|answer| answer.status == 200);
        ensure!(is_fine, "{:?}", outcome.error);
        Ok(())
    }
}
