//! The body of an answer: errors and data, as every way in sends them.

use async_graphql::{Response as Executed, ServerError, Value};
use serde::Serialize;

use super::error_codes;

/// The body of an answer. `data` is absent, not null, when nothing was executed.
#[derive(Serialize)]
pub struct Answer<'a> {
    /// Clients of rate limits read this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
}

impl<'a> Answer<'a> {
    /// The body for an operation that was executed. Its errors have been translated.
    pub fn of(executed: &'a Executed) -> Self {
        Self {
            message: None,
            errors: &executed.errors,
            data: (!is_refused(executed)).then_some(&executed.data),
        }
    }

    /// The body for a request that was not executed.
    pub fn refused(errors: &'a [ServerError], message: Option<&'a str>) -> Self {
        Self {
            message,
            errors,
            data: None,
        }
    }
}

/// The answer of an operation as the text of a message. Its errors have been translated.
pub fn text(executed: &Executed) -> String {
    serde_json::to_string(&Answer::of(executed)).expect("names are strings and numbers are finite")
}

/// Returns whether nothing was executed.
pub fn is_refused(executed: &Executed) -> bool {
    error_codes::is_request_error(&executed.errors, &executed.data)
}
