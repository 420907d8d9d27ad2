//! Inputs that several nouns share.

use async_graphql::{ID, InputObject};
use uuid::Uuid;

use super::error::{ApiError, Result};

/// Selects one object by id.
#[derive(InputObject)]
pub struct WhereUniqueInput {
    /// The id of the object.
    pub id: ID,
}

/// A reference to an existing object to connect.
#[derive(InputObject)]
pub struct ConnectInput {
    /// The object to connect.
    pub connect: WhereUniqueInput,
}

/// The maximum number of values in one list of a filter.
const VALUES: usize = 100;

/// Checks the length of a filter's list, which matches any of its values.
pub fn bounded<T>(field: &str, values: Option<Vec<T>>) -> Result<Option<Vec<T>>> {
    match values {
        Some(values) if values.len() > VALUES => {
            Err(ApiError::invalid(field, format!("must have at most {VALUES} values")))
        }
        values => Ok(values),
    }
}

/// Parses the ids of a filter. Malformed ids are dropped: like unknown ids, they match nothing.
pub fn ids<T: From<Uuid>>(field: &str, values: Option<Vec<ID>>) -> Result<Option<Vec<T>>> {
    let values = bounded(field, values)?;
    Ok(values.map(|values| values.iter().filter_map(|id| id.parse().ok().map(Uuid::into)).collect()))
}
