//! Text to the database, and the connections that carry it: statements, multi-row inserts, sequences, errors, and what
//! each of the two databases wants at its start.
//!
//! Everything above writes its SQL through here. This room names no table of a verb, no [`App`](crate::App) and no
//! transaction of a group: those are [`db`](crate::db).

pub(crate) mod advisory;
pub(crate) mod bulk;
pub(crate) mod copy_ends;
pub(crate) mod error;
pub mod pending;
pub(crate) mod postgres;
pub(crate) mod sequence;
pub mod sqlite;
pub(crate) mod statement;

/// Returns whether the log shows statements, as with `--log info,sqlx::query=debug`. Otherwise they are not even
/// formatted.
fn statements_are_logged() -> bool {
    tracing::enabled!(target: "sqlx::query", tracing::Level::DEBUG)
}

/// Returns SQLite's query plan of a statement, line by line, on an empty database.
#[cfg(test)]
pub(crate) async fn plan(sql: &str) -> Vec<String> {
    use migration::MigratorTrait;
    use sea_orm::{ConnectionTrait, Database, Statement};
    let db = Database::connect("sqlite::memory:").await.unwrap();
    migration::Migrator::up(&db, None).await.unwrap();
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await;
    let lines = rows.unwrap().into_iter();
    lines.map(|row| row.try_get("", "detail").unwrap()).collect()
}

/// The distinct texts of the statements that a database was sent.
#[cfg(test)]
pub(crate) type Texts = std::sync::Arc<std::sync::Mutex<std::collections::BTreeSet<String>>>;

/// Opens an empty database and returns it with the texts of the statements that it is sent from now on.
#[cfg(test)]
pub(crate) async fn recorded() -> (sea_orm::DatabaseConnection, Texts) {
    use migration::MigratorTrait;
    let mut db = sea_orm::Database::connect("sqlite::memory:").await.unwrap();
    migration::Migrator::up(&db, None).await.unwrap();
    let texts = Texts::default();
    let sent = Texts::clone(&texts);
    db.set_metric_callback(move |info| {
        sent.lock().unwrap().insert(info.statement.sql.clone());
    });
    (db, texts)
}
