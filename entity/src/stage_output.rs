//! Outputs of a stage: the kinds of its outgoing edges. The stage's type determines which of them it has.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The output of a stage that an edge starts from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StageOutput {
    /// For START, LABEL and HOLD: the task moves on.
    #[sea_orm(num_value = 0)]
    Next,
    /// For REVIEW: the reviewer approved.
    #[sea_orm(num_value = 1)]
    Approved,
    /// For REVIEW: the reviewer rejected.
    #[sea_orm(num_value = 2)]
    Rejected,
    /// For WEBHOOK: the receiver responded with 2xx.
    #[sea_orm(num_value = 3)]
    Succeeded,
    /// For WEBHOOK: the attempts are exhausted. Without this edge the task is held in the stage.
    #[sea_orm(num_value = 4)]
    Failed,
    /// For LOGIC: the edge's condition is true. Edges are tried in order.
    #[sea_orm(num_value = 5)]
    Matched,
    /// For LOGIC: no condition is true.
    #[sea_orm(num_value = 6)]
    Else,
}

impl StageOutput {
    /// Returns the name that is used in the API, in payloads and in logs.
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
