//! The release binary over a database of its own.

use crate::receiver::Process;
use anyhow::{Context, anyhow, bail};
use harness::Client;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};
use tempfile::{NamedTempFile, TempDir};

pub const KEY: &str = "lh_bench_0123456789abcdef0123456789abcdef";
/// A master key of 32 bytes in base64, which protects nothing of value.
const MASTER_KEY: &str = "YmVuY2hiZW5jaGJlbmNoYmVuY2hiZW5jaGJlbmNoYmU=";
/// The time limit of a part.
const LIMIT: Duration = Duration::from_secs(120);

pub struct Server {
    child: Child,
    client: Client,
    _folder: TempDir,
}

/// The project and the data row for which labels are submitted.
pub struct Desk {
    pub project: String,
    pub row: String,
}

impl Server {
    pub async fn start() -> anyhow::Result<Self> {
        Self::with("warn", Stdio::inherit()).await
    }

    /// Starts a server that logs every statement. Returns it with its log file.
    pub async fn telling_statements() -> anyhow::Result<(Self, NamedTempFile)> {
        let log = NamedTempFile::new()?;
        let server = Self::with("warn,sqlx::query=debug", log.reopen()?.into()).await?;
        Ok((server, log))
    }

    /// Starts a server over this database, which it may share with other nodes.
    pub async fn node(database: &str) -> anyhow::Result<Self> {
        Self::over(tempfile::tempdir()?, database, "warn", Stdio::inherit()).await
    }

    async fn with(log: &str, to: Stdio) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let database = format!("sqlite://{}?mode=rwc", folder.path().join("bench.db").display());
        Self::over(folder, &database, log, to).await
    }

    async fn over(folder: TempDir, database: &str, log: &str, to: Stdio) -> anyhow::Result<Self> {
        let mut child = Command::new(binary())
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--egress-allow",
                "127.0.0.0/8",
                "--rate-limit",
                "0",
            ])
            .args(["--database-url", database, "--bootstrap-key", KEY, "--log", log])
            .args(["--master-key", MASTER_KEY])
            .stderr(to)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .context("no address")?;
        let client = Client::new(url.trim_end_matches("/graphql"), Some(KEY));
        Ok(Self {
            child,
            client,
            _folder: folder,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the data of an answer. Fails if it has errors.
    pub async fn query(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let answer = self.client.try_answer(document, variables).await?;
        match answer.body["errors"].is_null() {
            true => Ok(answer.body["data"].clone()),
            false => bail!("refused: {}", answer.body["errors"]),
        }
    }

    pub fn endpoint(&self) -> String {
        self.client.endpoint().to_owned()
    }

    pub fn key(&self) -> String {
        KEY.to_owned()
    }

    pub async fn set_up(&self, url: &str, webhooks: usize, input: &str) -> anyhow::Result<Desk> {
        let made = "mutation {createProject(data: {name: \"bench\"}) {id} createDataset(data: {name: \"bench\"}) {id}}";
        let made = self.client.query(made, json!({})).await;
        let (project, dataset) = (text(&made["createProject"]["id"])?, text(&made["createDataset"]["id"])?);
        let row = "mutation($dataset: ID!) {createDataRow(data: {rowData: \"https://example.com/1.jpg\", \
            externalId: \"1.jpg\", dataset: {connect: {id: $dataset}}}) {id}}";
        let row = self.client.query(row, json!({ "dataset": dataset })).await;
        for number in 0..webhooks {
            let webhook = format!(
                "mutation($project: ID!, $url: String!) {{createWebhook(data: {{project: {{id: $project}}, \
                url: $url, secret: \"bench\", topics: {{set: [LABEL_CREATED]}}, maxInFlight: 64 {input}}}) {{id}}}}"
            );
            self.client
                .query(
                    &webhook,
                    json!({ "project": project, "url": format!("{url}/{number}") }),
                )
                .await;
        }
        Ok(Desk {
            project,
            row: text(&row["createDataRow"]["id"])?,
        })
    }

    /// Waits until this many requests have arrived and no notification is open. Returns the time since `started`. The
    /// server is queried only when all requests have arrived.
    pub async fn settled_with(&self, receiver: &Process, count: usize, started: Instant) -> anyhow::Result<Duration> {
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        while receiver.count().await? < count {
            if started.elapsed() > LIMIT {
                bail!("not everything was delivered within {LIMIT:?}");
            }
            pause.tick().await;
        }
        self.settled(started).await
    }

    /// Waits until no notification is open. Returns the time since `started`.
    pub async fn settled(&self, started: Instant) -> anyhow::Result<Duration> {
        let open = "{notifications(where: {statuses: [PENDING, SENDING, RETRYING]}, first: 1) {nodes {id}}}";
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        loop {
            pause.tick().await;
            let found = self.client.query(open, json!({})).await;
            if found["notifications"]["nodes"].as_array().is_some_and(Vec::is_empty) {
                return Ok(started.elapsed());
            }
            if started.elapsed() > LIMIT {
                bail!("not everything was delivered within {LIMIT:?}");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

static BINARY: OnceLock<PathBuf> = OnceLock::new();

/// Returns the path of the measured binary: the release build, unless another one was named.
pub fn binary() -> PathBuf {
    let named = BINARY.get().cloned();
    named.unwrap_or_else(|| root().join("target/release/labelhook"))
}

/// Sets the measured binary to one that is already built: another version, or another profile.
pub fn measure(binary: &str) -> anyhow::Result<()> {
    let binary = fs::canonicalize(binary).with_context(|| format!("the binary {binary}"))?;
    BINARY.set(binary).map_err(|_| anyhow!("two binaries were named"))
}

/// Builds the release binary, unless another one was named.
pub fn build() -> anyhow::Result<()> {
    if BINARY.get().is_some() {
        return Ok(());
    }
    let build = [
        "build",
        "--release",
        "--quiet",
        "-p",
        "labelhook-api",
        "--bin",
        "labelhook",
    ];
    let built = harness::cargo().args(build).current_dir(root()).status()?;
    if !built.success() {
        bail!("the binary could not be built");
    }
    Ok(())
}

pub fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).context("an id was expected")
}
