//! Labels are submitted and delivered as fast as possible: `deliver_1`, `deliver_10` and their variants. The rate is
//! compared with the ceiling of the same round.

use crate::{LABEL_BYTES, Size, cpu, driver, figures::Figure, receiver, server::Server};
use std::time::Duration;

/// A load.
pub struct Load {
    pub part: &'static str,
    /// The number of matching webhooks.
    pub webhooks: usize,
    /// Further inputs of each webhook, in GraphQL.
    pub input: &'static str,
    /// The number of labels that are submitted.
    pub labels: usize,
    /// The number of concurrent requests.
    pub callers: usize,
    /// The least share of the ceiling, and the most CPU time of a delivery in microseconds.
    pub budget: Option<(f64, f64)>,
}

pub const ONE: Load = Load {
    part: "deliver_1",
    webhooks: 1,
    input: "",
    labels: 20_000,
    callers: 128,
    budget: Some((0.2, 150.0)),
};

pub const TEN: Load = Load {
    part: "deliver_10",
    webhooks: 10,
    input: "",
    labels: 6_000,
    callers: 32,
    budget: Some((0.45, 60.0)),
};

pub const FILTER: Load = Load {
    part: "deliver_filter",
    input: r#"filter: "event.project.name == 'bench' && event.data.label.secondsToLabel > 1.0""#,
    budget: None,
    ..ONE
};

pub const QUERY: Load = Load {
    part: "deliver_query",
    input: r#"payloadQuery: "{ id topic createdAt project { id name } dataRow { externalId } label { id label } }""#,
    budget: None,
    ..ONE
};

pub async fn deliver(load: &Load, size: Size) -> anyhow::Result<Vec<Figure>> {
    let labels = size.of(load.labels, 500);
    let deliveries = labels * load.webhooks;
    let receiver = receiver::Process::start().await?;
    let server = Server::start().await?;
    let desk = server.set_up(&receiver.url(), load.webhooks, load.input).await?;
    let task = |labels: usize, callers: usize| driver::Task {
        endpoint: server.endpoint(),
        key: server.key(),
        row: desk.row.clone(),
        project: desk.project.clone(),
        labels,
        callers,
        label_bytes: LABEL_BYTES,
        pace: None,
    };
    // One label alone, whose request the ceiling repeats.
    let first = driver::drive(&task(1, 1))?;
    server.settled_with(&receiver, load.webhooks, first.started).await?;
    let ceiling = driver::ceiling(&receiver, labels.max(deliveries).min(30_000)).await?;
    let known = receiver.count().await?;
    let (server_before, receiver_before) = (cpu::of(server.pid())?, receiver.cpu()?);
    let driven = driver::drive(&task(labels, load.callers))?;
    let settled = server
        .settled_with(&receiver, known + deliveries, driven.started)
        .await?;
    let server_cpu = cpu::of(server.pid())? - server_before;
    let receiver_cpu = receiver.cpu()? - receiver_before;
    let twice = receiver.count().await? - known - deliveries;
    let rate = deliveries as f64 / settled.as_secs_f64();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / deliveries as f64;
    let figure = |name: &str, value: f64| Figure::new(load.part, name, value);
    let mut of_ceiling = figure("of the ceiling", rate / ceiling.rate);
    let mut cpu = figure("CPU us a delivery", each(server_cpu));
    if let Some((least, most)) = load.budget {
        (of_ceiling, cpu) = (of_ceiling.at_least(least), cpu.at_most(most));
    }
    Ok(vec![
        figure("deliveries/s", rate),
        figure("ceiling: requests/s of the HTTP client alone", ceiling.rate),
        of_ceiling,
        cpu,
        figure("CPU us of the driver a request", driven.cpu_us),
        figure("CPU us of the receiver a delivery", each(receiver_cpu)),
        figure("CPU us of the receiver a request of the ceiling", ceiling.receiver_us),
        figure("answer ms p50", driven.p50_ms),
        figure("answer ms p99", driven.p99_ms),
        figure("sent twice", twice as f64),
        figure("peak resident MB", cpu::peak_mb(server.pid())?),
    ])
}
