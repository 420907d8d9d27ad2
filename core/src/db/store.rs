//! A writer's connection, and how a transaction begins there: on SQLite at once, on PostgreSQL after taking advisory
//! locks ([`organization_locks`]).

use super::{organization_locks, scope::Scope, writer::Shared};
use crate::{
    Error, Result,
    sql::{postgres, sequence::Sequence, sqlite},
};
use sea_orm::{DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// The longest wait for a failed connection to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The connection of one writer.
pub(super) struct Store {
    conn: DatabaseConnection,
    kind: Kind,
}

enum Kind {
    Sqlite { url: String, sequence: Arc<Sequence> },
    Postgres(Arc<postgres::Server>),
}

/// A transaction that has begun: the source of its sequence numbers, and the watermark of the feed.
pub(super) struct Begun {
    pub(super) sequence: Arc<Sequence>,
    mark: Option<i64>,
}

impl Begun {
    /// Returns the watermark: everything up to this number is committed once this transaction is.
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

    /// Translates the error of a failed commit.
    pub(super) fn broken_off(&self, fault: sea_orm::DbErr) -> Error {
        match &self.kind {
            Kind::Sqlite { .. } => fault.into(),
            Kind::Postgres(_) => postgres::broken_off(fault),
        }
    }

    /// Opens a new connection after an error, because the state of the old one is unknown. SQLite rolls a transaction
    /// back by itself when the disk is full. The library counts savepoints and does not notice: it would nest the next
    /// group in a transaction that is never committed.
    pub(super) async fn reconnect(&mut self) {
        // A server that does not answer does not close the connection either.
        timeout(CLOSE_TIMEOUT, self.conn.clone().close()).await.ok();
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
