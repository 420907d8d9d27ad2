//! Multi-row statements. A statement has room for a power of two of rows, 128 at most, so that few distinct statements
//! are prepared.
//!
//! * Rows that are written are padded: unused row slots are filled with `NULL`, so a group needs one statement a table and
//!   not one for each power ([`insert`], [`make`]).
//! * Keys that are looked up or changed are cut into [`batches`] of these sizes, since a `NULL` among them would be
//!   looked up too.
//!
//! The cost is the round trip, to the server or to the thread of a SQLite file. So changes of several tables are sent
//! together: PostgreSQL gets one statement with all but the last as `WITH` clauses, SQLite one text of several
//! statements. An event has one label and mostly one payload, so few distinct texts arise. Large changes are sent one
//! table after another.

use super::statement::raw;
use crate::Result;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, IdenStatic, IntoActiveModel, Iterable, Value,
};

/// The most rows of a table in one statement.
pub(crate) const ROWS: usize = 128;

/// The most bytes of several tables that are sent together: a message of PostgreSQL's protocol ends at 1 GiB.
const HEAVY: usize = 64 << 20;

/// Inserts rows. The first column of a row must not be `NULL`. `conflict` is an `ON CONFLICT` clause, or empty.
pub(crate) async fn insert<E>(db: &impl ConnectionTrait, rows: Vec<E::Model>, conflict: &'static str) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    make(db, vec![Change::insert::<E>(rows, conflict)]).await
}

/// Makes changes of several tables, in this order where the order matters. On PostgreSQL the last change, to which the
/// others are `WITH` clauses, is the first to lock rows.
pub(crate) async fn make(db: &impl ConnectionTrait, mut changes: Vec<Change>) -> Result<()> {
    changes.retain(|change| !change.is_empty());
    let backend = db.get_database_backend();
    while !changes.is_empty() {
        let weight: usize = changes.iter().map(Change::weight).sum();
        let at_once = if weight <= HEAVY { changes.len() } else { 1 };
        let (mut texts, mut binds) = (Vec::new(), Vec::new());
        for change in changes.iter_mut().take(at_once) {
            texts.push(change.next(backend, &mut binds));
        }
        changes.retain(|change| !change.is_empty());
        let text = match backend {
            DbBackend::Postgres => joined(&texts),
            _ => texts.join("; "),
        };
        db.execute_raw(raw(db, &text, binds)).await?;
    }
    Ok(())
}

/// Combines an insert with the statement after it. Returns the text, which begins with the insert, and the values of
/// the insert, which come first. `rest` is the statement from behind its `WITH`.
pub(crate) fn along(db: &impl ConnectionTrait, mut change: Change, rest: &str) -> (String, Vec<Value>) {
    let (backend, mut binds) = (db.get_database_backend(), Vec::new());
    let text = change.next(backend, &mut binds);
    debug_assert!(change.is_empty(), "they are as many as a statement may have");
    let text = match backend {
        DbBackend::Postgres => format!("WITH along AS ({text}), {rest}"),
        _ => format!("{text}; WITH {rest}"),
    };
    (text, binds)
}

/// Returns the conflict clause by which a failed statement keeps the rows it has changed: `OR FAIL` on SQLite. The
/// caller rolls back to its savepoint anyway. With SQLite's default, `ABORT`, each statement would keep copies of all
/// pages it changes to be able to undo itself alone.
pub(crate) fn or_fail(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => " OR FAIL",
        _ => "",
    }
}

/// Rows to insert or update in one table, taken batch by batch.
pub(crate) struct Change {
    verb: &'static str,
    /// The SQL between the verb and the rows. The rows are called `given`, with the columns `column1`, `column2` and so
    /// on.
    head: String,
    /// The SQL after the rows.
    tail: String,
    columns: usize,
    /// The values of all rows, in reverse order, so that a batch is taken from the end.
    values: Vec<Value>,
}

impl Change {
    pub(crate) fn insert<E>(rows: Vec<E::Model>, conflict: &'static str) -> Self
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
            verb: "INSERT",
            head: format!(
                "INTO \"{}\" ({}) SELECT * FROM",
                E::default().table_name(),
                names.join(", ")
            ),
            tail: format!("WHERE column1 IS NOT NULL {conflict}"),
            columns: columns.len(),
            values,
        }
    }

    /// Makes an update with hand-written SQL around its rows. The slots without a row are all `NULL`.
    pub(crate) fn update<const COLUMNS: usize>(head: &str, tail: &str, rows: Vec<[Value; COLUMNS]>) -> Self {
        Self {
            verb: "UPDATE",
            head: head.to_owned(),
            tail: tail.to_owned(),
            columns: COLUMNS,
            values: rows.into_iter().flatten().rev().collect(),
        }
    }

    /// Returns whether one statement has room for all rows.
    pub(crate) fn is_one_statement(&self) -> bool {
        self.values.len() <= ROWS * self.columns
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the size of the values in bytes, counting texts and blobs.
    fn weight(&self) -> usize {
        let weights = self.values.iter().map(|value| match value {
            Value::String(Some(text)) => text.len(),
            Value::Bytes(Some(bytes)) => bytes.len(),
            _ => 0,
        });
        weights.sum()
    }

    /// Takes the next batch of rows. Returns the statement and appends the values to `binds`.
    fn next(&mut self, backend: DbBackend, binds: &mut Vec<Value>) -> String {
        let count = (self.values.len() / self.columns).min(ROWS);
        let rest = self.values.len() - count * self.columns;
        let from = binds.len();
        binds.extend(self.values.drain(rest..).rev());
        let places = places(count);
        fill(binds, from, self.columns, places);
        format!(
            "{}{} {} (VALUES {}) AS given {}",
            self.verb,
            or_fail(backend),
            self.head,
            marks(self.columns, places),
            self.tail
        )
    }
}

/// Joins statements into one for PostgreSQL: all but the last become `WITH` clauses.
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

/// Returns the placeholders of so many row slots.
pub(crate) fn marks(columns: usize, places: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; places].join(", ")
}

/// Returns the number of row slots of a statement for so many rows.
pub(crate) fn places(rows: usize) -> usize {
    rows.next_power_of_two()
}

/// Fills the unused row slots with `NULL`s in the types of the last row. The rows begin at `from`.
pub(crate) fn fill(binds: &mut Vec<Value>, from: usize, columns: usize, places: usize) {
    let empty: Vec<Value> = binds[binds.len() - columns..].iter().map(Value::as_null).collect();
    while binds.len() < from + places * columns {
        binds.extend(empty.iter().cloned());
    }
}

/// Cuts a list into batches whose lengths are powers of two, 128 at most, so that few distinct statements stay
/// prepared.
pub(crate) fn batches<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let (head, tail) = rows.split_at_checked(batch(rows.len())?)?;
        rows = tail;
        Some(head)
    })
}

/// Returns how many of so many rows the next statement takes; `None` when there are none.
pub(crate) fn batch(rows: usize) -> Option<usize> {
    Some(ROWS.min(1 << rows.checked_ilog2()?))
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
        let mut change = Change::insert::<rows::Entity>(rows.clone(), "ON CONFLICT DO NOTHING");
        let mut binds = vec![Value::from(7)];
        let text = change.next(DbBackend::Postgres, &mut binds);
        assert!(change.is_empty());
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
    fn only_sqlite_is_told_that_who_fails_goes_back() {
        let mut change = Change::insert::<rows::Entity>(some(1), "");
        let text = change.next(DbBackend::Sqlite, &mut Vec::new());
        assert!(text.starts_with("INSERT OR FAIL INTO \"batch_data_row\" ("), "{text}");
    }

    #[test]
    fn many_rows_go_in_more_than_one_statement() {
        let rows = some(2 * ROWS + 1);
        let mut change = Change::insert::<rows::Entity>(rows.clone(), "");
        let mut firsts = Vec::new();
        while !change.is_empty() {
            let mut binds = Vec::new();
            change.next(DbBackend::Sqlite, &mut binds);
            firsts.push((binds.len() / 3, binds[0].clone()));
        }
        let first = |place: usize| values(&rows[place])[0].clone();
        assert_eq!(firsts, [(ROWS, first(0)), (ROWS, first(ROWS)), (1, first(2 * ROWS))]);
    }

    #[test]
    fn several_changes_are_one_statement() {
        let texts = ["INSERT 1", "INSERT 2", "INSERT 3"].map(str::to_owned);
        assert_eq!(joined(&texts[..1]), "INSERT 1");
        assert_eq!(joined(&texts), "WITH part0 AS (INSERT 1), part1 AS (INSERT 2) INSERT 3");
    }

    #[test]
    fn a_list_is_cut_into_few_sizes_and_nothing_is_left_out() {
        for (length, sizes) in [
            (0, &[][..]),
            (1, &[1]),
            (2, &[2]),
            (7, &[4, 2, 1]),
            (128, &[128]),
            (255, &[128, 64, 32, 16, 8, 4, 2, 1]),
            (300, &[128, 128, 32, 8, 4]),
        ] {
            let list: Vec<usize> = (0..length).collect();
            let cut: Vec<&[usize]> = batches(&list).collect();
            assert_eq!(cut.iter().map(|part| part.len()).collect::<Vec<_>>(), sizes);
            assert_eq!(cut.concat(), list);
        }
    }
}
