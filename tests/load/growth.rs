//! `growth`: the same deliveries and the same pages over logs of 10 thousand, 1 million and 10 million notifications.
//! The smallest is measured first in each round; budgets are ratios to it.

use crate::{
    LABEL_BYTES, Size, cpu, driver,
    figures::{Figure, percentile},
    receiver,
    seed::Log,
    server::Server,
    wire,
};
use entity::Timestamp;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PART: &str = "growth";
const SIZES: [(u64, &str); 3] = [
    (10_000, "10 thousand"),
    (1_000_000, "1 million"),
    (10_000_000, "10 million"),
];
/// The time for which a page is queried repeatedly, and the most queries within it.
const EACH: Duration = Duration::from_secs(1);
const TIMES: usize = 200;
const PAGE: &str = "query($where: NotificationWhereInput) {notifications(where: $where, first: 50) {\
    nodes {id status attemptCount createdAt updatedAt responseCode logLine webhook {id url} event {id topic}} \
    pageInfo {hasNextPage endCursor}}}";

pub async fn growth(size: Size) -> anyhow::Result<Vec<Figure>> {
    let mut figures: Vec<Figure> = Vec::new();
    for (notifications, name) in &SIZES[..size.of(SIZES.len(), 1)] {
        let log = Log::of(*notifications).await?;
        let figures_here = measure(&log, size).await?;
        log.restore().await?;
        for (what, value) in figures_here {
            let figure = Figure::new(PART, &format!("{name}: {what}"), value);
            let smallest = figures
                .iter()
                .find(|figure| figure.name == format!("{}: {what}", SIZES[0].1));
            figures.push(match (smallest.map(|figure| figure.value), &*what) {
                (None, _) => figure,
                (Some(first), "deliveries/s") => figure.at_least(first * 0.9),
                (Some(first), _) if what.ends_with("p99 ms") => figure.at_most(first * 2.0),
                (Some(_), _) => figure,
            });
        }
    }
    Ok(figures)
}

async fn measure(log: &Log, size: Size) -> anyhow::Result<Vec<(String, f64)>> {
    let server = Server::node(&log.url()).await?;
    let mut figures = deliver(&server, size.of(8_000, 300)).await?;
    for (name, filter) in filters(&server, log.notifications).await? {
        let mut times = Vec::new();
        let until = Instant::now() + EACH;
        while times.len() < 3 || (Instant::now() < until && times.len() < TIMES) {
            let begun = Instant::now();
            server.query(PAGE, json!({ "where": filter })).await?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        figures.push((format!("page, {name}, p50 ms"), percentile(&times, 0.5)));
        figures.push((format!("page, {name}, p99 ms"), percentile(&times, 0.99)));
    }
    figures.push(("peak resident MB".into(), cpu::peak_mb(server.pid())?));
    Ok(figures)
}

/// Measures `deliver_1` over this log.
async fn deliver(server: &Server, labels: usize) -> anyhow::Result<Vec<(String, f64)>> {
    let receiver = receiver::Process::start().await?;
    let desk = server.set_up(&receiver.url(), 1, "").await?;
    let before = cpu::of(server.pid())?;
    let driven = driver::drive(&driver::Task {
        endpoint: server.endpoint(),
        key: server.key(),
        row: desk.row,
        project: desk.project,
        labels,
        callers: 128,
        label_bytes: LABEL_BYTES,
        pace: None,
    })?;
    let settled = receiver.settled(driven.started, labels).await?;
    let spent = cpu::of(server.pid())? - before;
    Ok(vec![
        ("deliveries/s".into(), labels as f64 / settled.as_secs_f64()),
        ("CPU us a delivery".into(), spent.as_secs_f64() * 1e6 / labels as f64),
    ])
}

/// Returns every filter of the log, and the combinations that people use.
async fn filters(server: &Server, notifications: u64) -> anyhow::Result<Vec<(&'static str, Value)>> {
    let found = "{webhooks(first: 100) {id} projects(first: 20) {id} events(first: 1) {nodes {id}}}";
    let found = server.query(found, json!({})).await?;
    let webhook = |place: usize| found["webhooks"][place]["id"].clone();
    let webhooks: Vec<Value> = (0..10).map(|number| webhook(number * 10)).collect();
    let project = |place: usize| found["projects"][place]["id"].clone();
    let page = "{notifications(first: 1) {nodes {id}}}";
    let id = server.query(page, json!({})).await?["notifications"]["nodes"][0]["id"].clone();
    let middle = ago(15 * 24 * 3_600)?;
    let external = format!("image-{}.jpg", notifications / 25);
    Ok(vec![
        ("no filter", json!({})),
        ("ids", json!({ "ids": [id] })),
        ("a webhook", json!({ "webhookIds": [webhook(0)] })),
        ("ten webhooks", json!({ "webhookIds": webhooks })),
        ("a project", json!({ "projectIds": [project(0)] })),
        (
            "three projects",
            json!({ "projectIds": [project(0), project(1), project(2)] }),
        ),
        ("an event", json!({ "eventIds": [found["events"]["nodes"][0]["id"]] })),
        ("a stage", json!({ "stageIds": [id] })),
        ("a task", json!({ "taskIds": [id] })),
        ("an external id", json!({ "externalId": external })),
        ("a usual topic", json!({ "topics": ["LABEL_CREATED"] })),
        ("a rare topic", json!({ "topics": ["LABEL_DELETED"] })),
        ("a topic without events", json!({ "topics": ["REVIEW_DELETED"] })),
        ("SUCCEEDED", json!({ "statuses": ["SUCCEEDED"] })),
        ("FAILED", json!({ "statuses": ["FAILED"] })),
        ("CANCELED", json!({ "statuses": ["CANCELED"] })),
        ("not over", json!({ "statuses": ["PENDING", "SENDING", "RETRYING"] })),
        ("200", json!({ "responseCodes": [200] })),
        ("404", json!({ "responseCodes": [404] })),
        ("a rare answer", json!({ "responseCodes": [418] })),
        ("an answer nobody gave", json!({ "responseCodes": [204] })),
        ("since two hours", json!({ "createdAt_gte": ago(7_200)? })),
        ("before the middle", json!({ "createdAt_lt": middle })),
        (
            "an hour in the middle",
            json!({ "createdAt_gte": middle, "createdAt_lt": ago(15 * 24 * 3_600 - 3_600)? }),
        ),
        (
            "FAILED of a webhook",
            json!({ "webhookIds": [webhook(0)], "statuses": ["FAILED"] }),
        ),
        (
            "404 of a project",
            json!({ "projectIds": [project(0)], "responseCodes": [404] }),
        ),
        (
            "a rare topic of ten webhooks",
            json!({ "webhookIds": webhooks, "topics": ["LABEL_DELETED"] }),
        ),
        (
            "a webhook before the middle",
            json!({ "webhookIds": [webhook(0)], "createdAt_lt": middle }),
        ),
        (
            "nothing, of all that is usual",
            json!({ "statuses": ["SUCCEEDED"], "topics": ["LABEL_CREATED", "WORKFLOW_ACTION"],
            "responseCodes": [200, 204], "webhookIds": [id] }),
        ),
    ])
}

fn ago(seconds: i64) -> anyhow::Result<String> {
    Ok(Timestamp(wire::micros() - seconds * 1_000_000).millis())
}
