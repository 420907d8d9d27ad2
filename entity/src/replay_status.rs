//! How far a job that runs in steps has come.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// How far a job that runs in steps has come.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReplayStatus {
    /// Not finished; it goes on after a restart.
    #[sea_orm(num_value = 0)]
    Running,
    /// Finished.
    #[sea_orm(num_value = 1)]
    Succeeded,
    /// Given up: what it works on is gone.
    #[sea_orm(num_value = 2)]
    Failed,
    /// Stopped by a person; what it has handed over goes on.
    #[sea_orm(num_value = 3)]
    Canceled,
}

impl ReplayStatus {
    /// The word as it stands in the API, in payloads and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
        }
    }
}
