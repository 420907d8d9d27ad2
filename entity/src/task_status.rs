//! Statuses of a task within its stage.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The status of a task within its stage.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    /// Waiting for a person. In a webhook stage right after START: waiting to be assigned, which sends it.
    #[sea_orm(num_value = 0)]
    Ready,
    /// Work on it was saved in this stage.
    #[sea_orm(num_value = 1)]
    InProgress,
    /// Its webhook is being sent; the outcome moves it.
    #[sea_orm(num_value = 2)]
    Waiting,
    /// Held in its stage: by a HOLD stage, or because its webhook was not delivered. `statusReason` has the reason.
    #[sea_orm(num_value = 3)]
    Held,
    /// At an end of the workflow.
    #[sea_orm(num_value = 4)]
    Done,
}

impl TaskStatus {
    /// Returns the name that is used in the API, in payloads and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::InProgress => "IN_PROGRESS",
            Self::Waiting => "WAITING",
            Self::Held => "HELD",
            Self::Done => "DONE",
        }
    }
}
