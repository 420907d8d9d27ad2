//! A connection of a test's own to a PostgreSQL server, for what the service has no verb for.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};

/// One connection; what it begins stays open until it says otherwise or is dropped.
#[derive(Debug)]
pub struct Session(DatabaseConnection);

impl Session {
    pub(crate) fn new(conn: DatabaseConnection) -> Self {
        Self(conn)
    }

    /// Runs a statement.
    pub async fn run(&self, sql: &str) -> Result<(), DbErr> {
        self.0.execute_unprepared(sql).await.map(drop)
    }

    /// The one number, named `number`, that a statement gives.
    pub async fn number(&self, sql: &str) -> Result<i64, DbErr> {
        let statement = Statement::from_string(self.0.get_database_backend(), sql);
        let row = self.0.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))?;
        row.try_get("", "number")
    }
}
