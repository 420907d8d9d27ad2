//! The kinds of failure of an attempt.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The reason why an attempt got no usable response from the receiver.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AttemptErrorKind {
    /// DNS: the host name could not be resolved.
    #[sea_orm(num_value = 0)]
    Dns,
    /// No connection could be established, or it broke.
    #[sea_orm(num_value = 1)]
    Connect,
    /// The TLS handshake failed, for example because of the certificate.
    #[sea_orm(num_value = 2)]
    Tls,
    /// The attempt ran into its timeout, which covers name resolution, connection, request and the whole response.
    #[sea_orm(num_value = 3)]
    Timeout,
    /// The host resolves to an address that the server must not call (protection against SSRF).
    #[sea_orm(num_value = 4)]
    BlockedAddress,
    /// The receiver responded with a redirect; redirects are never followed.
    #[sea_orm(num_value = 5)]
    Redirect,
    /// The response was not valid HTTP.
    #[sea_orm(num_value = 6)]
    Protocol,
    /// The response body was larger than the 256 KiB that the server reads. Reported beside the response: the attempt
    /// is judged by its status.
    #[sea_orm(num_value = 7)]
    BodyTooLarge,
    /// The attempt was canceled before it ended.
    #[sea_orm(num_value = 8)]
    Canceled,
    /// The webhook's listener disconnected before it answered.
    #[sea_orm(num_value = 9)]
    ListenerGone,
}

impl AttemptErrorKind {
    /// Returns the name that is used in the API, in headers and in logs.
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
