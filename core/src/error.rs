//! The error type of core, by the kinds that a caller can act on. `api/src/graphql/error.rs` turns each into a response
//! with its code. A failed request to a receiver is not an error but an
//! [`Outcome`](crate::delivery::sender::Outcome).

use std::sync::Arc;

/// The error of a verb.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The object is unknown, deleted, or of another organization: the caller cannot tell which.
    #[error("{noun} {id} not found")]
    NotFound {
        /// The noun as the API names it, lower case: `webhook`.
        noun: &'static str,
        /// The id as it was given, cut if it is longer than any id of ours.
        id: String,
    },
    /// An input is not valid.
    #[error("{field}: {reason}")]
    Invalid {
        /// The path of the field in the input: `url`, `retryPolicy.delaysMs`.
        field: String,
        /// The reason, in lower case, without a full stop.
        reason: String,
    },
    /// The state does not allow it, or a concurrent change came first.
    #[error("{0}")]
    Conflict(String),
    /// The caller is authenticated and may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The caller is not authenticated.
    #[error("{0}")]
    Unauthenticated(String),
    /// The operation is not possible on this object in its current state.
    #[error("{0}")]
    NotAllowed(String),
    /// The database cannot take the change now; the same request may succeed later. Nothing was changed, unless the
    /// message says that this is not known.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of the server. The source is logged where the error is handled and never shown to a client.
    #[error("internal error")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// The most characters of an unknown id that an error repeats; ours have 36.
const MAX_ID_CHARS: usize = 64;

/// The result of a verb of core.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes the error for an object that is unknown, deleted or of another organization.
    pub fn not_found(noun: &'static str, id: impl ToString) -> Self {
        Self::NotFound {
            noun,
            id: id.to_string().chars().take(MAX_ID_CHARS).collect(),
        }
    }

    /// Makes the error for an input that is not valid, with its field and the reason.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// Puts a path in front of the field of an invalid input, for an input inside another one.
    pub(crate) fn within(self, path: &str) -> Self {
        match self {
            Self::Invalid { field, reason } => Self::Invalid {
                field: format!("{path}.{field}"),
                reason,
            },
            other => other,
        }
    }

    /// Makes the error for a fault of the server.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(source.into()))
    }
}

impl From<labelhook_delivery::Error> for Error {
    fn from(error: labelhook_delivery::Error) -> Self {
        match error {
            labelhook_delivery::Error::Invalid { field, reason } => Self::Invalid { field, reason },
            labelhook_delivery::Error::Internal(source) => Self::Internal(source),
        }
    }
}

impl From<labelhook_filter::Error> for Error {
    fn from(error: labelhook_filter::Error) -> Self {
        match error {
            labelhook_filter::Error::Invalid { field, reason } => Self::Invalid { field, reason },
            labelhook_filter::Error::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_repeat_an_id_of_any_length() {
        assert_eq!(Error::not_found("label", "l1").to_string(), "label l1 not found");
        let long = Error::not_found("label", "ü".repeat(100_000)).to_string();
        assert_eq!(long.chars().count(), "label ".len() + MAX_ID_CHARS + " not found".len());
    }
}
