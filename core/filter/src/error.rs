//! The error of this crate.

/// An expression that is refused, or that could not be compiled now.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The expression is at fault.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field of the input that the expression was given in.
        field: String,
        /// The reason, in lower case and without a full stop.
        reason: String,
    },
    /// Too many expressions are being compiled; the same one may be accepted later.
    #[error("{0}")]
    Unavailable(String),
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
}
