//! What a writer writes through, and how a transaction begins there: on SQLite at once and alone, on PostgreSQL by taking
//! turns (`turns.rs`).

use super::{organization_locks, scope::Scope, writer::Shared};
use crate::{
    Error, Result,
    sql::{postgres, sequence::Sequence, sqlite},
};
use sea_orm::{DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a connection that has failed may take to end.
const LEAVE: Duration = Duration::from_secs(1);

/// One writer's connection.
pub(super) struct Store {
    conn: DatabaseConnection,
    kind: Kind,
}

enum Kind {
    Sqlite { url: String, sequence: Arc<Sequence> },
    Postgres(Arc<postgres::Server>),
}

/// A transaction that has begun: where its numbers come from, and how far the feed is complete.
pub(super) struct Begun {
    pub(super) sequence: Arc<Sequence>,
    mark: Option<i64>,
}

impl Begun {
    /// Everything up to this number is committed once this transaction is.
    pub(super) fn mark(&self) -> i64 {
        self.mark.unwrap_or_else(|| self.sequence.newest())
    }

    pub(super) fn below(sequence: Sequence, mark: i64) -> Self {
        Self {
            sequence: Arc::new(sequence),
            mark: Some(mark),
        }
    }
}

impl Store {
    pub(super) fn sqlite(url: &str, conn: DatabaseConnection, sequence: Arc<Sequence>) -> Self {
        let kind = Kind::Sqlite {
            url: url.to_owned(),
            sequence,
        };
        Self { conn, kind }
    }

    pub(super) async fn postgres(server: &Arc<postgres::Server>) -> Result<Self> {
        Ok(Self {
            conn: server.writer().await?,
            kind: Kind::Postgres(Arc::clone(server)),
        })
    }

    /// Begins a transaction for units of this scope.
    pub(super) async fn begin(&self, scope: &Scope, shared: &Shared) -> Result<(DatabaseTransaction, Begun)> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let txn = self.conn.begin_with_options(options).await?;
        let begun = match &self.kind {
            Kind::Sqlite { sequence, .. } => Begun {
                sequence: Arc::clone(sequence),
                mark: None,
            },
            Kind::Postgres(server) => organization_locks::take(&txn, server.base(), scope, &shared.index).await?,
        };
        Ok((txn, begun))
    }

    /// What a commit that failed means.
    pub(super) fn broken_off(&self, fault: sea_orm::DbErr) -> Error {
        match &self.kind {
            Kind::Sqlite { .. } => fault.into(),
            Kind::Postgres(_) => postgres::broken_off(fault),
        }
    }

    /// After a fault nobody can say what state the connection is in: SQLite rolls a transaction back by itself when the
    /// disk is full, and the library, which counts savepoints, does not notice; the next group would be nested in a
    /// transaction that nothing commits. A new connection has no past.
    pub(super) async fn reconnect(&mut self) {
        // A server that does not answer takes no leave.
        timeout(LEAVE, self.conn.clone().close()).await.ok();
        let conn = match &self.kind {
            Kind::Sqlite { url, .. } => sqlite::writer(url).await,
            Kind::Postgres(server) => server.writer().await,
        };
        match conn {
            Ok(conn) => self.conn = conn,
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "the writer cannot connect again"
            ),
        }
    }

    pub(super) async fn close(self) {
        self.conn.close().await.ok();
    }
}
