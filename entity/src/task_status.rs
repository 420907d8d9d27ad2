//! Where a task stands within its stage.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// Where a task stands within its stage.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    /// Waits for somebody to work on it; in a webhook stage right after START: to be assigned, so that it is sent.
    #[sea_orm(num_value = 0)]
    Ready,
    /// Somebody has saved work on it in this stage.
    #[sea_orm(num_value = 1)]
    InProgress,
    /// Its webhook is being sent; the answer moves it.
    #[sea_orm(num_value = 2)]
    Waiting,
    /// Kept in its stage: by a HOLD stage, or because its webhook was not sent. `statusReason` says why.
    #[sea_orm(num_value = 3)]
    Held,
    /// At an end of the workflow.
    #[sea_orm(num_value = 4)]
    Done,
}

impl TaskStatus {
    /// The word as it stands in the API, in payloads and in logs.
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
