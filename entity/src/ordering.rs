//! In which order a webhook is sent to.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// In which order a webhook is sent to.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Enum,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ordering {
    /// As it comes: several at the same time, and nothing waits for a retry.
    #[default]
    #[sea_orm(num_value = 0)]
    None,
    /// What happened to one data row in its order: the next is sent when the one before was delivered or given up. Events
    /// without a data row are not held up.
    #[sea_orm(num_value = 1)]
    PerDataRow,
    /// One after the other: the next is sent when the one before was delivered or given up.
    #[sea_orm(num_value = 2)]
    Strict,
}
