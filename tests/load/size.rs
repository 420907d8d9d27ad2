//! `size`: the size of the release binary, and its memory when idle.

use crate::{Size, cpu, figures::Figure, server};
use std::time::{Duration, Instant};

const MB: f64 = 1e6;
/// The seconds for which the server is left idle.
const IDLE: usize = 10;

pub async fn size(size: Size) -> anyhow::Result<Vec<Figure>> {
    let binary = std::fs::metadata(server::binary())?.len();
    let server = server::Server::start().await?;
    let left_alone = Duration::from_secs(size.of(IDLE, 1) as u64);
    tokio::time::sleep_until((Instant::now() + left_alone).into()).await;
    let resident = cpu::resident_kb(server.pid())? * 1024.0;
    let own = cpu::own_kb(server.pid())? * 1024.0;
    let figure = |name: &str, value: f64| Figure::new("size", name, value);
    Ok(vec![
        figure("MB of the release binary", binary as f64 / MB).at_most(40.0),
        figure("MB resident, idle", resident / MB).at_most(30.0),
        figure("MB of these its own, and not of the binary's file", own / MB),
    ])
}
