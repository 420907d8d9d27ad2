//! Many rows in one statement. A statement has place for a power of two of rows, so that few distinct ones stay prepared;
//! what is left of its places stays empty, so that a group needs one statement a table and not one a power.

use super::raw;
use crate::Result;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IdenStatic, IntoActiveModel, Iterable, Value};

/// Rows in one statement at most.
const ROWS: usize = 128;

/// Inserts rows. No row is without its first column. `conflict` is what becomes of one that is there already, as
/// `ON CONFLICT` says it, or nothing.
pub(crate) async fn insert<E>(db: &impl ConnectionTrait, rows: Vec<E::Model>, conflict: &str) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let columns: Vec<E::Column> = E::Column::iter().collect();
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let count = rows.len().min(ROWS);
        let places = places(count);
        let mut binds = Vec::with_capacity(places * columns.len());
        for mut row in rows.by_ref().take(count).map(IntoActiveModel::into_active_model) {
            binds.extend(columns.iter().filter_map(|column| row.take(*column).into_value()));
        }
        fill(&mut binds, columns.len(), places);
        let text = insert_sql::<E>(&columns, places, conflict);
        db.execute_raw(raw(db, &text, binds)).await?;
    }
    Ok(())
}

fn insert_sql<E: EntityTrait>(columns: &[E::Column], places: usize, conflict: &str) -> String {
    let names: Vec<String> = columns
        .iter()
        .map(|column| format!("\"{}\"", column.as_str()))
        .collect();
    format!(
        "INSERT INTO \"{}\" ({}) SELECT * FROM (VALUES {}) AS given WHERE column1 IS NOT NULL {conflict}",
        E::default().table_name(),
        names.join(", "),
        marks(columns.len(), places)
    )
}

/// The places of so many rows.
pub(crate) fn marks(columns: usize, places: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; places].join(", ")
}

/// How many rows a statement has place for that so many are given to.
pub(crate) fn places(rows: usize) -> usize {
    rows.next_power_of_two()
}

/// Leaves the places empty that have no row, in the types of the last.
pub(crate) fn fill(binds: &mut Vec<Value>, columns: usize, places: usize) {
    let empty: Vec<Value> = binds[binds.len() - columns..].iter().map(Value::as_null).collect();
    while binds.len() < places * columns {
        binds.extend(empty.iter().cloned());
    }
}
