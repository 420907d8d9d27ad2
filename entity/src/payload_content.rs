//! Contents of a webhook stage's payload.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The part of a task that a webhook stage sends.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayloadContent {
    /// The annotations and all metadata.
    #[sea_orm(num_value = 0)]
    Full,
    /// The metadata without the annotations.
    #[sea_orm(num_value = 1)]
    MetadataOnly,
}

impl PayloadContent {
    /// Returns the name that is used in the API, in payloads and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::MetadataOnly => "METADATA_ONLY",
        }
    }
}
