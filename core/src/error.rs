//! The one error of core: the kinds a caller can act on. `api/src/graphql/error.rs` turns each into a response with its
//! code. A failed send is not an error but an `Outcome` (see `dispatcher/sender.rs`).

use std::sync::Arc;

/// What a verb of core may answer in place of its value.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Unknown, deleted, or of another organization: the caller cannot tell which.
    #[error("{noun} {id} not found")]
    NotFound {
        /// The noun as the API names it, lower case: `webhook`.
        noun: &'static str,
        /// The id as it was given, cut where it is longer than any of ours.
        id: String,
    },
    /// An input is at fault.
    #[error("{field}: {reason}")]
    Invalid {
        /// Path of the field in the input: `url`, `retryPolicy.delaysMs`.
        field: String,
        /// Why, lower case, no full stop.
        reason: String,
    },
    /// The state does not allow it, or somebody else was faster.
    #[error("{0}")]
    Conflict(String),
    /// The caller is known and may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The caller is not known.
    #[error("{0}")]
    Unauthenticated(String),
    /// The operation is legal but not for this object now.
    #[error("{0}")]
    NotAllowed(String),
    /// The database cannot take the change now; the same request may succeed later. Nothing was changed.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours. The source is logged where the error is handled and never shown to a client.
    #[error("internal error")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// Characters of an unknown id that an error repeats; ours have 36.
const SHOWN: usize = 64;

/// Result of a verb of core.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A row that is unknown, deleted or foreign.
    pub fn not_found(noun: &'static str, id: impl ToString) -> Self {
        Self::NotFound {
            noun,
            id: id.to_string().chars().take(SHOWN).collect(),
        }
    }

    /// An input at fault: which field and why.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// The same, of an input that lies inside another.
    pub(crate) fn within(self, path: &str) -> Self {
        match self {
            Self::Invalid { field, reason } => Self::Invalid {
                field: format!("{path}.{field}"),
                reason,
            },
            other => other,
        }
    }

    /// A fault of ours.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(source.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_repeat_an_id_of_any_length() {
        assert_eq!(Error::not_found("label", "l1").to_string(), "label l1 not found");
        let long = Error::not_found("label", "ü".repeat(100_000)).to_string();
        assert_eq!(long.chars().count(), "label ".len() + SHOWN + " not found".len());
    }
}
