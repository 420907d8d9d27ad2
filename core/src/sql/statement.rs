//! Hand-written SQL for both databases. Placeholders are written as SQLite has them, `?` or `?3`; PostgreSQL gets `$3`.

use sea_orm::{
    ConnectionTrait, DbBackend, Statement, Value,
    sea_query::{Expr, ExprTrait, Func},
};
use std::fmt::Write;

/// Makes a statement for the database behind `db`. The placeholders of a text must be all positional or all numbered,
/// and no literal in it may contain a question mark.
pub(crate) fn raw(db: &impl ConnectionTrait, text: &str, binds: impl IntoIterator<Item = Value>) -> Statement {
    let backend = db.get_database_backend();
    match backend {
        DbBackend::Postgres => Statement::from_sql_and_values(backend, dollars(text), binds),
        _ => Statement::from_sql_and_values(backend, text, binds),
    }
}

/// Returns the expression for the length of a text in bytes, which both databases know without reading the text.
pub(crate) fn octets(text: Expr) -> Expr {
    Func::cust("octet_length").arg(text).cast_as("bigint")
}

/// Rewrites placeholders for PostgreSQL.
fn dollars(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let (mut rest, mut place) = (text, 0);
    while let Some((before, after)) = rest.split_once('?') {
        out.push_str(before);
        out.push('$');
        if !after.starts_with(|next: char| next.is_ascii_digit()) {
            place += 1;
            write!(out, "{place}").expect("a string takes everything");
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::dollars;

    #[test]
    fn places_are_counted_or_keep_their_number() {
        for (text, with_dollars) in [
            ("SELECT 1", "SELECT 1"),
            ("a = ? AND b IN (?, ?)", "a = $1 AND b IN ($2, $3)"),
            ("a = ?2 AND b = ?1 OR c = ?12", "a = $2 AND b = $1 OR c = $12"),
        ] {
            assert_eq!(dollars(text), with_dollars);
        }
    }
}
