//! The load driver: a process of its own that submits labels over GraphQL with a fixed number of callers, each sending
//! its next request when the last is answered, or when its time has come.

use crate::{figures::percentile, this_program};
use anyhow::{Context, bail};
use axum::http::HeaderMap;
use bytes::Bytes;
use labelhook_core::{
    dispatcher::{
        guard::Guard,
        sender::{Config, Sender},
    },
    target_url::TargetUrl,
};
use serde::{Deserialize, Serialize};
use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const CREATE: &str = "mutation CreateLabelPyApi($dataRow: ID!, $label: String!, $secondsToLabel: Float!, $project: ID!)\
    {createLabel(data: {type: {connect: {name: \"Any\"}} dataRow: {connect: {id: $dataRow}} label: $label \
    secondsToLabel: $secondsToLabel project: {connect: {id: $project}}}) {id createdAt}}";

/// Requests in flight when the ceiling is measured.
const IN_FLIGHT: usize = 64;

#[derive(Serialize, Deserialize)]
pub struct Task {
    pub endpoint: String,
    pub key: String,
    pub row: String,
    pub project: String,
    pub labels: usize,
    pub callers: usize,
    pub label_bytes: usize,
    /// Requests a second; as many as are answered when absent.
    pub pace: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct Told {
    elapsed_us: u64,
    p50_ms: f64,
    p99_ms: f64,
}

pub struct Driven {
    pub started: Instant,
    pub elapsed: Duration,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// The bench's side: runs a driver to its end.
pub fn drive(task: &Task) -> anyhow::Result<Driven> {
    let started = Instant::now();
    let output = this_program("--driver")?
        .arg(serde_json::to_string(task)?)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("the driver failed");
    }
    let told: Told = serde_json::from_slice(&output.stdout).context("the driver's report")?;
    Ok(Driven {
        started,
        elapsed: Duration::from_micros(told.elapsed_us),
        p50_ms: told.p50_ms,
        p99_ms: told.p99_ms,
    })
}

/// The driver's side.
pub async fn run(task: &str) -> anyhow::Result<()> {
    let task: Arc<Task> = Arc::new(serde_json::from_str(task)?);
    let next = Arc::new(AtomicUsize::new(0));
    let label = Arc::new(format!(
        "{{\"objects\":[],\"padding\":\"{}\"}}",
        "x".repeat(task.label_bytes)
    ));
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..task.callers {
        callers.spawn(call(Arc::clone(&task), Arc::clone(&next), Arc::clone(&label), started));
    }
    let mut latencies = Vec::with_capacity(task.labels);
    while let Some(called) = callers.join_next().await {
        latencies.extend(called??);
    }
    let elapsed_us = u64::try_from(started.elapsed().as_micros())?;
    let mut latencies: Vec<f64> = latencies.iter().map(|latency| latency.as_secs_f64() * 1e3).collect();
    latencies.sort_by(f64::total_cmp);
    println!(
        "{}",
        serde_json::to_string(&Told {
            elapsed_us,
            p50_ms: percentile(&latencies, 0.5),
            p99_ms: percentile(&latencies, 0.99)
        })?
    );
    Ok(())
}

async fn call(
    task: Arc<Task>,
    next: Arc<AtomicUsize>,
    label: Arc<String>,
    started: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let client = harness::Client::new(task.endpoint.trim_end_matches("/graphql"), Some(&task.key));
    let mut latencies = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= task.labels {
            return Ok(latencies);
        }
        if let Some(pace) = task.pace {
            let due = started + Duration::from_secs_f64(number as f64 / pace);
            tokio::time::sleep_until(due.into()).await;
        }
        let variables = serde_json::json!({
            "dataRow": task.row, "project": task.project, "label": *label, "secondsToLabel": 1.5,
        });
        let sent = Instant::now();
        let answer = client.try_answer(CREATE, variables).await?;
        latencies.push(sent.elapsed());
        if answer.body["errors"].is_array() {
            bail!("refused: {}", answer.body["errors"]);
        }
    }
}

/// Requests a second of our own HTTP client to the receiver, without anything around it.
pub async fn ceiling(url: &str, requests: usize) -> anyhow::Result<f64> {
    let guard = Guard::new(vec!["127.0.0.0/8".parse()?], Vec::new());
    let sender = Sender::new(Config {
        guard,
        ..Config::default()
    })?;
    let target = Arc::new(TargetUrl::parse(url)?);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (sender, target, next) = (sender.clone(), Arc::clone(&target), Arc::clone(&next));
        callers.spawn(async move {
            let body = Bytes::from(vec![b'x'; crate::LABEL_BYTES]);
            while next.fetch_add(1, Ordering::Relaxed) < requests {
                let timeout = Duration::from_secs(15);
                let outcome = sender.send(&target, HeaderMap::new(), body.clone(), timeout).await;
                anyhow::ensure!(
                    outcome.answer.is_some_and(|answer| answer.status == 200),
                    "{:?}",
                    outcome.error
                );
            }
            anyhow::Ok(())
        });
    }
    while let Some(called) = callers.join_next().await {
        called??;
    }
    Ok(requests as f64 / started.elapsed().as_secs_f64())
}
