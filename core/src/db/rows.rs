//! Many rows in one statement. A statement has place for a power of two of rows, so that few distinct ones stay prepared;
//! what is left of its places stays empty, so that a group needs one statement a table and not one a power.
//!
//! What costs is the way to the database and back, be it a server or the thread of a file, so the rows of several tables go
//! there at once: PostgreSQL takes them in one statement, each insert but the last in its `WITH`, and SQLite as one text of
//! several statements. An event has one label and mostly one payload, so few distinct texts come up. What weighs much goes
//! one table after another.

use super::raw;
use crate::Result;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, IdenStatic, IntoActiveModel, Iterable, Value,
};

/// Rows of a table in one statement at most.
pub(crate) const ROWS: usize = 128;

/// Bytes of several tables that go at once at most: a message of PostgreSQL's protocol ends at 1 GiB.
const HEAVY: usize = 64 << 20;

/// Inserts rows. No row is without its first column. `conflict` is what becomes of one that is there already, as
/// `ON CONFLICT` says it, or nothing.
pub(crate) async fn insert<E>(db: &impl ConnectionTrait, rows: Vec<E::Model>, conflict: &'static str) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    insert_all(db, vec![Insert::of::<E>(rows, conflict)]).await
}

/// Inserts rows of several tables, in this order where the order counts.
pub(crate) async fn insert_all(db: &impl ConnectionTrait, mut inserts: Vec<Insert>) -> Result<()> {
    inserts.retain(|insert| !insert.is_empty());
    let weight: usize = inserts.iter().map(Insert::weight).sum();
    let at_once = if weight <= HEAVY { inserts.len() } else { 1 };
    while !inserts.is_empty() {
        let (mut texts, mut binds) = (Vec::new(), Vec::new());
        for insert in inserts.iter_mut().take(at_once) {
            texts.push(insert.next(&mut binds));
        }
        inserts.retain(|insert| !insert.is_empty());
        let text = match db.get_database_backend() {
            DbBackend::Postgres => joined(&texts),
            _ => texts.join("; "),
        };
        db.execute_raw(raw(db, &text, binds)).await?;
    }
    Ok(())
}

/// Rows that go along with a statement that comes after: the text that it is, with a `WITH` that begins with these, and
/// their values, which come first. `rest` is what its `WITH` says, and all after.
pub(crate) fn along(db: &impl ConnectionTrait, mut insert: Insert, rest: &str) -> (String, Vec<Value>) {
    let mut binds = Vec::new();
    let text = insert.next(&mut binds);
    debug_assert!(insert.is_empty(), "they are as many as a statement may have");
    let text = match db.get_database_backend() {
        DbBackend::Postgres => format!("WITH along AS ({text}), {rest}"),
        _ => format!("{text}; WITH {rest}"),
    };
    (text, binds)
}

/// Rows of a table on their way into it.
pub(crate) struct Insert {
    /// Up to its values.
    head: String,
    columns: usize,
    conflict: &'static str,
    /// Of all rows, those to come last.
    values: Vec<Value>,
}

impl Insert {
    pub(crate) fn of<E>(rows: Vec<E::Model>, conflict: &'static str) -> Self
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
    {
        let columns: Vec<E::Column> = E::Column::iter().collect();
        let mut values = Vec::with_capacity(rows.len() * columns.len());
        for mut row in rows.into_iter().rev().map(IntoActiveModel::into_active_model) {
            values.extend(columns.iter().rev().filter_map(|column| row.take(*column).into_value()));
        }
        let names: Vec<String> = columns.iter().map(|name| format!("\"{}\"", name.as_str())).collect();
        Self {
            head: format!("INSERT INTO \"{}\" ({})", E::default().table_name(), names.join(", ")),
            columns: columns.len(),
            conflict,
            values,
        }
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Bytes of its texts and octets, which are what weighs.
    fn weight(&self) -> usize {
        let weights = self.values.iter().map(|value| match value {
            Value::String(Some(text)) => text.len(),
            Value::Bytes(Some(bytes)) => bytes.len(),
            _ => 0,
        });
        weights.sum()
    }

    /// Takes as many rows as a statement may have: its text, and the values at the end of `binds`.
    fn next(&mut self, binds: &mut Vec<Value>) -> String {
        let count = (self.values.len() / self.columns).min(ROWS);
        let rest = self.values.len() - count * self.columns;
        let from = binds.len();
        binds.extend(self.values.drain(rest..).rev());
        let places = places(count);
        fill(binds, from, self.columns, places);
        format!(
            "{} SELECT * FROM (VALUES {}) AS given WHERE column1 IS NOT NULL {}",
            self.head,
            marks(self.columns, places),
            self.conflict
        )
    }
}

/// One statement of several: all but the last go before it.
fn joined(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [text] => text.clone(),
        [before @ .., last] => {
            let before = before.iter().enumerate();
            let before: Vec<String> = before.map(|(place, text)| format!("part{place} AS ({text})")).collect();
            format!("WITH {} {last}", before.join(", "))
        }
    }
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

/// Leaves the places empty that have no row, in the types of the last. The rows begin at `from`.
pub(crate) fn fill(binds: &mut Vec<Value>, from: usize, columns: usize, places: usize) {
    let empty: Vec<Value> = binds[binds.len() - columns..].iter().map(Value::as_null).collect();
    while binds.len() < from + places * columns {
        binds.extend(empty.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::{BatchId, DataRowId, OrganizationId, batch_data_row as rows};

    fn some(count: usize) -> Vec<rows::Model> {
        let row = |_| rows::Model {
            batch_id: BatchId::new(),
            data_row_id: DataRowId::new(),
            organization_id: OrganizationId::new(),
        };
        (0..count).map(row).collect()
    }

    fn values(row: &rows::Model) -> [Value; 3] {
        [row.batch_id.into(), row.data_row_id.into(), row.organization_id.into()]
    }

    #[test]
    fn rows_keep_their_order_and_places_without_a_row_stay_empty() {
        let rows = some(3);
        let mut insert = Insert::of::<rows::Entity>(rows.clone(), "ON CONFLICT DO NOTHING");
        let mut binds = vec![Value::from(7)];
        let text = insert.next(&mut binds);
        assert!(insert.is_empty());
        assert_eq!(
            text,
            "INSERT INTO \"batch_data_row\" (\"batch_id\", \"data_row_id\", \"organization_id\") \
             SELECT * FROM (VALUES (?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?)) AS given \
             WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING"
        );
        let given: Vec<Value> = rows.iter().flat_map(values).collect();
        assert_eq!(binds[0], Value::from(7));
        assert_eq!(binds[1..10], given);
        assert!(binds[10..].iter().all(|value| *value == value.as_null()) && binds.len() == 13);
    }

    #[test]
    fn many_rows_go_in_more_than_one_statement() {
        let rows = some(2 * ROWS + 1);
        let mut insert = Insert::of::<rows::Entity>(rows.clone(), "");
        let mut firsts = Vec::new();
        while !insert.is_empty() {
            let mut binds = Vec::new();
            insert.next(&mut binds);
            firsts.push((binds.len() / 3, binds[0].clone()));
        }
        let first = |place: usize| values(&rows[place])[0].clone();
        assert_eq!(firsts, [(ROWS, first(0)), (ROWS, first(ROWS)), (1, first(2 * ROWS))]);
    }

    #[test]
    fn several_inserts_are_one_statement() {
        let texts = ["INSERT 1", "INSERT 2", "INSERT 3"].map(str::to_owned);
        assert_eq!(joined(&texts[..1]), "INSERT 1");
        assert_eq!(joined(&texts), "WITH part0 AS (INSERT 1), part1 AS (INSERT 2) INSERT 3");
    }
}
