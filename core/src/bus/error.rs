//! The errors of the bus.

/// The reason why there is no bus, or why it did not carry a message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that fits no bus.
    #[error("is {0}")]
    Refused(&'static str),
    /// A server that is too old.
    #[error("is a NATS server of version {0}; 2.10 is the first that is supported")]
    TooOld(String),
    /// A server that refuses the login.
    #[error("does not let us in: {0}")]
    Denied(String),
    /// The bus is already connected.
    #[error("is connected already")]
    Connected,
    /// The transport is out of reach, for now.
    #[error("{0}")]
    Away(String),
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        Self::invalid("bus", error.to_string())
    }
}
