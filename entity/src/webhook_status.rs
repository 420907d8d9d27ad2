//! Whether a webhook is sent to.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// Whether a webhook receives events.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookStatus {
    /// Events are sent.
    #[sea_orm(num_value = 0)]
    Active,
    /// Switched off by a person. Nothing is sent and nothing new is queued.
    #[sea_orm(num_value = 1)]
    Inactive,
    /// Switched off for cause: by a person, because the receiver answered 410 Gone, or because nothing got through for days;
    /// `statusReason` says which.
    #[sea_orm(num_value = 2)]
    Revoked,
}

impl WebhookStatus {
    /// The word as it stands in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Revoked => "REVOKED",
        }
    }
}
