//! The tables to copy and the types of their columns, read from both databases, which must agree.

use crate::{Error, Result, sql::statement::raw};
use sea_orm::{ConnectionTrait, FromQueryResult};

/// The tables that are copied, in this order.
pub const TABLES: [&str; 31] = [
    "organization",
    "user",
    "api_key",
    "project",
    "dataset",
    "project_dataset",
    "data_row",
    "batch",
    "batch_data_row",
    "label",
    "review",
    "deletion",
    "workflow",
    "stage",
    "task",
    "stage_visit",
    "stage_run",
    "intake",
    "webhook",
    "webhook_secret",
    "webhook_health",
    "event",
    "payload",
    "notification",
    "attempt",
    "replay",
    "replay_part",
    "tally",
    "rekey",
    "idempotency_key",
    "postponed_match",
];

/// The tables that each database keeps for itself: settings, running nodes, and applied migrations.
pub const NOT_COPIED: [&str; 3] = ["setting", "node", "seaql_migrations"];

/// A table; the columns of its primary key come first.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) keys: usize,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// The type of a column. It is taken from PostgreSQL, because SQLite's types say less.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Uuid,
    Bool,
    Small,
    Int,
    Big,
    Double,
    Text,
    Bytes,
}

impl Kind {
    fn of(data_type: &str) -> Option<Self> {
        Some(match data_type {
            "uuid" => Self::Uuid,
            "boolean" => Self::Bool,
            "smallint" => Self::Small,
            "integer" => Self::Int,
            "bigint" => Self::Big,
            "double precision" => Self::Double,
            "text" | "character varying" => Self::Text,
            "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

impl Table {
    /// Returns the quoted names of all columns.
    pub(crate) fn column_list(&self) -> String {
        list(&self.columns)
    }

    /// Returns the quoted names of the primary key's columns.
    pub(crate) fn key_list(&self) -> String {
        list(&self.columns[..self.keys])
    }
}

fn list(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    names.join(", ")
}

#[derive(FromQueryResult)]
struct Here {
    name: String,
    /// The position in the primary key, from 1 on; 0 for other columns.
    key: i64,
}

#[derive(FromQueryResult)]
struct There {
    name: String,
    data_type: String,
}

/// Reads all tables that are copied.
pub(crate) async fn all(source: &impl ConnectionTrait, target: &impl ConnectionTrait) -> Result<Vec<Table>> {
    let mut tables = Vec::with_capacity(TABLES.len());
    for name in TABLES {
        tables.push(one(source, target, name).await?);
    }
    Ok(tables)
}

/// Reads a table from both databases and matches its columns.
async fn one(source: &impl ConnectionTrait, target: &impl ConnectionTrait, name: &'static str) -> Result<Table> {
    let text = "SELECT name, pk AS key FROM pragma_table_info(?) ORDER BY pk = 0, pk, name";
    let here = Here::find_by_statement(raw(source, text, [name.into()]))
        .all(source)
        .await?;
    let text = "SELECT column_name::text AS name, data_type::text AS data_type FROM information_schema.columns \
         WHERE table_schema = current_schema() AND table_name = ? ORDER BY column_name";
    let there = There::find_by_statement(raw(target, text, [name.into()]))
        .all(target)
        .await?;
    let keys = here.iter().filter(|column| column.key > 0).count();
    let differ = |reason: String| Error::internal(format!("{name} is not the same on both sides: {reason}"));
    if keys == 0 || here.len() != there.len() {
        return Err(differ(format!("{} columns and {}", here.len(), there.len())));
    }
    let column = |here: Here| {
        let known = there.iter().find(|there| there.name == here.name);
        let kind = known.and_then(|there| Kind::of(&there.data_type));
        let kind = kind.ok_or_else(|| differ(format!("column {}", here.name)))?;
        Ok(Column { name: here.name, kind })
    };
    Ok(Table {
        name,
        columns: here.into_iter().map(column).collect::<Result<_>>()?,
        keys,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use migration::MigratorTrait;
    use sea_orm::{Database, Statement};
    use std::collections::BTreeSet;

    #[tokio::test]
    async fn no_table_of_the_schema_is_forgotten() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        migration::Migrator::up(&db, None).await.unwrap();
        let text = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let rows = db
            .query_all_raw(Statement::from_string(db.get_database_backend(), text))
            .await
            .unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
        let known: Vec<&str> = TABLES.into_iter().chain(NOT_COPIED).collect();
        assert_eq!(
            there,
            known.iter().map(|name| (*name).to_owned()).collect(),
            "every table is copied, or said to stay apart"
        );
        assert_eq!(known.len(), there.len(), "and none is named twice");
    }
}
