//! A row as values that both databases understand, its canonical text, and the checksum of rows.

use super::table::{Kind, Table};
use crate::{Error, Result};
use sea_orm::{DbErr, QueryResult, Value};
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// The values of a row, in the order of the table's columns.
pub(crate) type Row = Vec<Value>;

/// Reads a row.
pub(crate) fn read(row: &QueryResult, table: &Table) -> Result<Row> {
    let columns = table.columns.iter();
    columns
        .map(|column| value(row, &column.name, column.kind).map_err(|fault| unreadable(table, &column.name, fault)))
        .collect()
}

fn value(row: &QueryResult, name: &str, kind: Kind) -> Result<Value, DbErr> {
    Ok(match kind {
        Kind::Uuid => row.try_get::<Option<Uuid>>("", name)?.into(),
        Kind::Bool => row.try_get::<Option<bool>>("", name)?.into(),
        Kind::Small => row.try_get::<Option<i16>>("", name)?.into(),
        Kind::Int => row.try_get::<Option<i32>>("", name)?.into(),
        Kind::Big => row.try_get::<Option<i64>>("", name)?.into(),
        Kind::Double => row.try_get::<Option<f64>>("", name)?.into(),
        Kind::Text => row.try_get::<Option<String>>("", name)?.into(),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>>("", name)?.into(),
    })
}

fn unreadable(table: &Table, column: &str, fault: DbErr) -> Error {
    Error::internal(format!("{}.{column} cannot be read: {fault}", table.name))
}

/// Refuses a value that PostgreSQL cannot store, and names its place.
pub(crate) fn check(row: &[Value], table: &Table) -> Result<()> {
    for (column, value) in table.columns.iter().zip(row) {
        if matches!(value, Value::String(Some(text)) if text.contains('\0')) {
            let key: Vec<String> = row[..table.keys].iter().map(text).collect();
            let place = format!("{}.{} of {}", table.name, column.name, key.join(" "));
            return Err(Error::NotAllowed(format!(
                "{place} has a NUL, which PostgreSQL cannot hold"
            )));
        }
    }
    Ok(())
}

/// Returns the approximate size of a value in bytes.
pub(crate) fn bytes(value: &Value) -> usize {
    match value {
        Value::String(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        _ => 8,
    }
}

/// Returns the canonical text of a value: the same from either database.
fn text(value: &Value) -> String {
    match value {
        Value::Uuid(Some(id)) => id.to_string(),
        Value::Bool(Some(is)) => is.to_string(),
        Value::SmallInt(Some(number)) => number.to_string(),
        Value::Int(Some(number)) => number.to_string(),
        Value::BigInt(Some(number)) => number.to_string(),
        Value::Double(Some(number)) => format!("{number:?}"),
        Value::String(Some(text)) => text.clone(),
        Value::Bytes(Some(bytes)) => hex::encode(bytes),
        _ => String::new(),
    }
}

/// A running count and checksum of rows.
#[derive(Default)]
pub(crate) struct Checksum {
    rows: u64,
    hash: Sha256,
}

impl Checksum {
    /// Adds a row: each value as its length and its text, so that no two rows have the same encoding; a `NULL` has no
    /// length.
    pub(crate) fn row(&mut self, row: &[Value]) {
        self.rows += 1;
        for value in row {
            let text = text(value);
            let head = match value.as_null() == *value {
                true => "-;".to_owned(),
                false => format!("{}:", text.len()),
            };
            self.hash.update(head);
            self.hash.update(text);
        }
        self.hash.update("\n");
    }

    pub(crate) fn sum(self) -> Sum {
        Sum {
            rows: self.rows,
            checksum: hex::encode(&self.hash.finalize()[..16]),
        }
    }
}

/// The count and the checksum of a table's rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    pub(crate) checksum: String,
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows ({})", self.rows, self.checksum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[Row]) -> Sum {
        let mut adding = Checksum::default();
        rows.iter().for_each(|row| adding.row(row));
        adding.sum()
    }

    #[test]
    fn rows_that_differ_have_different_checksums() {
        let text = |text: Option<&str>| Value::from(text.map(str::to_owned));
        let rows: [&[Row]; 7] = [
            &[],
            &[vec![text(None), text(Some(""))]],
            &[vec![text(Some("")), text(None)]],
            &[vec![text(Some("ab")), text(Some("c"))]],
            &[vec![text(Some("a")), text(Some("bc"))]],
            &[vec![text(Some("a"))], vec![text(Some("bc"))]],
            &[vec![text(Some("1:a\n-;"))]],
        ];
        for (at, one) in rows.iter().enumerate() {
            for other in &rows[at + 1..] {
                assert_ne!(sum(one).checksum, sum(other).checksum, "{one:?} and {other:?}");
            }
            assert_eq!(sum(one), sum(one));
        }
    }
}
