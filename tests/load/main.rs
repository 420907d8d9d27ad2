//! The load bench: `cargo bench -p labelhook-tests`, or `cargo bench -p labelhook-tests -- deliver_1` for one part.
//!
//! The release binary, the receiver and the load driver are processes of their own. Each rate stands beside the ceiling
//! measured in the same round: the same HTTP client posting the same bytes to the same receiver without us. CPU time is
//! the operating system's account of each process. Machines differ and drift: compare ratios and CPU, not rates.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

mod cpu;
mod driver;
mod listeners;
mod nodes;
mod receiver;
mod report;
mod server;
mod subscribe;
mod workflow;

use anyhow::{Context, bail};
use report::Row;
use server::Server;
use std::process::Command;

/// Rounds of each part; the table shows medians.
const ROUNDS: usize = 3;
const LABEL_BYTES: usize = 2048;

/// A part of the bench.
struct Part {
    name: &'static str,
    /// Matching webhooks.
    webhooks: usize,
    /// What else each is registered with.
    input: &'static str,
    /// Labels submitted.
    labels: usize,
    /// Requests under way at once.
    callers: usize,
}

const PARTS: [Part; 5] = [
    Part {
        name: "accept",
        webhooks: 0,
        input: "",
        labels: 20_000,
        callers: 64,
    },
    Part {
        name: "deliver_1",
        webhooks: 1,
        input: "",
        labels: 20_000,
        callers: 128,
    },
    Part {
        name: "deliver_10",
        webhooks: 10,
        input: "",
        labels: 6_000,
        callers: 32,
    },
    Part {
        name: "deliver_filter",
        webhooks: 1,
        input: r#"filter: "event.project.name == 'bench' && event.data.label.secondsToLabel > 1.0""#,
        labels: 20_000,
        callers: 128,
    },
    Part {
        name: "deliver_query",
        webhooks: 1,
        input: r#"payloadQuery: "{ id topic createdAt project { id name } dataRow { externalId } label { id label } }""#,
        labels: 20_000,
        callers: 128,
    },
];

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.first().map(String::as_str) {
        Some("--receiver") => runtime.block_on(receiver::run()),
        Some("--driver") => runtime.block_on(driver::run(args.get(1).context("the driver's task is missing")?)),
        Some("--listeners") => runtime.block_on(listeners::run(args.get(1).context("the listeners' task is missing")?)),
        _ => runtime.block_on(bench(&args)),
    }
}

/// Parts with figures of their own.
const OTHERS: [&str; 4] = ["drain", "move", "subscribe", "postgres"];

async fn bench(names: &[String]) -> anyhow::Result<()> {
    let known: Vec<&str> = PARTS.iter().map(|part| part.name).chain(OTHERS).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no part {unknown}; parts are {known:?}");
    }
    let wanted = |part: &str| names.is_empty() || names.iter().any(|name| name == part);
    let mut figures = Vec::new();
    for part in OTHERS.into_iter().filter(|part| wanted(part)) {
        let rounds = if part == "subscribe" { 1 } else { ROUNDS };
        for round in 1..=rounds {
            eprintln!("{part} round {round} of {rounds}");
            figures.extend(match part {
                "drain" => workflow::drain().await?,
                "subscribe" => subscribe::subscribe().await?,
                "postgres" => nodes::postgres().await?,
                _ => workflow::moves().await?,
            });
        }
    }
    let mut rows = Vec::new();
    for part in PARTS.iter().filter(|part| wanted(part.name)) {
        for round in 1..=ROUNDS {
            eprintln!("{} round {round} of {ROUNDS}", part.name);
            rows.push(
                measure(part)
                    .await
                    .with_context(|| format!("{} round {round}", part.name))?,
            );
        }
    }
    report::table(&rows);
    report::figures(&figures);
    report::write(&rows, &figures)
}

async fn measure(part: &Part) -> anyhow::Result<Row> {
    let receiver = receiver::Process::start().await?;
    let server = Server::start().await?;
    let desk = server.set_up(&receiver.url(), part.webhooks, part.input).await?;
    let ceiling = driver::ceiling(
        &receiver.url(),
        part.labels.max(part.labels * part.webhooks).min(30_000),
    )
    .await?;
    let (server_before, receiver_before) = (cpu::of(server.pid())?, receiver.count().await?);
    let driven = driver::drive(&driver::Task {
        endpoint: server.endpoint(),
        key: server.key(),
        row: desk.row,
        project: desk.project,
        labels: part.labels,
        callers: part.callers,
        label_bytes: LABEL_BYTES,
        pace: None,
    })?;
    let deliveries = part.labels * part.webhooks;
    let settled = server.settled(driven.started).await?;
    let server_cpu = cpu::of(server.pid())? - server_before;
    let arrived = receiver.count().await? - receiver_before;
    if arrived < deliveries {
        bail!("{arrived} of {deliveries} deliveries arrived");
    }
    let (count, elapsed) = if part.webhooks == 0 {
        (part.labels, driven.elapsed)
    } else {
        (deliveries, settled)
    };
    Ok(Row {
        part: part.name,
        rate: count as f64 / elapsed.as_secs_f64(),
        ceiling,
        server_cpu_us: server_cpu.as_secs_f64() * 1e6 / count as f64,
        p50_ms: driven.p50_ms,
        p99_ms: driven.p99_ms,
        duplicates: arrived - deliveries,
        resident_mb: cpu::peak_mb(server.pid())?,
    })
}

/// This program again, in another role.
fn this_program(role: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role);
    Ok(command)
}
