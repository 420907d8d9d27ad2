//! Long logs: SQLite files with many notifications, made once and kept in `target/bench`, named for the schema's version.
//!
//! The release binary makes the file and what people set up in it: an organization, projects, webhooks, one label. The
//! log itself is written by SQL: ten notifications an event, over thirty days, ids and numbers as the product makes them.
//! A run leaves rows behind; [`Log::restore`] removes them, so that the next one finds the same file.

use crate::{
    server::{Server, text},
    wire,
};
use anyhow::{Context, bail};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub const PROJECTS: u64 = 20;
/// Webhooks of a project, each of which wants all of its events.
pub const FAN: u64 = 10;
/// Events that are written at once.
const CHUNK: u64 = 20_000;
const SPAN: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Between the newest notification and the moment of seeding.
const REST: Duration = Duration::from_secs(3_600);

/// A file with a long log.
pub struct Log {
    path: PathBuf,
    pub notifications: u64,
}

/// What becomes of notifications that are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Most succeeded, as in the log of a healthy installation.
    Mixed,
    /// All wait to be claimed.
    Due,
}

impl Log {
    /// The file with so many notifications, written now if it is not there.
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

    /// Seconds at which the log ends; 0 while it is being written.
    async fn end(&self) -> anyhow::Result<i64> {
        let db = self.open().await?;
        number(&db, "SELECT user_version FROM pragma_user_version").await
    }

    pub async fn open(&self) -> anyhow::Result<DatabaseConnection> {
        let mut options = ConnectOptions::new(self.url());
        options.max_connections(1).sqlx_logging(false);
        Ok(Database::connect(options).await?)
    }

    /// Removes what was added since it was made.
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
        ] {
            run(&db, &format!("DELETE FROM {table} WHERE {column} > {mark}")).await?;
        }
        run(&db, "DELETE FROM webhook_health").await?;
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
        // What people set up is older than the log, and what a run adds is younger.
        run(&db, &format!("PRAGMA user_version = {}", (now - REST / 2).as_secs())).await?;
        run(&db, "PRAGMA journal_mode = WAL").await?;
        db.close().await?;
        eprintln!(" took {:?}, which no figure counts", started.elapsed());
        Ok(())
    }
}

/// Writes events and their notifications.
pub struct Writer<'d> {
    db: &'d DatabaseConnection,
    organization: String,
    first: i64,
    step: i64,
}

impl<'d> Writer<'d> {
    /// One whose event `n` happened `n` steps after the first, in microseconds.
    pub async fn new(db: &'d DatabaseConnection, first: i64, step: i64) -> anyhow::Result<Self> {
        run(db, SEATS).await?;
        let organization = word(db, "SELECT hex(id) AS value FROM organization").await?;
        Ok(Self {
            db,
            organization: format!("x'{organization}'"),
            first,
            step,
        })
    }

    pub async fn write(&self, from: u64, to: u64, fate: Fate) -> anyhow::Result<()> {
        let (first, step, organization) = (self.first, self.step, &self.organization);
        let body =
            "CAST('{\"event\":\"' || hex(event_id) || '\",\"padding\":\"................................\"}' AS BLOB)";
        let statements = [
            "BEGIN; DELETE FROM happened".to_owned(),
            format!(
                "INSERT INTO happened WITH RECURSIVE e(n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM e WHERE n + 1 < {to}) \
                 SELECT n, at, CASE WHEN n % 10000 = 77 THEN 2 WHEN n % 10 < 6 THEN 0 WHEN n % 10 < 9 THEN 1 ELSE 3 END, \
                     {}, {} FROM (SELECT n, {first} + n * {step} AS at FROM e)",
                id("1", "n"),
                id("2", "n")
            ),
            format!(
                "INSERT INTO event (id, organization_id, sequence, topic, project_id, external_id, data, test, created_at) \
                 SELECT event_id, {organization}, at, topic, project_id, 'image-' || n || '.jpg', \
                     (SELECT data FROM sample), 0, at FROM happened JOIN seat ON project = n % {PROJECTS} AND place = 0"
            ),
            format!(
                "INSERT INTO payload (id, organization_id, event_id, format, content, body) \
                 SELECT payload_id, {organization}, event_id, 0, 0, {body} FROM happened"
            ),
            self.notifications(fate),
            "COMMIT".to_owned(),
        ];
        for statement in statements {
            run(self.db, &statement).await?;
        }
        match fate {
            Fate::Mixed => self.outcomes().await,
            Fate::Due => Ok(()),
        }
    }

    fn notifications(&self, fate: Fate) -> String {
        let id = id("3", &format!("(n * {FAN} + place)"));
        let (status, due) = match fate {
            Fate::Mixed => (
                "CASE WHEN dice = 4321 THEN 5 WHEN dice = 99999 THEN 4 WHEN dice < 200 THEN 2 WHEN dice < 2200 THEN 4 ELSE 3 END",
                "CASE WHEN dice < 200 THEN at + 315360000000000 END",
            ),
            Fate::Due => ("0", "at"),
        };
        let (count, code, error) = match fate {
            Fate::Mixed => (
                "dice <> 4321",
                "CASE WHEN dice = 4321 THEN NULL WHEN dice = 99999 THEN 418 WHEN dice < 200 THEN 503 WHEN dice < 1200 THEN 500 \
                     WHEN dice < 2000 THEN 404 WHEN dice < 2200 THEN NULL ELSE 200 END",
                "CASE WHEN dice BETWEEN 2000 AND 2199 THEN 1 END",
            ),
            Fate::Due => ("0", "NULL", "NULL"),
        };
        format!(
            "INSERT INTO notification (id, organization_id, webhook_id, event_id, payload_id, project_id, topic, external_id, \
                 status, attempt_count, throttled_count, due_at, response_code, error, sequence, created_at, updated_at) \
             SELECT {id}, {}, webhook_id, event_id, payload_id, project_id, topic, 'image-' || n || '.jpg', \
                 {status}, {count}, 0, {due}, {code}, {error}, at + 10 + place, at, at + 20000 \
             FROM (SELECT *, ((n * {FAN} + place) * 7919) % 100000 AS dice FROM happened \
                 JOIN seat ON project = n % {PROJECTS} ORDER BY n, place)",
            self.organization
        )
    }

    /// Attempts and tallies of what [`Writer::write`] wrote.
    async fn outcomes(&self) -> anyhow::Result<()> {
        let these = "FROM notification WHERE event_id IN (SELECT event_id FROM happened)";
        let attempts = format!(
            "INSERT INTO attempt (notification_id, number, organization_id, started_at, duration_ms, url, request_headers, \
                 response_status, response_headers, response_body, body_truncated, error) \
             SELECT id, 1, organization_id, created_at + 1000, 12, 'https://example.com/hook', \
                 '{{\"content-type\":\"application/json\"}}', response_code, \
                 CASE WHEN error IS NULL THEN '{{\"content-length\":\"2\"}}' END, CASE WHEN error IS NULL THEN x'4f4b' END, 0, error \
             {these} AND status <> 5"
        );
        let tally = |kind: i32, bin: i32, only: &str| {
            format!(
                "INSERT INTO tally (organization_id, webhook_id, hour, project_id, topic, kind, bin, count) \
                 SELECT organization_id, webhook_id, created_at / 3600000000, project_id, topic, {kind}, {bin}, count(*) \
                 {these} {only} GROUP BY 2, 3, 4, 5 ON CONFLICT DO UPDATE SET count = count + excluded.count"
            )
        };
        let begun = ["BEGIN".to_owned(), attempts];
        let tallies = [
            tally(0, -1, ""),
            tally(1, -1, "AND status = 5"),
            tally(3, 12, "AND status = 3"),
            tally(4, 12, "AND status = 4"),
            "COMMIT".to_owned(),
        ];
        for statement in begun.into_iter().chain(tallies) {
            run(self.db, &statement).await?;
        }
        Ok(())
    }
}

/// Webhooks by their project and place, and an event as the product makes it.
const SEATS: &str = "CREATE TEMP TABLE seat AS SELECT dense_rank() OVER (ORDER BY project_id) - 1 AS project, \
     row_number() OVER (PARTITION BY project_id ORDER BY id) - 1 AS place, id AS webhook_id, project_id FROM webhook; \
     CREATE INDEX temp.seat_project ON seat (project, place); \
     CREATE TEMP TABLE sample AS SELECT data FROM event LIMIT 1; \
     CREATE TEMP TABLE happened (n INTEGER PRIMARY KEY, at INTEGER, topic INTEGER, event_id BLOB, payload_id BLOB)";

/// UUID v7 of the time `at`; `number` tells those of a kind apart.
fn id(kind: &str, number: &str) -> String {
    format!("unhex(printf('%012x7{kind}008%015x', at / 1000, {number}))")
}

/// What people would have set up. Nobody is at the webhooks' addresses.
async fn set_up(url: &str) -> anyhow::Result<()> {
    let server = Server::node(url).await?;
    let mut last = Value::Null;
    for number in 0..PROJECTS {
        let project = "mutation($name: String!) {createProject(data: {name: $name}) {id}}";
        let made = server
            .query(project, json!({ "name": format!("project {number}") }))
            .await?;
        last = made["createProject"]["id"].clone();
        for place in 0..FAN {
            let webhook = "mutation($project: ID!, $url: String!) {createWebhook(data: {project: {id: $project}, url: $url, \
                 secret: \"bench\", topics: {set: [LABEL_CREATED]}, maxInFlight: 64}) {id}}";
            let url = format!("http://127.0.0.1:9/{place}");
            server.query(webhook, json!({ "project": last, "url": url })).await?;
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

/// The schema's version.
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
