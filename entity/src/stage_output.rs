//! The ways out of a stage. Which a stage has, its type says.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// A way out of a stage.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StageOutput {
    /// Of START, LABEL and HOLD.
    #[sea_orm(num_value = 0)]
    Next,
    /// Of REVIEW: the reviewer approved.
    #[sea_orm(num_value = 1)]
    Approved,
    /// Of REVIEW: the reviewer rejected.
    #[sea_orm(num_value = 2)]
    Rejected,
    /// Of WEBHOOK: the receiver answered 2xx.
    #[sea_orm(num_value = 3)]
    Succeeded,
    /// Of WEBHOOK: the attempts are spent. Without it the task is held in the stage.
    #[sea_orm(num_value = 4)]
    Failed,
    /// Of LOGIC: its condition holds. Edges are tried in their order.
    #[sea_orm(num_value = 5)]
    Matched,
    /// Of LOGIC: no condition holds.
    #[sea_orm(num_value = 6)]
    Else,
}

impl StageOutput {
    /// The word as it stands in the API, in payloads and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "NEXT",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Matched => "MATCHED",
            Self::Else => "ELSE",
        }
    }
}
