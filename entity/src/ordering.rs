//! Delivery orders of a webhook.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// The order in which a webhook's notifications are sent.
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
    /// No order: several are sent concurrently, and none waits for the retry of another.
    #[default]
    #[sea_orm(num_value = 0)]
    None,
    /// In order for each data row: the next notification is sent when the one before it was delivered or given up.
    /// Events without a data row are not held up.
    #[sea_orm(num_value = 1)]
    PerDataRow,
    /// In order for the webhook: the next notification is sent when the one before it was delivered or given up.
    #[sea_orm(num_value = 2)]
    Strict,
}
