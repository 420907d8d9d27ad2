//! Workflows under load: ten thousand tasks that enter a webhook stage at once, with and without a dead receiver in
//! another project, and the cost of moving a task in a small and in a large project.

use crate::{
    Size, cpu,
    figures::Figure,
    receiver,
    server::{Server, text},
};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// The tasks that enter the stage at once, in full and in short form.
const TASKS: usize = 10_000;
const FEW_TASKS: usize = 1_000;
/// The tasks that wait for the dead receiver meanwhile.
const STUCK: usize = 1_000;
/// The data rows of one mutation.
const AT_ONCE: usize = 1_000;
/// The tasks that are submitted one after the other, in full and in short form.
const MOVES: usize = 500;
const FEW_MOVES: usize = 50;
/// The sizes of the projects in which a move is measured, in full and in short form.
const SIZES: [usize; 2] = [1_000, 100_000];
const SMALL: [usize; 2] = [1_000, 2_000];
/// The submits whose statements are counted.
const COUNTED: usize = 20;
const SUBMIT: &str = "mutation($id: ID!) {submitTask(where: {id: $id}, data: {label: \"{}\"}) {id}}";
const LIMIT: Duration = Duration::from_secs(110);

/// `drain`: the time that the stage takes for all tasks, and the slowdown beside a dead receiver.
pub async fn drain(size: Size) -> anyhow::Result<Vec<Figure>> {
    let tasks = size.of(TASKS, FEW_TASKS);
    let calm = drained(tasks, None).await?;
    let dead = TcpListener::bind("127.0.0.1:0").await?;
    let beside = drained(tasks, Some(format!("http://{}/hook", dead.local_addr()?))).await?;
    let rate = |time: Duration| tasks as f64 / time.as_secs_f64();
    Ok(vec![
        Figure::new("drain", "tasks/s alone", rate(calm.0)),
        Figure::new("drain", "tasks/s beside a dead receiver", rate(beside.0)),
        Figure::new("drain", "of the rate alone", rate(beside.0) / rate(calm.0)),
        Figure::new("drain", "CPU us a task, alone", calm.1),
    ])
}

/// `move`: CPU time of a submit, by the size of the project.
pub async fn moves(size: Size) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let (sizes, moves) = match size {
        Size::Full => (SIZES, MOVES),
        Size::Short => (SMALL, FEW_MOVES),
    };
    for size in sizes {
        figures.push(Figure::new(
            "move",
            &format!("statements a submit among {size} tasks"),
            statements(size).await?,
        ));
        let server = Server::start().await?;
        let flow = Flow::draw(&server, &label_only()).await?;
        flow.fill(size).await?;
        let ids = flow.some(moves).await?;
        let (before, started) = (cpu::of(server.pid())?, Instant::now());
        for id in &ids {
            server.query(SUBMIT, json!({ "id": id })).await?;
        }
        let cpu = cpu::of(server.pid())? - before;
        let (moved, each) = (ids.len() as f64, |time: Duration| time.as_secs_f64() * 1e6);
        let name = format!("us a submit among {size} tasks");
        figures.push(Figure::new("move", &format!("CPU {name}"), each(cpu) / moved));
        figures.push(Figure::new(
            "move",
            &format!("wall {name}"),
            each(started.elapsed()) / moved,
        ));
    }
    Ok(figures)
}

/// Returns the statements per submit, counted in the server's own log. The first submits fill caches and are not
/// counted.
async fn statements(size: usize) -> anyhow::Result<f64> {
    let (server, log) = Server::telling_statements().await?;
    let flow = Flow::draw(&server, &label_only()).await?;
    flow.fill(size).await?;
    let ids = flow.some(2 * COUNTED).await?;
    let count = || anyhow::Ok(std::fs::read_to_string(log.path())?.matches("sqlx::query").count());
    let mut before = 0;
    for (place, id) in ids.iter().take(2 * COUNTED).enumerate() {
        if place == COUNTED {
            before = count()?;
        }
        server.query(SUBMIT, json!({ "id": id })).await?;
    }
    Ok((count()? - before) as f64 / COUNTED as f64)
}

/// Returns the time that all tasks took to pass the stage, and the CPU time per task in microseconds.
async fn drained(tasks: usize, dead: Option<String>) -> anyhow::Result<(Duration, f64)> {
    let receiver = receiver::Process::start().await?;
    let server = Server::start().await?;
    if let Some(url) = &dead {
        let stuck = Flow::draw(&server, &held_then_sent(url, 1_000)).await?;
        stuck.fill(STUCK).await?;
        stuck.forward().await?;
    }
    let flow = Flow::draw(&server, &held_then_sent(&receiver.url(), 15_000)).await?;
    flow.fill(tasks).await?;
    let (before, started) = (cpu::of(server.pid())?, Instant::now());
    flow.forward().await?;
    flow.until_done().await?;
    let (elapsed, cpu) = (started.elapsed(), cpu::of(server.pid())? - before);
    Ok((elapsed, cpu.as_secs_f64() * 1e6 / tasks as f64))
}

fn label_only() -> Value {
    json!([
        {"name": "Start", "type": "START", "edges": [{"output": "NEXT", "to": "Label"}]},
        {"name": "Label", "type": "LABEL", "edges": [{"output": "NEXT", "to": "Done"}]},
        {"name": "Done", "type": "COMPLETE"}
    ])
}

fn held_then_sent(url: &str, timeout_ms: i32) -> Value {
    json!([
        {"name": "Start", "type": "START", "edges": [{"output": "NEXT", "to": "Hold"}]},
        {"name": "Hold", "type": "HOLD", "edges": [{"output": "NEXT", "to": "Hook"}]},
        {"name": "Hook", "type": "WEBHOOK", "edges": [{"output": "SUCCEEDED", "to": "Done"}],
         "webhook": {"url": url, "authType": "NONE", "maxInFlight": 64, "timeoutMs": timeout_ms}},
        {"name": "Done", "type": "COMPLETE"}
    ])
}

/// A project with a workflow and a dataset.
struct Flow<'s> {
    server: &'s Server,
    project: String,
    dataset: String,
}

impl<'s> Flow<'s> {
    async fn draw(server: &'s Server, stages: &Value) -> anyhow::Result<Self> {
        let made = server
            .query("mutation {createProject(data: {name: \"bench\"}) {id}}", json!({}))
            .await?;
        let project = text(&made["createProject"]["id"])?;
        let dataset = "mutation($project: ID!) {createDataset(data: {name: \"bench\", \
            projects: {connect: {id: $project}}}) {id}}";
        let made = server.query(dataset, json!({ "project": project })).await?;
        let save = "mutation($project: ID!, $stages: [StageInput!]!) \
            {saveWorkflow(where: {id: $project}, data: {stages: $stages}) {version}}";
        server
            .query(save, json!({ "project": project, "stages": stages }))
            .await?;
        Ok(Self {
            server,
            dataset: text(&made["createDataset"]["id"])?,
            project,
        })
    }

    async fn fill(&self, count: usize) -> anyhow::Result<()> {
        let create = "mutation($dataset: ID!, $rows: [DataRowInput!]!) \
            {createDataRows(data: {dataset: {connect: {id: $dataset}}, dataRows: $rows}) {id}}";
        let row = json!({"rowData": "https://example.com/1.jpg", "externalId": "1.jpg"});
        for _ in 0..count / AT_ONCE {
            let rows = vec![row.clone(); AT_ONCE];
            self.server
                .query(create, json!({ "dataset": self.dataset, "rows": rows }))
                .await?;
        }
        Ok(())
    }

    /// Returns the ids of at least this many tasks. Fails if there are fewer.
    async fn some(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let list = "query($project: ID!, $after: String) {tasks(where: {projectIds: [$project]}, first: 100, \
            after: $after) {nodes {id} pageInfo {endCursor}}}";
        let (mut ids, mut after) = (Vec::new(), Value::Null);
        while ids.len() < count {
            let page = self
                .server
                .query(list, json!({ "project": self.project, "after": after }))
                .await?;
            after = page["tasks"]["pageInfo"]["endCursor"].clone();
            let nodes = page["tasks"]["nodes"].as_array().context("no tasks")?.clone();
            for node in &nodes {
                ids.push(text(&node["id"])?);
            }
            if nodes.is_empty() {
                bail!("there are only {} tasks", ids.len());
            }
        }
        Ok(ids)
    }

    async fn forward(&self) -> anyhow::Result<()> {
        let forward = "mutation($project: ID!) {forwardTasks(where: {projectIds: [$project]}) {count}}";
        self.server.query(forward, json!({ "project": self.project })).await?;
        Ok(())
    }

    async fn until_done(&self) -> anyhow::Result<()> {
        let open = "query($project: ID!) {tasks(where: {projectIds: [$project], statuses: [WAITING, HELD]}, first: 1) \
            {nodes {id}}}";
        let started = Instant::now();
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while started.elapsed() < LIMIT {
            pause.tick().await;
            let found = self.server.query(open, json!({ "project": self.project })).await?;
            if found["tasks"]["nodes"].as_array().is_some_and(Vec::is_empty) {
                return Ok(());
            }
        }
        bail!("not every task passed its webhook stage within {LIMIT:?}")
    }
}
