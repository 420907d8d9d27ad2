//! `backlog`: a receiver was down while 1,000,000 notifications were made for it, and is back. They belong to all
//! webhooks of the log, ten in each of twenty projects, and are due in the database, as a node that cannot deliver
//! leaves them. They are sent while labels of a new project are delivered to a webhook of their own. The drain is
//! sampled: the deliveries within a part's time are counted, and the rest is left.

use crate::{
    LABEL_BYTES, Size, cpu, driver,
    figures::{Figure, percentile},
    receiver,
    seed::{Log, run},
    server::{Desk, Server},
    writer::{FAN, Fate, PROJECTS, Writer},
};
use anyhow::ensure;
use sea_orm::{ConnectionTrait, Statement};
use std::time::{Duration, Instant};

const PART: &str = "backlog";
/// The time for which the drain is measured while live events are delivered beside it.
const WATCHED: Duration = Duration::from_secs(20);
/// Live labels a second.
const PACE: f64 = 100.0;

pub async fn backlog(size: Size) -> anyhow::Result<Vec<Figure>> {
    let log = Log::of(10_000).await?;
    let receiver = receiver::Process::start().await?;
    let (rate, quiet) = alone(&log, size).await?;
    let waiting = size.of(1_000_000, 10_000) as u64;
    fill(&log, waiting, &receiver.url()).await?;
    let begun = Instant::now();
    let server = Server::node(&log.url()).await?;
    let live_receiver = receiver::Process::start().await?;
    let desk = server.set_up(&live_receiver.url(), 1, "").await?;
    let (from, at) = (receiver.count().await?, Instant::now());
    let live = live(&server, &desk, size)?;
    let labels = labels(size);
    live_receiver.settled(live.started, labels).await?;
    let drained = receiver.count().await? - from;
    let drain = drained as f64 / at.elapsed().as_secs_f64();
    let resident = cpu::peak_mb(server.pid())?;
    ensure!(
        begun.elapsed() < Duration::from_secs(120),
        "it took longer than a part may"
    );
    drop(server);
    let (half, most) = waits(&log, labels).await?;
    log.restore().await?;
    Ok(vec![
        Figure::new(PART, "waiting", waiting as f64),
        Figure::new(PART, "drained while watched", drained as f64),
        Figure::new(PART, "drained/s beside live labels", drain).at_least(0.8 * rate),
        Figure::new(PART, "deliver_1: deliveries/s", rate),
        Figure::new(PART, "peak resident MB", resident).at_most(150.0),
        Figure::new(PART, "live: ms until sent p50, without a backlog", quiet.0),
        Figure::new(PART, "live: ms until sent p99, without a backlog", quiet.1),
        Figure::new(PART, "live: ms until sent p50, beside the backlog", half),
        Figure::new(PART, "live: ms until sent p99, beside the backlog", most),
    ])
}

fn labels(size: Size) -> usize {
    size.of((WATCHED.as_secs_f64() * PACE) as usize, 100)
}

/// Measures `deliver_1` over the same log, and then live labels alone. Returns the deliveries per second of the former,
/// and the waits of the latter.
async fn alone(log: &Log, size: Size) -> anyhow::Result<(f64, (f64, f64))> {
    let receiver = receiver::Process::start().await?;
    let server = Server::node(&log.url()).await?;
    let desk = server.set_up(&receiver.url(), 1, "").await?;
    let labels = size.of(10_000, 300);
    let driven = drive(&server, &desk, labels, None)?;
    let settled = receiver.settled(driven.started, labels).await?;
    live(&server, &desk, size)?;
    receiver.settled(Instant::now(), labels + self::labels(size)).await?;
    drop(server);
    let quiet = waits(log, self::labels(size)).await?;
    Ok((labels as f64 / settled.as_secs_f64(), quiet))
}

/// Returns the p50 and the p99 of the milliseconds from an event to its first request, over the newest deliveries of
/// the newest webhook.
async fn waits(log: &Log, count: usize) -> anyhow::Result<(f64, f64)> {
    let db = log.open().await?;
    let sql = format!(
        "SELECT (a.started_at - n.created_at) / 1000.0 AS ms FROM (SELECT id, created_at FROM notification \
             WHERE webhook_id = (SELECT max(id) FROM webhook) ORDER BY id DESC LIMIT {count}) AS n \
         JOIN attempt a ON a.notification_id = n.id AND a.number = 1 ORDER BY 1"
    );
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?;
    let waits = rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<Vec<f64>, _>>()?;
    Ok((percentile(&waits, 0.5), percentile(&waits, 0.99)))
}

fn live(server: &Server, desk: &Desk, size: Size) -> anyhow::Result<driver::Driven> {
    drive(server, desk, labels(size), Some(PACE))
}

fn drive(server: &Server, desk: &Desk, labels: usize, pace: Option<f64>) -> anyhow::Result<driver::Driven> {
    driver::drive(&driver::Task {
        endpoint: server.endpoint(),
        key: server.key(),
        row: desk.row.clone(),
        project: desk.project.clone(),
        labels,
        callers: 128,
        label_bytes: LABEL_BYTES,
        pace,
    })
}

/// Adds this many waiting notifications, all for this receiver.
async fn fill(log: &Log, waiting: u64, url: &str) -> anyhow::Result<()> {
    let db = log.open().await?;
    run(&db, "PRAGMA synchronous = OFF").await?;
    run(&db, &format!("UPDATE webhook SET url = '{url}'")).await?;
    let events = waiting / FAN;
    let writer = Writer::until_now(&db, events).await?;
    let step = 1_000 * PROJECTS;
    for from in (0..events).step_by(usize::try_from(step)?) {
        writer.write(from, events.min(from + step), Fate::Due).await?;
        eprint!("\rfilling in {} of {waiting} that wait", events.min(from + step) * FAN);
    }
    eprintln!();
    Ok(db.close().await?)
}
