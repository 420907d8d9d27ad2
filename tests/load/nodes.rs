//! Deliveries with PostgreSQL: one, two and four nodes on this machine, one and ten webhooks per event. The server
//! syncs to disk, as a production server does. All processes share the machine's cores, so more nodes show the cost of
//! sharing the work, not the gain when each has a machine.

use crate::{
    LABEL_BYTES, Missing, Size, cpu, driver,
    figures::Figure,
    receiver,
    server::{Desk, Server},
};
use anyhow::Context;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use servers::Postgres;
use std::{
    fs,
    time::{Duration, Instant},
};

const NODES: [usize; 3] = [1, 2, 4];
/// The webhooks per event, and the labels that are submitted.
const LOADS: [(usize, usize); 2] = [(1, 8_000), (10, 2_000)];
/// The concurrent requests, over all nodes.
const CALLERS: usize = 128;
const PART: &str = "postgres";

/// `postgres`: rates with their ceiling, CPU time by process, and statements per delivery.
pub async fn postgres(size: Size) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (webhooks, labels) in LOADS {
        for nodes in NODES {
            figures.extend(measure(nodes, webhooks, size.of(labels, 400)).await?);
        }
    }
    Ok(figures)
}

async fn measure(nodes: usize, webhooks: usize, labels: usize) -> anyhow::Result<Vec<Figure>> {
    let postgres = Postgres::start_with(&["fsync=on", "shared_preload_libraries=pg_stat_statements"]).await;
    let postgres = postgres.ok_or(Missing("PostgreSQL"))?;
    let admin = Database::connect(postgres.url("postgres")).await?;
    admin.execute_unprepared("CREATE DATABASE bench").await?;
    admin.execute_unprepared("CREATE EXTENSION pg_stat_statements").await?;
    let mut running = Vec::new();
    for _ in 0..nodes {
        running.push(Server::node(&postgres.url("bench")).await?);
    }
    let receiver = receiver::Process::start().await?;
    let desk = running[0].set_up(&receiver.url(), webhooks, "").await?;
    let deliveries = labels * webhooks;
    let first = drive(&running[..1], &desk, 1)?;
    running[0].settled_with(&receiver, webhooks, first).await?;
    let ceiling = driver::ceiling(&receiver, deliveries.min(30_000)).await?.rate;
    let known = receiver.count().await?;
    let before = Account::of(&running, &admin, postgres.pid()).await?;
    let started = drive(&running, &desk, labels)?;
    let settled = running[0].settled_with(&receiver, known + deliveries, started).await?;
    let spent = Account::of(&running, &admin, postgres.pid()).await?.since(&before);
    let arrived = receiver.count().await? - known;
    let rate = deliveries as f64 / settled.as_secs_f64();
    let each = |total: f64| total / deliveries as f64;
    let figure =
        |name: &str, value: f64| Figure::new(PART, &format!("{nodes} nodes, {webhooks} webhooks: {name}"), value);
    let mut of_ceiling = figure("of the ceiling", rate / ceiling);
    let mut statements = figure("statements a delivery", each(spent.statements));
    // More nodes share the same cores, so the budget is for one node.
    if nodes == 1 {
        of_ceiling = of_ceiling.at_least(if webhooks == 1 { 0.15 } else { 0.4 });
        statements = statements.at_most(0.1);
    }
    Ok(vec![
        figure("deliveries/s", rate),
        of_ceiling,
        figure("CPU us a delivery, nodes", each(spent.nodes.as_secs_f64() * 1e6)),
        figure("CPU us a delivery, PostgreSQL", each(spent.server.as_secs_f64() * 1e6)),
        statements,
        figure("sent twice", (arrived - deliveries) as f64),
    ])
}

/// Runs a driver for each node, side by side. Returns the time at which they started.
fn drive(nodes: &[Server], desk: &Desk, labels: usize) -> anyhow::Result<Instant> {
    let started = Instant::now();
    let tasks = nodes.iter().map(|node| driver::Task {
        endpoint: node.endpoint(),
        key: node.key(),
        row: desk.row.clone(),
        project: desk.project.clone(),
        labels: labels / nodes.len(),
        callers: (CALLERS / nodes.len()).min(labels),
        label_bytes: LABEL_BYTES,
        pace: None,
    });
    let tasks: Vec<driver::Task> = tasks.collect();
    std::thread::scope(|scope| {
        let drivers: Vec<_> = tasks.iter().map(|task| scope.spawn(|| driver::drive(task))).collect();
        for driver in drivers {
            driver.join().expect("a driver's thread does not panic")?;
        }
        Ok(started)
    })
}

/// The CPU times and the number of statements so far.
struct Account {
    nodes: Duration,
    server: Duration,
    statements: f64,
}

impl Account {
    async fn of(nodes: &[Server], admin: &DatabaseConnection, server: u32) -> anyhow::Result<Self> {
        let mut spent = Duration::ZERO;
        for node in nodes {
            spent += cpu::of(node.pid())?;
        }
        // All statements of the nodes, and those of the bench itself.
        let asked = "SELECT coalesce(sum(calls), 0)::float8 AS calls FROM pg_stat_statements s \
            JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = 'bench'";
        let row = admin
            .query_one_raw(Statement::from_string(DbBackend::Postgres, asked))
            .await?;
        Ok(Self {
            nodes: spent,
            server: family(server)?,
            statements: row.context("a sum is one row")?.try_get("", "calls")?,
        })
    }

    fn since(self, before: &Self) -> Self {
        Self {
            nodes: self.nodes - before.nodes,
            server: self.server.saturating_sub(before.server),
            statements: self.statements - before.statements,
        }
    }
}

/// Returns the CPU time of a process and its live children: PostgreSQL has one for each connection.
fn family(parent: u32) -> anyhow::Result<Duration> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    Ok(children.chain([parent]).filter_map(|pid| cpu::of(pid).ok()).sum())
}
