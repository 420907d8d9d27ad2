//! The rows of a submitted label, written as simply as possible: the same tables and indexes, the same kind of single
//! SQLite writer (WAL, full syncs, `BEGIN IMMEDIATE`), prepared statements of many rows, and nothing else.

use entity::{
    DataRowId, EventId, LabelId, NotificationId, NotificationStatus, OrganizationId, PayloadContent, PayloadFormat,
    PayloadId, ProjectId, Timestamp, UserId, WebhookId, WebhookTopic,
};
use migration::MigratorTrait;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

/// The most rows of one statement.
const ROWS: usize = 128;

/// A submitted label.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    pub data_row: DataRowId,
    pub project: ProjectId,
    pub label: String,
    pub seconds_to_label: f64,
}

pub struct Store {
    conn: DatabaseConnection,
    organization_id: OrganizationId,
    user_id: UserId,
    webhook_id: WebhookId,
}

impl Store {
    pub async fn open(folder: &Path) -> anyhow::Result<Self> {
        let url = format!("sqlite://{}?mode=rwc", folder.join("rows.db").display());
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(1)
            .test_before_acquire(false)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|options| {
                options
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(false)
                    .statement_cache_capacity(256)
                    .pragma("wal_autocheckpoint", "4000")
                    .pragma("cache_size", "-32768")
            });
        let conn = Database::connect(options).await?;
        migration::Migrator::up(&conn, None).await?;
        Ok(Self {
            conn,
            organization_id: OrganizationId::new(),
            user_id: UserId::new(),
            webhook_id: WebhookId::new(),
        })
    }

    /// Writes a label and its event for each, in one transaction, which is on disk when this returns.
    pub async fn submit(&self, submitted: &[Submitted]) -> anyhow::Result<Vec<LabelId>> {
        let txn = self.begin().await?;
        let (ids, labels, events) = self.labels(submitted);
        insert(&txn, "label", LABEL, labels).await?;
        insert(&txn, "event", EVENT, events).await?;
        txn.commit().await?;
        Ok(ids)
    }

    /// Writes one label with its event, its payload and a notification in the same way.
    pub async fn submit_for_webhook(&self, submitted: &Submitted) -> anyhow::Result<()> {
        let txn = self.begin().await?;
        let (_, labels, events) = self.labels(std::slice::from_ref(submitted));
        let (event, payload) = (EventId::new(), PayloadId::new());
        insert(&txn, "label", LABEL, labels).await?;
        insert(&txn, "event", EVENT, events).await?;
        insert(&txn, "payload", PAYLOAD, vec![self.payload(event, payload, submitted)]).await?;
        insert(
            &txn,
            "notification",
            NOTIFICATION,
            vec![self.notification(event, payload, submitted)],
        )
        .await?;
        Ok(txn.commit().await?)
    }

    async fn begin(&self) -> anyhow::Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.conn.begin_with_options(options).await?)
    }

    fn labels(&self, submitted: &[Submitted]) -> (Vec<LabelId>, Vec<Vec<Value>>, Vec<Vec<Value>>) {
        let ids: Vec<LabelId> = submitted.iter().map(|_| LabelId::new()).collect();
        let labels = submitted.iter().zip(&ids).map(|(label, id)| self.label(*id, label));
        let labels = labels.collect();
        (ids, labels, submitted.iter().map(|label| self.event(label)).collect())
    }

    fn label(&self, id: LabelId, of: &Submitted) -> Vec<Value> {
        let now = now();
        vec![
            id.into(),
            self.organization_id.into(),
            of.project.into(),
            of.data_row.into(),
            self.user_id.into(),
            "Any".into(),
            of.label.clone().into(),
            of.seconds_to_label.into(),
            false.into(),
            false.into(),
            now.into(),
            now.into(),
        ]
    }

    fn event(&self, of: &Submitted) -> Vec<Value> {
        let around = "x".repeat(AROUND);
        vec![
            EventId::new().into(),
            self.organization_id.into(),
            1.into(),
            WebhookTopic::LabelCreated.into(),
            of.project.into(),
            of.data_row.into(),
            "1.jpg".into(),
            json!({"label": of.label, "around": around}).to_string().into(),
            false.into(),
            now().into(),
        ]
    }

    fn payload(&self, event: EventId, id: PayloadId, of: &Submitted) -> Vec<Value> {
        vec![
            id.into(),
            self.organization_id.into(),
            event.into(),
            PayloadFormat::Labelbox.into(),
            PayloadContent::Full.into(),
            json!({"label": of.label, "around": "x".repeat(AROUND)})
                .to_string()
                .into_bytes()
                .into(),
        ]
    }

    fn notification(&self, event: EventId, payload: PayloadId, of: &Submitted) -> Vec<Value> {
        let now = now();
        vec![
            NotificationId::new().into(),
            self.organization_id.into(),
            self.webhook_id.into(),
            event.into(),
            payload.into(),
            of.project.into(),
            WebhookTopic::LabelCreated.into(),
            "1.jpg".into(),
            NotificationStatus::Sending.into(),
            0.into(),
            0.into(),
            2.into(),
            now.into(),
            now.into(),
        ]
    }
}

/// Bytes of an event's data, or of a payload, beside the label: the project, the data row, the dataset and the user.
const AROUND: usize = 900;

const LABEL: &str = "id, organization_id, project_id, data_row_id, created_by, label_type, label, seconds_to_label, \
    is_benchmark_reference, deleted, created_at, updated_at";
const EVENT: &str =
    "id, organization_id, sequence, topic, project_id, data_row_id, external_id, data, test, created_at";
const PAYLOAD: &str = "id, organization_id, event_id, format, content, body";
const NOTIFICATION: &str = "id, organization_id, webhook_id, event_id, payload_id, project_id, topic, external_id, \
    status, attempt_count, throttled_count, sequence, created_at, updated_at";

/// Inserts rows in statements whose lengths are powers of two, so that few statements stay prepared.
async fn insert(txn: &DatabaseTransaction, table: &str, columns: &str, rows: Vec<Vec<Value>>) -> anyhow::Result<()> {
    let mut rows = rows.into_iter();
    while let Some(count) = rows.len().checked_ilog2().map(|log| ROWS.min(1 << log)) {
        let marks = format!("({})", vec!["?"; columns.split(',').count()].join(", "));
        let text = format!(
            "INSERT INTO {table} ({columns}) VALUES {}",
            vec![marks.as_str(); count].join(", ")
        );
        let binds = rows.by_ref().take(count).flatten();
        txn.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, text, binds))
            .await?;
    }
    Ok(())
}

fn now() -> Timestamp {
    Timestamp(crate::wire::micros())
}
