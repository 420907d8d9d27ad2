//! Statuses of a webhook.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The status of a webhook.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookStatus {
    /// Events are sent.
    #[sea_orm(num_value = 0)]
    Active,
    /// Disabled by a user. Nothing is sent and nothing new is enqueued.
    #[sea_orm(num_value = 1)]
    Inactive,
    /// Revoked: by a user, because the receiver responded with 410 Gone, or because nothing was delivered for days;
    /// `statusReason` has the reason.
    #[sea_orm(num_value = 2)]
    Revoked,
}

impl WebhookStatus {
    /// Returns the name that is used in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Revoked => "REVOKED",
        }
    }
}
