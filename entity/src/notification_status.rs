//! Statuses of a notification: PENDING → SENDING → SUCCEEDED, or RETRYING and SENDING again, or FAILED or CANCELED at
//! the end.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The status of a notification.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NotificationStatus {
    /// Waiting for the first attempt.
    #[sea_orm(num_value = 0)]
    Pending,
    /// A node has claimed it, and sends it now or is about to.
    #[sea_orm(num_value = 1)]
    Sending,
    /// An attempt failed; `nextAttemptAt` is the time of the next.
    #[sea_orm(num_value = 2)]
    Retrying,
    /// Delivered: the receiver responded with 2xx.
    #[sea_orm(num_value = 3)]
    Succeeded,
    /// Given up: the attempts are exhausted, or the receiver responded with 410 Gone.
    #[sea_orm(num_value = 4)]
    Failed,
    /// Canceled before it was delivered.
    #[sea_orm(num_value = 5)]
    Canceled,
}

impl NotificationStatus {
    /// Returns the name that is used in the API, in headers and in logs.
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
