//! Statuses of a job that runs in steps.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The status of a job that runs in steps.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReplayStatus {
    /// Not finished; the job survives a restart.
    #[sea_orm(num_value = 0)]
    Running,
    /// Finished.
    #[sea_orm(num_value = 1)]
    Succeeded,
    /// Given up: the object that it works on no longer exists.
    #[sea_orm(num_value = 2)]
    Failed,
    /// Canceled; what was already enqueued is still sent.
    #[sea_orm(num_value = 3)]
    Canceled,
}

impl ReplayStatus {
    /// Returns the name that is used in the API, in payloads and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }
}
