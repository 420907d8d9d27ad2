//! The life of a notification: PENDING → SENDING → SUCCEEDED, or RETRYING and again, or FAILED or CANCELED at the end.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// Where a notification is on its way to the receiver.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NotificationStatus {
    /// Waits for its first attempt.
    #[sea_orm(num_value = 0)]
    Pending,
    /// A node holds it and is sending it or is about to.
    #[sea_orm(num_value = 1)]
    Sending,
    /// An attempt failed; `nextAttemptAt` says when the next is due.
    #[sea_orm(num_value = 2)]
    Retrying,
    /// The receiver answered 2xx.
    #[sea_orm(num_value = 3)]
    Succeeded,
    /// Given up: the attempts are spent, or the receiver answered 410 Gone.
    #[sea_orm(num_value = 4)]
    Failed,
    /// Stopped by a person before it was delivered.
    #[sea_orm(num_value = 5)]
    Canceled,
}

impl NotificationStatus {
    /// The word as it stands in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Sending => "SENDING",
            Self::Retrying => "RETRYING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }
}
