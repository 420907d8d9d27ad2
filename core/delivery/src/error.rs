//! The error of this crate. A failed request is not an error but an [`Outcome`](crate::sender::Outcome).

use std::sync::Arc;

/// A setting that cannot be used, or a fault of this process.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An input is at fault.
    #[error("{field}: {reason}")]
    Invalid {
        /// The path of the field in the input: `url`, `retryPolicy.delaysMs`.
        field: String,
        /// The reason, in lower case and without a full stop.
        reason: String,
    },
    /// The client could not be set up.
    #[error("internal error")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// The result of what can fail in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns the error of an input: the field and the reason.
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(source.into()))
    }
}
