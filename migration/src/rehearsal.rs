//! The dry run: finds the statements that the pending migrations of a database would run, without touching it. All
//! migrations run on a scratch database, which is discarded, and the statements of the pending ones are recorded. A
//! statement that depends on rows is the one for empty tables.

use crate::Migrator;
use sea_orm_migration::{
    MigratorTrait, SchemaManager,
    sea_orm::{DatabaseConnection, DbErr, Statement},
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

/// A migration that is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its name.
    pub name: String,
    /// The statements that it would run.
    pub statements: Vec<String>,
}

/// Returns the pending migrations of `db`, which is only read, or all migrations if there is no database yet. `scratch`
/// must be empty and have one connection.
pub async fn pending(db: Option<&DatabaseConnection>, mut scratch: DatabaseConnection) -> Result<Vec<Pending>, DbErr> {
    let wanted = match db {
        Some(db) => Migrator::get_pending_migrations_read_only(db).await?,
        None => Migrator::get_migration_files(),
    };
    let wanted: HashSet<String> = wanted.iter().map(|file| file.name().to_owned()).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    scratch.set_metric_callback(move |info| {
        if changes(info.statement) {
            let text = info.statement.to_string();
            heard.lock().expect("held for a push only").push(text);
        }
    });
    let mut found = Vec::new();
    for migration in Migrator::migrations() {
        migration.up(&SchemaManager::new(&scratch)).await?;
        let statements = std::mem::take(&mut *said.lock().expect("held for a push only"));
        if wanted.contains(migration.name()) {
            let name = migration.name().to_owned();
            found.push(Pending { name, statements });
        }
    }
    Ok(found)
}

/// Returns whether a statement does more than read: whether it is neither a `SELECT`, a `WITH` nor a `PRAGMA`.
fn changes(statement: &Statement) -> bool {
    let word = statement.sql.split_whitespace().next().unwrap_or_default();
    !["SELECT", "WITH", "PRAGMA"]
        .iter()
        .any(|look| word.eq_ignore_ascii_case(look))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_statement_is_one_that_a_rehearsal_hears() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let entries = folder.read_dir().expect("the folder is there");
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            let text = std::fs::read_to_string(&path).expect("a text");
            let unheard = ["execute", "unprepared"].join("_");
            assert!(
                !text.contains(&unheard),
                "{}: a dry run does not hear {unheard}; say it with crate::by_hand",
                path.display()
            );
        }
    }
}
