//! `start`: from the start of the binary until `/readyz` says 200, over an empty database, and over 10 million notifications
//! of which 100,000 are due.

use crate::{
    Size, cpu,
    figures::Figure,
    seed::Log,
    server::Server,
    writer::{FAN, Fate, Writer},
};
use std::time::{Duration, Instant};

const PART: &str = "start";
const DUE: u64 = 100_000;
/// Until memory is looked at, once more: what a start leaves to be done afterwards counts, too.
const AFTER: Duration = Duration::from_secs(3);

pub async fn start(size: Size) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("empty.db").display());
    // The first start makes the tables.
    drop(Server::node(&url).await?);
    let (empty, _) = ready(&url).await?;
    let notifications = size.of(10_000_000, 10_000);
    let log = Log::of(notifications as u64).await?;
    due(&log, size.of(100, 1)).await?;
    let (full, resident) = ready(&log.url()).await?;
    log.restore().await?;
    Ok(vec![
        Figure::new(PART, "ms until ready, empty", empty),
        Figure::new(PART, "ms until ready, full", full),
        Figure::new(PART, "full to empty", full / empty).at_most(2.0),
        Figure::new(PART, "peak resident MB, full", resident).at_most(100.0),
    ])
}

/// Milliseconds, and the most memory.
async fn ready(url: &str) -> anyhow::Result<(f64, f64)> {
    let begun = Instant::now();
    let server = Server::node(url).await?;
    let client = harness::Client::new(server.endpoint().trim_end_matches("/graphql"), None);
    let mut pause = tokio::time::interval(Duration::from_millis(1));
    while client.get("/readyz").await?.0 != 200 {
        pause.tick().await;
    }
    let ready = begun.elapsed().as_secs_f64() * 1e3;
    tokio::time::sleep_until((Instant::now() + AFTER).into()).await;
    Ok((ready, cpu::peak_mb(server.pid())?))
}

/// A hundredth of what is due at a time.
async fn due(log: &Log, hundredths: usize) -> anyhow::Result<()> {
    let db = log.open().await?;
    let events = DUE / FAN / 100;
    let writer = Writer::until_now(&db, events * hundredths as u64).await?;
    for part in 0..hundredths as u64 {
        writer.write(part * events, (part + 1) * events, Fate::Due).await?;
    }
    Ok(db.close().await?)
}
