//! Translates database errors for callers: try again later ([`Error::Unavailable`]: the disk is full, the file cannot
//! be written), a conflict ([`Error::Conflict`]: a unique value was taken at the same moment), or an internal error
//! ([`Error::Internal`]).

use super::postgres;
use crate::Error;
use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

impl From<DbErr> for Error {
    fn from(fault: DbErr) -> Self {
        match trouble(&fault) {
            Some(reason) => {
                tracing::error!(error = %fault, "the database cannot be used");
                Self::Unavailable(format!(
                    "the database cannot be used now: {reason}; nothing was changed"
                ))
            }
            // Whoever could say which value is taken has asked before; here two asked at the same moment.
            None if is_duplicate(&fault) => Self::Conflict("the same was made at this moment; ask again".into()),
            None => Self::internal(fault),
        }
    }
}

/// Returns whether a row was refused by a unique constraint.
pub(crate) fn is_duplicate(fault: &DbErr) -> bool {
    matches!(fault.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Returns the reason of a transient error, by SQLite's primary result code (the low byte of its extended codes):
/// sqlite.org/rescode.html.
fn trouble(fault: &DbErr) -> Option<&'static str> {
    let source = match fault {
        DbErr::Conn(RuntimeErr::SqlxError(source))
        | DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source)) => source,
        DbErr::ConnectionAcquire(_) => return Some("no connection is free"),
        _ => return None,
    };
    let code: i32 = match &**source {
        sqlx::Error::Database(fault) if fault.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() => {
            return postgres::trouble(&**fault);
        }
        sqlx::Error::Database(fault) => fault.code()?.parse().ok()?,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => {
            return Some("the connection is lost");
        }
        _ => return None,
    };
    match code & 0xff {
        5 | 6 => Some("it is locked by another process"),
        7 => Some("memory is short"),
        8 => Some("it cannot be written"),
        10 => Some("the disk reports an error"),
        13 => Some("the disk is full"),
        14 => Some("a file cannot be opened"),
        _ => None,
    }
}
