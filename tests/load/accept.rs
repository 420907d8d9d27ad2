//! `accept`: labels are submitted and committed, and no webhook subscribes to them. The same driver measures two others
//! in the same round: a bare HTTP handler that commits the same rows in groups, and one that calls the same verb of
//! core. The difference from the first is the cost of all of Labelhook; the difference from the second is the cost of
//! GraphQL and authentication alone.

use crate::{LABEL_BYTES, Size, cpu, driver, figures::Figure, plain, server::Server};
use std::time::Duration;

const LABELS: usize = 20_000;
const CALLERS: usize = 64;

pub async fn accept(size: Size) -> anyhow::Result<Vec<Figure>> {
    let labels = size.of(LABELS, 500);
    let (bare, verb) = (plain("rows", labels)?, plain("verb", labels)?);
    let server = Server::start().await?;
    let desk = server.set_up("", 0, "").await?;
    let task = task(server.endpoint(), &desk.project, &desk.row, labels);
    let whole = drive(task, server.pid())?;
    let figure = |name: &str, value: f64| Figure::new("accept", name, value);
    Ok(vec![
        figure("labels/s", whole.rate),
        figure("labels/s of the bare handler", bare.rate),
        figure("labels/s of the verb behind a bare handler", verb.rate),
        figure("of the bare handler's rate", whole.rate / bare.rate).at_least(0.6),
        figure("CPU us a label", whole.cpu_us),
        figure("CPU us a label of the bare handler", bare.cpu_us),
        figure("CPU us a label of the verb behind a bare handler", verb.cpu_us),
        figure("CPU us a label over the bare handler", whole.cpu_us - bare.cpu_us).at_most(40.0),
        figure(
            "CPU us a label for GraphQL and authentication",
            whole.cpu_us - verb.cpu_us,
        )
        .at_most(40.0),
        figure("CPU us of the driver a request", whole.driver_us),
        figure("answer ms p50", whole.p50_ms),
        figure("answer ms p99", whole.p99_ms),
        figure("peak resident MB", cpu::peak_mb(server.pid())?),
    ])
}

/// The results of a run.
struct Run {
    rate: f64,
    cpu_us: f64,
    driver_us: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn plain(kind: &str, labels: usize) -> anyhow::Result<Run> {
    let process = plain::Process::start(kind)?;
    let task = task(process.endpoint(), &process.project, &process.row, labels);
    drive(task, process.pid())
}

fn task(endpoint: String, project: &str, row: &str, labels: usize) -> driver::Task {
    driver::Task {
        endpoint,
        key: crate::server::KEY.to_owned(),
        row: row.to_owned(),
        project: project.to_owned(),
        labels,
        callers: CALLERS,
        label_bytes: LABEL_BYTES,
        pace: None,
    }
}

/// Measures the labels, after a tenth as many have warmed everything up.
fn drive(task: driver::Task, pid: u32) -> anyhow::Result<Run> {
    let labels = task.labels;
    let warm = driver::Task {
        labels: labels / 10,
        endpoint: task.endpoint.clone(),
        key: task.key.clone(),
        row: task.row.clone(),
        project: task.project.clone(),
        ..task
    };
    driver::drive(&warm)?;
    let before = cpu::of(pid)?;
    let driven = driver::drive(&driver::Task { labels, ..warm })?;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / labels as f64;
    Ok(Run {
        rate: labels as f64 / driven.elapsed.as_secs_f64(),
        cpu_us: each(cpu::of(pid)? - before),
        driver_us: driven.cpu_us,
        p50_ms: driven.p50_ms,
        p99_ms: driven.p99_ms,
    })
}
