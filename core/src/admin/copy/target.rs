//! Checks of the source and the target of a copy, and the mark in the target while a copy is under way.

use super::table::TABLES;
use crate::{
    Error, Result,
    admin::rekey,
    background::heartbeat,
    secret::Keyring,
    sql::{advisory, statement::raw},
};
use entity::organization;
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, QueryOrder};
use sha2::{Digest, Sha256};

/// The setting that marks a copy under way; its value names the installation that is copied.
const COPY_SETTING: &str = "copy_from";

#[derive(FromQueryResult)]
struct Number {
    value: i64,
}

/// Returns the name of an installation: a number derived from its oldest organization. Fails when there is nothing to
/// copy, and when the master key is not the one that seals its secrets.
pub(crate) async fn check_source(db: &impl ConnectionTrait, keyring: &Keyring) -> Result<i64> {
    check_done(db).await?;
    rekey::check_done(db).await?;
    rekey::check_keyring(db, keyring).await?;
    let oldest = organization::Entity::find().order_by_asc(organization::Column::Id);
    let Some(oldest) = oldest.one(db).await? else {
        return Err(Error::NotAllowed(
            "the SQLite file holds nothing that could be copied".into(),
        ));
    };
    let digest = Sha256::digest(oldest.id.0);
    let first = <[u8; 8]>::try_from(&digest[..8]).expect("a digest has 32 bytes");
    Ok(i64::from_be_bytes(first) & i64::MAX)
}

/// Refuses a target that is in use. Runs before its tables are migrated.
pub(crate) async fn check_free(db: &impl ConnectionTrait, name: i64) -> Result<()> {
    if !has_table(db, "organization").await? {
        return Ok(());
    }
    if has_table(db, "node").await? {
        heartbeat::check_none(db).await?;
    }
    let mark = match has_table(db, "setting").await? {
        true => mark(db).await?,
        false => None,
    };
    match mark {
        Some(mark) if mark == name => Ok(()),
        Some(_) => Err(Error::Conflict(
            "the PostgreSQL database holds a copy of another installation, which was broken off".into(),
        )),
        None => check_empty(db).await,
    }
}

async fn has_table(db: &impl ConnectionTrait, name: &str) -> Result<bool> {
    let text = "SELECT count(*) AS value FROM information_schema.tables \
         WHERE table_schema = current_schema() AND table_name = ?";
    let found = Number::find_by_statement(raw(db, text, [name.into()])).one(db).await?;
    Ok(found.is_some_and(|found| found.value > 0))
}

async fn check_empty(db: &impl ConnectionTrait) -> Result<()> {
    for table in TABLES {
        if !has_table(db, table).await? {
            continue;
        }
        let text = format!("SELECT count(*) AS value FROM (SELECT 1 FROM \"{table}\" LIMIT 1) AS found");
        let found = Number::find_by_statement(raw(db, &text, [])).one(db).await?;
        if found.is_some_and(|found| found.value > 0) {
            return Err(Error::Conflict(format!(
                "the PostgreSQL database is in use: {table} has rows. A copy needs an empty one"
            )));
        }
    }
    Ok(())
}

/// Locks the target for as long as its connection lives, and marks it.
pub(crate) async fn begin(db: &impl ConnectionTrait, name: i64) -> Result<()> {
    if !advisory::try_take(db, advisory::COPIES).await? {
        return Err(Error::Conflict(
            "another copy into the PostgreSQL database is under way".into(),
        ));
    }
    check_free(db, name).await?;
    let text = "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING";
    db.execute_raw(raw(db, text, [COPY_SETTING.into(), name.into()]))
        .await?;
    Ok(())
}

/// Removes the mark.
pub(crate) async fn end(db: &impl ConnectionTrait) -> Result<()> {
    db.execute_raw(raw(db, "DELETE FROM setting WHERE name = ?", [COPY_SETTING.into()]))
        .await?;
    Ok(())
}

async fn mark(db: &impl ConnectionTrait) -> Result<Option<i64>> {
    let statement = raw(db, "SELECT value FROM setting WHERE name = ?", [COPY_SETTING.into()]);
    let found = Number::find_by_statement(statement).one(db).await?;
    Ok(found.map(|found| found.value))
}

/// Refuses a database that a copy is being made into.
pub(crate) async fn check_done(db: &impl ConnectionTrait) -> Result<()> {
    match mark(db).await? {
        None => Ok(()),
        Some(_) => Err(Error::Conflict(
            "a copy into this database is under way, or was broken off: run labelhook copy again to finish it".into(),
        )),
    }
}
