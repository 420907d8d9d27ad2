//! `latency`: from the moment a label is sent to the moment its delivery arrives, at a hundred a second. Beside it, block by
//! block in the same run, the two things that it cannot do without: a bare POST (sent to answered) and a bare commit of
//! the same rows. With PostgreSQL (`postgres_latency`) the times are those of one, two and four nodes that take labels
//! in turn.

use crate::{
    Missing, Size,
    figures::{Figure, percentile},
    pacer::{Paced, Pacer, Target, Task},
    receiver::Process,
    server::{Desk, KEY, Server},
};
use anyhow::{Context, ensure};
use servers::Postgres;
use std::{collections::HashMap, time::Instant};

const PER_SECOND: f64 = 100.0;
const LABELS: usize = 1_000;
/// Labels before anything is measured.
const WARM: usize = 100;
const NODES: [usize; 3] = [1, 2, 4];

/// One node on SQLite.
pub async fn sqlite(size: Size) -> anyhow::Result<Vec<Figure>> {
    let receiver = Process::start().await?;
    let servers = [Server::start().await?];
    let desk = servers[0].set_up(&receiver.at("stamp"), 1, "").await?;
    let labels = size.of(LABELS, 50);
    let beside = Some(receiver.url());
    let (paced, times) = measured(&servers, &desk, &receiver, labels, beside).await?;
    let (posts, commits) = (sorted(paced.posts_ms), sorted(paced.commits_ms));
    let figure = |name: &str, value: f64| Figure::new("latency", name, value);
    let mut figures = Vec::new();
    for (name, part, most) in [("p50", 0.5, 1.5), ("p99", 0.99, 3.0)] {
        let (post, commit) = (percentile(&posts, part), percentile(&commits, part));
        let arrival = percentile(&times.sent_to_arrival, part);
        figures.extend([
            figure(
                &format!("{name} ms from sending a label to its delivery's arrival"),
                arrival,
            ),
            figure(&format!("{name} ms of a bare POST"), post),
            figure(&format!("{name} ms of a bare commit, synced"), commit),
            figure(&format!("{name} in sums of both"), arrival / (post + commit)).at_most(most),
            figure(
                &format!("{name} ms from sending a label to its answer"),
                percentile(&times.sent_to_answer, part),
            ),
        ]);
    }
    Ok(figures)
}

/// One, two and four nodes on PostgreSQL, which syncs to disk.
pub async fn postgres(size: Size) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for nodes in NODES {
        let postgres = Postgres::start_with(&["fsync=on"]).await.ok_or(Missing("PostgreSQL"))?;
        let session = postgres.session("postgres").await?;
        session.run("CREATE DATABASE bench").await?;
        let mut servers = Vec::new();
        for _ in 0..nodes {
            servers.push(Server::node(&postgres.url("bench")).await?);
        }
        let receiver = Process::start().await?;
        let desk = servers[0].set_up(&receiver.at("stamp"), 1, "").await?;
        let (_, times) = measured(&servers, &desk, &receiver, size.of(LABELS, 50), None).await?;
        let figure = |name: &str, value: f64| Figure::new("postgres_latency", &format!("{nodes} nodes: {name}"), value);
        for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
            let of = |what: &str, times: &[f64]| figure(&format!("{name} ms {what}"), percentile(times, part));
            figures.push(of(
                "from the answer (after the commit) to the arrival",
                &times.answer_to_arrival,
            ));
            figures.push(of(
                "from sending a label to its delivery's arrival",
                &times.sent_to_arrival,
            ));
        }
    }
    Ok(figures)
}

async fn measured(
    servers: &[Server],
    desk: &Desk,
    receiver: &Process,
    labels: usize,
    beside: Option<String>,
) -> anyhow::Result<(Paced, Times)> {
    let target = |server: &Server| Target {
        endpoint: server.endpoint(),
        project: desk.project.clone(),
        row: desk.row.clone(),
    };
    let task = |labels: usize, beside: Option<String>| Task {
        targets: servers.iter().map(target).collect(),
        key: KEY.to_owned(),
        labels,
        per_second: PER_SECOND,
        first: 0,
        beside,
    };
    Pacer::start(&task(WARM, None))?.end()?;
    servers[0].settled_with(receiver, WARM, Instant::now()).await?;
    receiver.stamps().await?;
    let posts = if beside.is_some() { labels } else { 0 };
    let paced = Pacer::start(&task(labels, beside))?.end()?;
    servers[0]
        .settled_with(receiver, WARM + labels + posts, Instant::now())
        .await?;
    let times = Times::of(&paced, &receiver.stamps().await?)?;
    Ok((paced, times))
}

/// In milliseconds, sorted.
pub struct Times {
    pub sent_to_arrival: Vec<f64>,
    sent_to_answer: Vec<f64>,
    answer_to_arrival: Vec<f64>,
}

impl Times {
    pub fn of(paced: &Paced, stamps: &[(usize, i64)]) -> anyhow::Result<Self> {
        let sent: HashMap<usize, (i64, i64)> = paced
            .labels
            .iter()
            .map(|(number, sent, answered)| (*number, (*sent, *answered)))
            .collect();
        let mut times = Self {
            sent_to_arrival: Vec::with_capacity(stamps.len()),
            sent_to_answer: sent.values().map(|(sent, answered)| ms(answered - sent)).collect(),
            answer_to_arrival: Vec::with_capacity(stamps.len()),
        };
        for (number, arrived) in stamps {
            let (sent, answered) = sent.get(number).context("a delivery of a label that was not sent")?;
            times.sent_to_arrival.push(ms(arrived - sent));
            times.answer_to_arrival.push(ms(arrived - answered));
        }
        ensure!(stamps.len() >= sent.len(), "not every label was delivered");
        for times in [
            &mut times.sent_to_arrival,
            &mut times.sent_to_answer,
            &mut times.answer_to_arrival,
        ] {
            times.sort_by(f64::total_cmp);
        }
        Ok(times)
    }
}

fn ms(micros: i64) -> f64 {
    micros as f64 / 1e3
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}
