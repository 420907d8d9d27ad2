//! Reads and writes rows in pages, in the order of the primary key, which is the same on both databases. The size of a
//! page adapts to the bytes of the one before, since payloads and bodies may be large.

use super::{
    row::{self, Row},
    table::Table,
};
use crate::{Error, Result, sql::statement::raw};
use sea_orm::{ConnectionTrait, Value};

/// The rows of the first page.
const FIRST_PAGE_ROWS: usize = 16;
/// The most rows of a page. In the widest table these have fewer values than a statement may have.
const MAX_PAGE_ROWS: usize = 512;
/// The bytes of a page above which the next one has fewer rows. Below half of it, the next one has more.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Reads a table page by page.
pub(crate) struct Pages<'a> {
    table: &'a Table,
    after: Option<Row>,
    rows: usize,
}

impl<'a> Pages<'a> {
    /// Starts after the row with this key.
    pub(crate) fn after(table: &'a Table, after: Option<Row>) -> Self {
        Self {
            table,
            after,
            rows: FIRST_PAGE_ROWS,
        }
    }

    /// Returns the next page; `None` at the end.
    pub(crate) async fn next(&mut self, db: &impl ConnectionTrait) -> Result<Option<Vec<Row>>> {
        let page = self.read(db).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = Some(last[..self.table.keys].to_vec());
        let bytes: usize = page.iter().flatten().map(row::bytes).sum();
        self.rows = match bytes {
            bytes if bytes > MAX_PAGE_BYTES => (self.rows / 2).max(1),
            bytes if bytes < MAX_PAGE_BYTES / 2 => (self.rows * 2).min(MAX_PAGE_ROWS),
            _ => self.rows,
        };
        Ok(Some(page))
    }

    async fn read(&self, db: &impl ConnectionTrait) -> Result<Vec<Row>> {
        let (name, keys, columns) = (self.table.name, self.table.key_list(), self.table.column_list());
        let behind = match &self.after {
            Some(_) => format!("WHERE ({keys}) > ({})", places(self.table.keys)),
            None => String::new(),
        };
        let text = format!("SELECT {columns} FROM \"{name}\" {behind} ORDER BY {keys} LIMIT ?");
        let limit = Value::from(i64::try_from(self.rows).unwrap_or(i64::MAX));
        let binds = self.after.iter().flatten().cloned().chain([limit]);
        let rows = db.query_all_raw(raw(db, &text, binds)).await?;
        rows.iter().map(|row| row::read(row, self.table)).collect()
    }
}

/// Returns the key of a table's last row.
pub(crate) async fn last_key(db: &impl ConnectionTrait, table: &Table) -> Result<Option<Row>> {
    let (name, columns) = (table.name, table.column_list());
    let keys: Vec<String> = table.columns[..table.keys]
        .iter()
        .map(|column| format!("\"{}\" DESC", column.name))
        .collect();
    let text = format!("SELECT {columns} FROM \"{name}\" ORDER BY {} LIMIT 1", keys.join(", "));
    let row = db.query_one_raw(raw(db, &text, [])).await?;
    let row = row.map(|row| row::read(&row, table)).transpose()?;
    Ok(row.map(|mut row| {
        row.truncate(table.keys);
        row
    }))
}

/// Inserts a page: all of its rows or none.
pub(crate) async fn insert(db: &impl ConnectionTrait, table: &Table, page: &[Row]) -> Result<()> {
    for row in page {
        row::check(row, table)?;
    }
    let one = format!("({})", places(table.columns.len()));
    let text = format!(
        "INSERT INTO \"{}\" ({}) VALUES {}",
        table.name,
        table.column_list(),
        vec![one; page.len()].join(", ")
    );
    let binds = page.iter().flatten().cloned();
    let written = db.execute_raw(raw(db, &text, binds)).await?.rows_affected();
    match usize::try_from(written) == Ok(page.len()) {
        true => Ok(()),
        false => Err(Error::internal(format!(
            "{} of {} rows were written",
            written,
            page.len()
        ))),
    }
}

fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}
