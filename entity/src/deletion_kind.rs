//! Kinds of deletions that run in steps.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The objects that a deletion removes in steps.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeletionKind {
    /// All labels of a dataset's data rows.
    #[sea_orm(num_value = 0)]
    Dataset,
    /// All labels of one data row.
    #[sea_orm(num_value = 1)]
    DataRow,
    /// All tasks of a dataset's data rows.
    #[sea_orm(num_value = 2)]
    DatasetTasks,
}

impl DeletionKind {
    /// Returns the name that is used in the API, in headers and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dataset => "DATASET",
            Self::DataRow => "DATA_ROW",
            Self::DatasetTasks => "DATASET_TASKS",
        }
    }
}
