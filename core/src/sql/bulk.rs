//! Many rows in one statement. A statement has place for a power of two of rows, so that few distinct ones stay prepared;
//! what is left of its places stays empty, so that a group needs one statement a table and not one a power.
//!
//! What costs is the way to the database and back, be it a server or the thread of a file, so changes of several tables go
//! there at once: PostgreSQL takes them in one statement, each but the last in its `WITH`, and SQLite as one text of
//! several statements. An event has one label and mostly one payload, so few distinct texts come up. What weighs much goes
//! one table after another.

use super::statement::raw;
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
    make(db, vec![Change::insert::<E>(rows, conflict)]).await
}

/// Makes changes of several tables, in this order where the order counts. On PostgreSQL the last, which the others are
/// `WITH`, is the first to lock rows.
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

/// Rows that go along with a statement that comes after: the text that it is, with a `WITH` that begins with these, and
/// their values, which come first. `rest` is what its `WITH` says, and all after.
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

/// What a change that fails does with the rows before. Whoever makes changes goes back to where they began then, and SQLite
/// would keep copies of all pages that each statement changes for one that has to go back alone.
pub(crate) fn or_fail(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => " OR FAIL",
        _ => "",
    }
}

/// Rows on their way into a table, and what is done with them there.
pub(crate) struct Change {
    verb: &'static str,
    /// What stands between the verb and the rows, which are `given` with the columns `column1`, `column2` and so on.
    head: String,
    /// What stands behind them.
    tail: String,
    columns: usize,
    /// Of all rows, those to come last.
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

    /// An update that is written by hand around its rows. A place without a row is one of nothing but `NULL`.
    pub(crate) fn update<const COLUMNS: usize>(head: &str, tail: &str, rows: Vec<[Value; COLUMNS]>) -> Self {
        Self {
            verb: "UPDATE",
            head: head.to_owned(),
            tail: tail.to_owned(),
            columns: COLUMNS,
            values: rows.into_iter().flatten().rev().collect(),
        }
    }

    /// Whether one statement has place for all its rows.
    pub(crate) fn is_one_statement(&self) -> bool {
        self.values.len() <= ROWS * self.columns
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

/// Cuts a list into pieces whose lengths are powers of two, 128 at most: few distinct statements stay prepared.
pub(crate) fn batches<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let (head, tail) = rows.split_at_checked(batch(rows.len())?)?;
        rows = tail;
        Some(head)
    })
}

/// How many of so many rows the next statement takes; none when there are none.
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
