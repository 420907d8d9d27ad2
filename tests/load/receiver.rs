//! The receiver: a process of its own that answers 200 to every POST and says how many came.

use crate::this_program;
use anyhow::Context;
use axum::{Router, body::Bytes, extract::State, routing::get};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// A part ends by itself within this time.
const LIMIT: Duration = Duration::from_secs(120);

type Count = Arc<AtomicUsize>;

/// The receiver's side.
pub async fn run() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let count = |State(count): State<Count>| async move { count.load(Ordering::Relaxed).to_string() };
    let take = |State(count): State<Count>, _: Bytes| async move {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let router = Router::new()
        .route("/{*path}", get(count).post(take))
        .with_state(Count::default());
    axum::serve(listener, router).await?;
    Ok(())
}

/// The bench's side.
pub struct Process {
    child: Child,
    address: String,
}

impl Process {
    pub async fn start() -> anyhow::Result<Self> {
        let mut child = this_program("--receiver")?.stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut address)?;
        Ok(Self {
            child,
            address: address.trim().to_owned(),
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub async fn count(&self) -> anyhow::Result<usize> {
        let client = harness::Client::new(&format!("http://{}", self.address), None);
        let (_, body) = client.get("/count").await?;
        Ok(std::str::from_utf8(&body)?.parse()?)
    }

    /// Waits until so many have come, and gives the time since `started`.
    pub async fn settled(&self, started: Instant, count: usize) -> anyhow::Result<Duration> {
        while self.count().await? < count {
            anyhow::ensure!(started.elapsed() < LIMIT, "not everything arrived within {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(started.elapsed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
