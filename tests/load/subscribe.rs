//! `subscribe`: a thousand live subscribers of one organization while labels are delivered at a steady pace. Measures
//! the memory of a subscriber, the lag and the cost of a message, and the effect on deliveries.
//!
//! The lag of a message is the time since the `updatedAt` of its notification, which is when its transaction began, so
//! it includes the sync to disk. One subscriber alone, in the same round, shows how much that is.

use crate::{
    LABEL_BYTES, Size, cpu, driver,
    figures::Figure,
    listeners::{self, Listeners},
    receiver,
    server::{Desk, Server},
};
use std::time::Duration;

/// The numbers of subscribers.
const SUBSCRIBERS: [usize; 2] = [100, 1_000];
/// Deliveries per second.
const PACE: usize = 500;
/// Deliveries without subscribers, and with them.
const ALONE: usize = 4 * PACE;
const HEARD: usize = 10 * PACE;
/// Deliveries before anything is measured.
const WARM: usize = 2 * PACE;

/// Measures one round for each number of subscribers; a tenth of everything in the short form.
pub async fn subscribe(size: Size) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for count in SUBSCRIBERS {
        figures.extend(round(count, size).await?);
    }
    Ok(figures)
}

async fn round(subscribers: usize, size: Size) -> anyhow::Result<Vec<Figure>> {
    let [count, warm, alone_of, heard_of] = [subscribers, WARM, ALONE, HEARD].map(|full| size.of(full, full / 10));
    let receiver = receiver::Process::start().await?;
    let server = Server::start().await?;
    let desk = server.set_up(&receiver.url(), 1, "").await?;
    deliver(&server, &desk, warm).await?;
    let alone = deliver(&server, &desk, alone_of).await?;
    let mut one = listeners(&server, &desk, 1)?;
    deliver(&server, &desk, alone_of).await?;
    let one = one.stop()?;
    let before = cpu::resident_kb(server.pid())?;
    let mut listeners = listeners(&server, &desk, count)?;
    let idle = cpu::resident_kb(server.pid())?;
    cpu::forget_peak(server.pid())?;
    let heard = deliver(&server, &desk, heard_of).await?;
    let report = listeners.stop()?;
    let each = |kb: f64| (kb - before) / count as f64;
    let messages = report.messages as f64;
    let beside = alone.cpu.as_secs_f64() / alone_of as f64 * heard_of as f64;
    let figure = |name: &str, value: f64| Figure::new("subscribe", &format!("{count}: {name}"), value);
    // The budget is for a thousand subscribers.
    let judged = |figure: Figure| Figure {
        budget: figure.budget.filter(|_| subscribers == SUBSCRIBERS[1]),
        ..figure
    };
    Ok(vec![
        figure("KB a subscriber, idle", each(idle)),
        judged(
            figure(
                "KB a subscriber, at the peak",
                each(cpu::peak_mb(server.pid())? * 1024.0),
            )
            .at_most(40.0),
        ),
        figure("told that they were too slow", report.closed as f64),
        figure("deliveries/s alone", alone.rate),
        figure("deliveries/s with subscribers", heard.rate),
        judged(figure("of the rate alone", heard.rate / alone.rate).at_least(0.9)),
        figure("messages/s", messages / heard.elapsed.as_secs_f64()),
        figure(
            "messages a delivery and subscriber",
            messages / (heard_of * count) as f64,
        ),
        figure("bytes a message", report.bytes as f64 / messages),
        figure("lag ms p50", report.p50_ms),
        judged(figure("lag ms p99", report.p99_ms).at_most(50.0)),
        figure("lag ms p50 of one subscriber alone", one.p50_ms),
        figure("lag ms p99 of one subscriber alone", one.p99_ms),
        figure("CPU us a message", (heard.cpu.as_secs_f64() - beside) * 1e6 / messages),
        figure(
            "CPU us a delivery alone",
            alone.cpu.as_secs_f64() * 1e6 / alone_of as f64,
        ),
        figure(
            "CPU share of the server",
            heard.cpu.as_secs_f64() / heard.elapsed.as_secs_f64(),
        ),
        figure(
            "CPU share of the subscribers",
            report.cpu_s / heard.elapsed.as_secs_f64(),
        ),
    ])
}

fn listeners(server: &Server, desk: &Desk, count: usize) -> anyhow::Result<Listeners> {
    Listeners::start(&listeners::Task {
        endpoint: server.endpoint(),
        key: server.key(),
        project: desk.project.clone(),
        count,
    })
}

/// The results of a run.
struct Run {
    rate: f64,
    elapsed: Duration,
    cpu: Duration,
}

async fn deliver(server: &Server, desk: &Desk, labels: usize) -> anyhow::Result<Run> {
    let before = cpu::of(server.pid())?;
    let driven = driver::drive(&driver::Task {
        endpoint: server.endpoint(),
        key: server.key(),
        row: desk.row.clone(),
        project: desk.project.clone(),
        labels,
        callers: 32,
        label_bytes: LABEL_BYTES,
        pace: Some(PACE as f64),
    })?;
    let elapsed = server.settled(driven.started).await?;
    Ok(Run {
        rate: labels as f64 / elapsed.as_secs_f64(),
        elapsed,
        cpu: cpu::of(server.pid())? - before,
    })
}
