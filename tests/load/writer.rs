//! Writes events and their notifications into a SQLite file by SQL, with ids and numbers as the product makes them.

use crate::{
    seed::{run, word},
    wire,
};
use sea_orm::DatabaseConnection;

pub const PROJECTS: u64 = 20;
/// The webhooks of a project, each of which subscribes to all of its events.
pub const FAN: u64 = 10;
/// Microseconds between two events of a dense log: as many as the sequence numbers that each event needs.
const DENSE: i64 = 25;

/// The state of the notifications that are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Most succeeded, as in the log of a healthy installation.
    Mixed,
    /// All are due and wait to be claimed.
    Due,
}

/// Writes events and their notifications.
pub struct Writer<'d> {
    db: &'d DatabaseConnection,
    organization: String,
    first: i64,
    step: i64,
}

impl<'d> Writer<'d> {
    /// Returns a writer whose event `n` happened `n` steps after `first`. Both are in microseconds.
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

    /// Returns a writer for this many events, the last of which happened just now.
    pub async fn until_now(db: &'d DatabaseConnection, events: u64) -> anyhow::Result<Self> {
        let now = wire::micros();
        Self::new(db, now - i64::try_from(events)? * DENSE, DENSE).await
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

    /// Writes the attempts and tallies of the notifications that [`Writer::write`] wrote.
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

/// The statements that create temporary tables: the webhooks by project and place, the data of an event, and the events
/// that are being written.
const SEATS: &str = "CREATE TEMP TABLE seat AS SELECT dense_rank() OVER (ORDER BY project_id) - 1 AS project, \
     row_number() OVER (PARTITION BY project_id ORDER BY id) - 1 AS place, id AS webhook_id, project_id FROM webhook; \
     CREATE INDEX temp.seat_project ON seat (project, place); \
     CREATE TEMP TABLE sample AS SELECT data FROM event LIMIT 1; \
     CREATE TEMP TABLE happened (n INTEGER PRIMARY KEY, at INTEGER, topic INTEGER, event_id BLOB, payload_id BLOB)";

/// Returns an SQL expression for a UUID v7 of the time `at`. `number` distinguishes the ids of a kind.
fn id(kind: &str, number: &str) -> String {
    format!("unhex(printf('%012x7{kind}008%015x', at / 1000, {number}))")
}
