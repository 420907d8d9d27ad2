//! Why an attempt got no usable answer.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// Why an attempt got no usable answer from the receiver.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AttemptErrorKind {
    /// The host's name could not be resolved.
    #[sea_orm(num_value = 0)]
    Dns,
    /// No connection could be made, or it broke.
    #[sea_orm(num_value = 1)]
    Connect,
    /// The TLS handshake failed, for instance over the certificate.
    #[sea_orm(num_value = 2)]
    Tls,
    /// The time of the attempt was over: its limit covers name look-up, connection and the whole answer.
    #[sea_orm(num_value = 3)]
    Timeout,
    /// The host resolves to an address that the server must not call.
    #[sea_orm(num_value = 4)]
    BlockedAddress,
    /// The receiver answered with a redirect; redirects are never followed.
    #[sea_orm(num_value = 5)]
    Redirect,
    /// The answer was not HTTP.
    #[sea_orm(num_value = 6)]
    Protocol,
    /// The answer's body was larger than the 256 KiB that the server reads. Said beside the response: the attempt is judged
    /// by its status.
    #[sea_orm(num_value = 7)]
    BodyTooLarge,
    /// The attempt was stopped before it ended.
    #[sea_orm(num_value = 8)]
    Canceled,
    /// The listener of the webhook went away before it answered.
    #[sea_orm(num_value = 9)]
    ListenerGone,
}

impl AttemptErrorKind {
    /// The word as it stands in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Connect => "CONNECT",
            Self::Tls => "TLS",
            Self::Timeout => "TIMEOUT",
            Self::BlockedAddress => "BLOCKED_ADDRESS",
            Self::Redirect => "REDIRECT",
            Self::Protocol => "PROTOCOL",
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::Canceled => "CANCELED",
            Self::ListenerGone => "LISTENER_GONE",
        }
    }
}
