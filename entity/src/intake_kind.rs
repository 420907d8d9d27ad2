//! Sources of an intake.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The source of the data rows of an intake.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IntakeKind {
    /// The data rows of a dataset.
    #[sea_orm(num_value = 0)]
    Dataset,
    /// The data rows of a batch.
    #[sea_orm(num_value = 1)]
    Batch,
}

impl IntakeKind {
    /// Returns the name that is used in the API, in payloads and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dataset => "DATASET",
            Self::Batch => "BATCH",
        }
    }
}
