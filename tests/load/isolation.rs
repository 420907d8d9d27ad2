//! `isolation`: a thousand healthy webhooks, of which each event has four, without and then with three bad ones that want
//! every event: one never answers, one answers in ten seconds, one refuses connections. What the healthy lose by it,
//! and what the backlog of the bad ones takes of memory.

use crate::{
    Size, cpu,
    figures::{Figure, percentile},
    latency::Times,
    pacer::{Pacer, Target, Task},
    receiver::Process,
    server::{KEY, Server, text},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

/// Webhooks of each project: so many notifications an event.
const EACH: usize = 4;
const PROJECTS: usize = 250;
const PER_SECOND: f64 = 100.0;
/// Labels before anything is measured, without the bad ones, and with them, twice.
const WARM: usize = 250;
const LABELS: usize = 2_000;
/// Registrations under way at once.
const AT_ONCE: usize = 16;
const LIMIT: Duration = Duration::from_secs(30);

pub async fn isolation(size: Size) -> anyhow::Result<Vec<Figure>> {
    let (labels, projects) = (size.of(LABELS, 100), size.of(PROJECTS, 10));
    let receiver = Process::start().await?;
    let server = Server::start().await?;
    let mut field = Field::with(&server, &receiver, projects).await?;
    field.times(size.of(WARM, 20)).await?;
    let alone = field.times(labels).await?;
    let before = cpu::resident_kb(server.pid())? / 1024.0;
    register_bad(&server, &receiver).await?;
    cpu::forget_peak(server.pid())?;
    let mut beside = field.times(labels / 2).await?;
    let half = cpu::resident_kb(server.pid())? / 1024.0;
    beside.extend(field.times(labels / 2).await?);
    let after = cpu::resident_kb(server.pid())? / 1024.0;
    beside.sort_by(f64::total_cmp);
    let figure = |name: &str, value: f64| Figure::new("isolation", name, value);
    let (calm, with) = (percentile(&alone, 0.99), percentile(&beside, 0.99));
    Ok(vec![
        figure("p50 ms of the healthy, alone", percentile(&alone, 0.5)),
        figure("p50 ms of the healthy beside the bad ones", percentile(&beside, 0.5)),
        figure("p99 ms of the healthy, alone", calm),
        figure("p99 ms of the healthy beside the bad ones", with),
        figure("p99 in those of the healthy alone", with / calm).at_most(1.2),
        figure("notifications of the bad ones", (3 * labels) as f64),
        figure("MB resident before there were bad ones", before),
        figure("MB resident with half of their backlog", half),
        figure("MB resident with their backlog", after),
        figure("MB resident, peak", cpu::peak_mb(server.pid())?).at_most(150.0),
    ])
}

/// Projects with healthy webhooks.
struct Field<'s> {
    receiver: &'s Process,
    targets: Vec<Target>,
    next: usize,
}

impl<'s> Field<'s> {
    async fn with(server: &'s Server, receiver: &'s Process, projects: usize) -> anyhow::Result<Self> {
        let desk = server.set_up("", 0, "").await?;
        let url = receiver.at("stamp");
        let made = (0..projects).map(|number| project(server, number, &url));
        let projects: Vec<String> = stream::iter(made).buffer_unordered(AT_ONCE).try_collect().await?;
        let target = |project: String| Target {
            endpoint: server.endpoint(),
            project,
            row: desk.row.clone(),
        };
        Ok(Self {
            receiver,
            targets: projects.into_iter().map(target).collect(),
            next: 0,
        })
    }

    /// Submits labels to all projects in turn; from sending a label to each of its arrivals, sorted.
    async fn times(&mut self, labels: usize) -> anyhow::Result<Vec<f64>> {
        let count = self.receiver.count().await? + labels * EACH;
        let task = Task {
            targets: self.targets.clone(),
            key: KEY.to_owned(),
            labels,
            per_second: PER_SECOND,
            first: self.next,
            beside: None,
        };
        self.next += labels;
        let pacer = Pacer::start(&task)?;
        let paced = tokio::task::spawn_blocking(|| pacer.end()).await??;
        let ended = Instant::now();
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while self.receiver.count().await? < count {
            anyhow::ensure!(
                ended.elapsed() < LIMIT,
                "the healthy have not got everything within {LIMIT:?}"
            );
            pause.tick().await;
        }
        Ok(Times::of(&paced, &self.receiver.stamps().await?)?.sent_to_arrival)
    }
}

async fn project(server: &Server, number: usize, url: &str) -> anyhow::Result<String> {
    let make = "mutation($name: String!) {createProject(data: {name: $name}) {id}}";
    let made = server.query(make, json!({ "name": format!("bench {number}") })).await?;
    let project = text(&made["createProject"]["id"])?;
    let register = "mutation($project: ID!, $url: String!) {createWebhook(data: {project: {id: $project}, url: $url, \
        secret: \"bench\", topics: {set: [LABEL_CREATED]}}) {id}}";
    for place in 0..EACH {
        let url = format!("{url}/{number}/{place}");
        server
            .query(register, json!({ "project": project, "url": url }))
            .await?;
    }
    Ok(project)
}

/// Of the whole organization: they want every event.
async fn register_bad(server: &Server, receiver: &Process) -> anyhow::Result<()> {
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let register = "mutation($url: String!) {createWebhook(data: {url: $url, secret: \"bench\", \
        topics: {set: [LABEL_CREATED]}}) {id}}";
    for url in [
        receiver.at("never"),
        receiver.at("slow"),
        format!("http://{closed}/refused"),
    ] {
        server.query(register, json!({ "url": url })).await?;
    }
    Ok(())
}
