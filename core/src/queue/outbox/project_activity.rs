//! Updates the last activity of projects, many by one statement.

use crate::sql::bulk::Change;
use entity::{ProjectId, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend};
use std::collections::BTreeMap;

const HEAD: &str = "project SET last_activity_at = touched.at FROM (SELECT project.id, given.column2 AS at FROM";
/// Commit groups of other nodes touch the same projects. All lock them in the order of their ids, so that no two
/// deadlock.
const JOIN: &str = "JOIN project ON project.id = given.column1 ORDER BY project.id";
const LOCK: &str = "FOR NO KEY UPDATE OF project";
const TAIL: &str = ") AS touched WHERE project.id = touched.id";

/// Returns the change that writes these moments.
pub(crate) fn change(db: &impl ConnectionTrait, touched: BTreeMap<ProjectId, Timestamp>) -> Change {
    let lock = match db.get_database_backend() {
        DbBackend::Postgres => LOCK,
        _ => "",
    };
    let rows = touched.into_iter().map(|(id, at)| [id.into(), at.into()]).collect();
    Change::update(HEAD, &format!("{JOIN} {lock}{TAIL}"), rows)
}
