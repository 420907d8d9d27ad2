//! Statements written by hand, for both databases: in our text a place is `?` or `?3`, as SQLite has it; PostgreSQL has `$3`.

use sea_orm::{
    ConnectionTrait, DbBackend, Statement, Value,
    sea_query::{Expr, ExprTrait, Func},
};
use std::fmt::Write;

/// A statement for the database behind `db`. A text has its places either all counted or all numbered, and none of its
/// literals has a question mark.
pub(crate) fn raw(db: &impl ConnectionTrait, text: &str, binds: impl IntoIterator<Item = Value>) -> Statement {
    let backend = db.get_database_backend();
    match backend {
        DbBackend::Postgres => Statement::from_sql_and_values(backend, dollars(text), binds),
        _ => Statement::from_sql_and_values(backend, text, binds),
    }
}

/// The bytes of a text, which neither database reads for it.
pub(crate) fn octets(text: Expr) -> Expr {
    Func::cust("octet_length").arg(text).cast_as("bigint")
}

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
