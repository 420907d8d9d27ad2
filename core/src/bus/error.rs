//! What can be wrong with a bus.

/// Why there is no bus, or why it did not carry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that names none.
    #[error("is {0}")]
    Refused(&'static str),
    /// A server that is too old.
    #[error("is a NATS server of version {0}; 2.10 is the first that is supported")]
    TooOld(String),
    /// A server that does not let us in.
    #[error("does not let us in: {0}")]
    Denied(String),
    /// It has a way already.
    #[error("is connected already")]
    Connected,
    /// Out of reach, for now.
    #[error("{0}")]
    Away(String),
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        Self::invalid("bus", error.to_string())
    }
}
