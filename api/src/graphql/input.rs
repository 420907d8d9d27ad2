//! Inputs that several nouns share.

use async_graphql::{ID, InputObject, MaybeUndefined};
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

/// Returns the value of an optional field that keeps its value when it is absent. Null is refused: it would be ignored,
/// and the caller would believe that something has changed. A field that null clears is not read by this.
pub fn given<T>(field: &str, value: MaybeUndefined<T>) -> Result<Option<T>> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => Err(ApiError::invalid(
            field,
            "must not be null; leave it out to keep its value",
        )),
    }
}

/// Returns the text of an optional field that null empties.
pub fn emptied(value: MaybeUndefined<String>) -> Option<String> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(String::new()),
        MaybeUndefined::Value(text) => Some(text),
    }
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
