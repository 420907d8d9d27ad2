//! The pacer: a process of its own that submits labels at fixed times, whatever has become of the earlier ones, and
//! records when each was sent and answered. It can alternate, block by block, with the minimum of a delivery: a bare
//! POST by the dispatcher's HTTP client to the same receiver, and a bare commit of the same rows, synced to disk.

use crate::{
    LABEL_BYTES, driver,
    driver::Sent,
    rows::{Store, Submitted},
    this_program,
    wire::{self, Connection, micros},
};
use anyhow::{Context, ensure};
use labelhook_core::delivery::{sender::Sender, target_url::TargetUrl};
use serde::{Deserialize, Serialize};
use std::{
    cell::RefCell,
    io::Read,
    process::{Child, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::{JoinSet, LocalSet};

/// The labels, POSTs and commits of one block.
const BLOCK: usize = 50;
/// The pause between blocks, so that the work that one leaves behind is done.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Serialize, Deserialize)]
pub struct Task {
    /// The targets of the labels, in turn.
    pub targets: Vec<Target>,
    pub key: String,
    pub labels: usize,
    pub per_second: f64,
    /// The number of the first label.
    pub first: usize,
    /// The URL of the bare POSTs. If absent, only labels are measured.
    pub beside: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Target {
    pub endpoint: String,
    pub project: String,
    pub row: String,
}

/// The measurements: times in microseconds since 1970, durations in milliseconds.
#[derive(Default, Serialize, Deserialize)]
pub struct Paced {
    /// The number of each label, and the times at which it was sent and answered.
    pub labels: Vec<(usize, i64, i64)>,
    pub posts_ms: Vec<f64>,
    pub commits_ms: Vec<f64>,
}

/// A running pacer, as the bench sees it.
pub struct Pacer(Child);

impl Pacer {
    pub fn start(task: &Task) -> anyhow::Result<Self> {
        let mut command = this_program("--pacer")?;
        // On its standard input: a thousand targets are too long for a command line.
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("no input")?;
        serde_json::to_writer(input, task)?;
        Ok(Self(child))
    }

    /// Waits until the pacer has finished, and returns its measurements.
    pub fn end(mut self) -> anyhow::Result<Paced> {
        let mut written = Vec::new();
        self.0.stdout.take().context("no output")?.read_to_end(&mut written)?;
        ensure!(self.0.wait()?.success(), "the pacer failed");
        Ok(serde_json::from_slice(&written)?)
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Runs the pacer in its own process.
pub fn run() -> anyhow::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let task: Task = serde_json::from_reader(std::io::stdin())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let paced = runtime.block_on(LocalSet::new().run_until(paced(&task)))?;
    println!("{}", serde_json::to_string(&paced)?);
    Ok(())
}

async fn paced(task: &Task) -> anyhow::Result<Paced> {
    let routes: Vec<Rc<Route>> = task
        .targets
        .iter()
        .map(|target| Route::new(target, &task.key))
        .collect::<Result<_, _>>()?;
    let beside = match &task.beside {
        Some(url) => Some(Beside::open(url).await?),
        None => None,
    };
    let mut paced = Paced::default();
    let mut number = task.first;
    let block = if beside.is_some() { BLOCK } else { task.labels };
    while number < task.first + task.labels {
        let labels = block.min(task.first + task.labels - number);
        submit(task, &routes, number, labels, &mut paced).await?;
        number += labels;
        if let Some(beside) = &beside {
            pause().await;
            beside.post(task.per_second, labels, &mut paced).await?;
            pause().await;
            beside.commit(task.per_second, labels, &mut paced).await?;
            pause().await;
        }
    }
    Ok(paced)
}

async fn pause() {
    tokio::time::sleep_until((Instant::now() + PAUSE).into()).await;
}

/// Waits until the time of a number, counted from `started`.
async fn turn(started: Instant, number: usize, per_second: f64) {
    let due = started + Duration::from_secs_f64(number as f64 / per_second);
    tokio::time::sleep_until(due.into()).await;
}

async fn submit(
    task: &Task,
    routes: &[Rc<Route>],
    first: usize,
    labels: usize,
    paced: &mut Paced,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut under_way = JoinSet::new();
    for number in first..first + labels {
        turn(started, number - first, task.per_second).await;
        let route = Rc::clone(&routes[number % routes.len()]);
        under_way.spawn_local(async move { route.submit(number).await });
    }
    while let Some(submitted) = under_way.join_next().await {
        paced.labels.push(submitted??);
    }
    Ok(())
}

/// The route to a target: its idle connections, and a request without a number.
struct Route {
    address: String,
    request: Vec<u8>,
    place: usize,
    idle: RefCell<Vec<Connection>>,
}

impl Route {
    fn new(target: &Target, key: &str) -> anyhow::Result<Rc<Self>> {
        let request = driver::request(&target.endpoint, key, &target.row, &target.project, LABEL_BYTES);
        Ok(Rc::new(Self {
            address: wire::parts(&target.endpoint).0.to_owned(),
            place: wire::number_place(&request)?,
            request,
            idle: RefCell::default(),
        }))
    }

    async fn submit(&self, number: usize) -> anyhow::Result<(usize, i64, i64)> {
        let idle = self.idle.borrow_mut().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.address).await?,
        };
        let mut request = self.request.clone();
        wire::set_number(&mut request, self.place, number);
        let sent = micros();
        connection.exchange(&request).await?;
        let answered = micros();
        self.idle.borrow_mut().push(connection);
        Ok((number, sent, answered))
    }
}

/// The minimum of a delivery: a bare POST and a bare commit.
struct Beside {
    sender: Sender,
    target: TargetUrl,
    sent: Sent,
    store: Store,
    _folder: TempDir,
}

impl Beside {
    async fn open(url: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (address, _) = wire::parts(url);
        let last = b"GET /last HTTP/1.1\r\nhost: bench\r\n\r\n";
        Ok(Self {
            sender: driver::sender()?,
            target: TargetUrl::parse(url)?,
            sent: Sent::parse(Connection::open(address).await?.exchange(last).await?)?,
            store: Store::open(folder.path()).await?,
            _folder: folder,
        })
    }

    async fn post(&self, per_second: f64, count: usize, paced: &mut Paced) -> anyhow::Result<()> {
        let started = Instant::now();
        for number in 0..count {
            turn(started, number, per_second).await;
            let sent = Instant::now();
            self.sent.again(&self.sender, &self.target).await?;
            paced.posts_ms.push(sent.elapsed().as_secs_f64() * 1e3);
        }
        Ok(())
    }

    async fn commit(&self, per_second: f64, count: usize, paced: &mut Paced) -> anyhow::Result<()> {
        let submitted = Submitted {
            data_row: entity::DataRowId::new(),
            project: entity::ProjectId::new(),
            label: wire::label(LABEL_BYTES),
            seconds_to_label: 1.5,
        };
        let started = Instant::now();
        for number in 0..count {
            turn(started, number, per_second).await;
            let begun = Instant::now();
            self.store.submit_for_webhook(&submitted).await?;
            paced.commits_ms.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        Ok(())
    }
}
