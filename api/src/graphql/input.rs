//! Inputs that several nouns share.

use async_graphql::{ID, InputObject};
use uuid::Uuid;

use super::error::{ApiError, Result};

/// One object, by its id.
#[derive(InputObject)]
pub struct WhereUniqueInput {
    /// Its id.
    pub id: ID,
}

/// An object that exists and is to be connected.
#[derive(InputObject)]
pub struct ConnectInput {
    /// Which one.
    pub connect: WhereUniqueInput,
}

/// Values in one list of a filter at most.
const VALUES: usize = 100;

/// A list of a filter, "one of", within its bound.
pub fn bounded<T>(field: &str, values: Option<Vec<T>>) -> Result<Option<Vec<T>>> {
    match values {
        Some(values) if values.len() > VALUES => {
            Err(ApiError::invalid(field, format!("must have at most {VALUES} values")))
        }
        values => Ok(values),
    }
}

/// Ids that nothing can have are left out: they match nothing, as unknown ones do.
pub fn ids<T: From<Uuid>>(field: &str, values: Option<Vec<ID>>) -> Result<Option<Vec<T>>> {
    let values = bounded(field, values)?;
    Ok(values.map(|values| values.iter().filter_map(|id| id.parse().ok().map(Uuid::into)).collect()))
}
