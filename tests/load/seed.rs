//! Long logs: SQLite files with many notifications, made once and kept in `target/bench`, with the schema's version in
//! their names.
//!
//! The release binary makes the file and its setup: an organization, projects, webhooks, one label. The log itself is
//! written by SQL: ten notifications per event, over thirty days, with ids and numbers as the product makes them. A run
//! leaves rows behind; [`Log::restore`] removes them, so that the next run finds the same file.

use crate::{
    server::{Server, text},
    wire,
    writer::{FAN, Fate, PROJECTS, Writer},
};
use anyhow::{Context, bail};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The number of events that are written at once.
const CHUNK: u64 = 20_000;
/// The URL of the log's webhooks. Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:9/hook";
const SPAN: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The time between the newest notification and the moment of seeding.
const REST: Duration = Duration::from_secs(3_600);

/// A file with a long log.
pub struct Log {
    path: PathBuf,
    pub notifications: u64,
}

impl Log {
    /// Returns the log with this many notifications. Writes the file if it does not exist.
    pub async fn of(notifications: u64) -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("log-{}-{notifications}.db", migrations()?));
        let log = Self { path, notifications };
        if log.path.exists() && log.end().await? > 0 {
            log.restore().await?;
            return Ok(log);
        }
        log.make().await?;
        Ok(log)
    }

    pub fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.path.display())
    }

    /// Returns the time at which the log ends, in seconds since 1970; 0 while it is being written.
    async fn end(&self) -> anyhow::Result<i64> {
        let db = self.open().await?;
        number(&db, "SELECT user_version FROM pragma_user_version").await
    }

    pub async fn open(&self) -> anyhow::Result<DatabaseConnection> {
        let mut options = ConnectOptions::new(self.url());
        options.max_connections(1).sqlx_logging(false);
        Ok(Database::connect(options).await?)
    }

    /// Removes the rows that were added since the log was made.
    pub async fn restore(&self) -> anyhow::Result<()> {
        let db = self.open().await?;
        let end = number(&db, "SELECT user_version FROM pragma_user_version").await?;
        let mark = format!("x'{:012x}{}'", end * 1_000, "0".repeat(20));
        for (table, column) in [
            ("attempt", "notification_id"),
            ("notification", "id"),
            ("payload", "id"),
            ("event", "id"),
            ("label", "id"),
            ("webhook", "id"),
            ("project", "id"),
            ("dataset", "id"),
            ("data_row", "id"),
        ] {
            run(&db, &format!("DELETE FROM {table} WHERE {column} > {mark}")).await?;
        }
        run(&db, "DELETE FROM webhook_health").await?;
        run(&db, &format!("UPDATE webhook SET url = '{NOBODY}'")).await?;
        run(&db, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
        Ok(db.close().await?)
    }

    async fn make(&self) -> anyhow::Result<()> {
        for ending in ["", "-wal", "-shm", "-journal"] {
            fs::remove_file(format!("{}{ending}", self.path.display())).ok();
        }
        set_up(&self.url()).await?;
        let db = self.open().await?;
        run(
            &db,
            "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
        )
        .await?;
        run(
            &db,
            "PRAGMA cache_size = -2000000; PRAGMA temp_store = MEMORY; PRAGMA locking_mode = EXCLUSIVE",
        )
        .await?;
        let started = Instant::now();
        let events = self.notifications / FAN;
        let now = Duration::from_micros(wire::micros().unsigned_abs());
        let first = i64::try_from((now - REST - SPAN).as_micros())?;
        let writer = Writer::new(&db, first, i64::try_from(SPAN.as_micros())? / i64::try_from(events)?).await?;
        for from in (0..events).step_by(usize::try_from(CHUNK)?) {
            writer.write(from, events.min(from + CHUNK), Fate::Mixed).await?;
            let done = events.min(from + CHUNK) * FAN;
            eprint!("\rseeding {done} of {} notifications", self.notifications);
        }
        run(&db, "UPDATE organization SET retention_days = 3650").await?;
        // The setup is older than this time, and the rows that a run adds are younger.
        run(&db, &format!("PRAGMA user_version = {}", now.as_secs() + 1)).await?;
        run(&db, "PRAGMA journal_mode = WAL").await?;
        db.close().await?;
        eprintln!(" took {:?}, which no figure counts", started.elapsed());
        // Ids tell the rows of a run apart by the second.
        tokio::time::sleep_until((Instant::now() + Duration::from_secs(4)).into()).await;
        Ok(())
    }
}

/// Creates the projects and webhooks, and one label, as people would. Nothing listens at the webhooks' URL.
async fn set_up(url: &str) -> anyhow::Result<()> {
    let server = Server::node(url).await?;
    let mut last = Value::Null;
    for number in 0..PROJECTS {
        let project = "mutation($name: String!) {createProject(data: {name: $name}) {id}}";
        let made = server
            .query(project, json!({ "name": format!("project {number}") }))
            .await?;
        last = made["createProject"]["id"].clone();
        for _ in 0..FAN {
            let webhook = "mutation($project: ID!, $url: String!) {createWebhook(data: {project: {id: $project}, url: $url, \
                 secret: \"bench\", topics: {set: [LABEL_CREATED]}, maxInFlight: 64}) {id}}";
            server.query(webhook, json!({ "project": last, "url": NOBODY })).await?;
        }
    }
    let row = "mutation {createDataset(data: {name: \"log\"}) {id}}";
    let dataset = text(&server.query(row, json!({})).await?["createDataset"]["id"])?;
    let row = "mutation($dataset: ID!) {createDataRow(data: {rowData: \"https://example.com/1.jpg\", \
         externalId: \"1.jpg\", dataset: {connect: {id: $dataset}}}) {id}}";
    let row = text(&server.query(row, json!({ "dataset": dataset })).await?["createDataRow"]["id"])?;
    let label = "mutation($row: ID!, $project: ID!) {createLabel(data: {type: {connect: {name: \"Any\"}}, \
         dataRow: {connect: {id: $row}}, label: \"{}\", secondsToLabel: 1.5, project: {connect: {id: $project}}}) {id}}";
    server.query(label, json!({ "row": row, "project": last })).await?;
    Ok(())
}

/// Returns the version of the schema: the number of migrations.
fn migrations() -> anyhow::Result<usize> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migration/src");
    let files = fs::read_dir(folder)?.flatten();
    Ok(files
        .filter(|file| file.file_name().to_string_lossy().starts_with("m20"))
        .count())
}

pub async fn run(db: &DatabaseConnection, sql: &str) -> anyhow::Result<()> {
    db.execute_unprepared(sql).await.with_context(|| sql.to_owned())?;
    Ok(())
}

pub async fn number(db: &DatabaseConnection, sql: &str) -> anyhow::Result<i64> {
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?;
    Ok(row.context("no row")?.try_get_by_index(0)?)
}

pub async fn word(db: &DatabaseConnection, sql: &str) -> anyhow::Result<String> {
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await?;
    match row {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => bail!("no row: {sql}"),
    }
}
