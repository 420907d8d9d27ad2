//! Which answers of receivers are kept.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};

/// Of which attempts the receiver's answer is kept, its headers and body. What was sent, the status, times and errors
/// always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Enum, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Capture {
    /// Of all.
    #[default]
    #[sea_orm(num_value = 0)]
    Full,
    /// Of those that failed.
    #[sea_orm(num_value = 1)]
    Failures,
    /// Of those that failed, and of a part of the others: `capturePercent` says how many of a hundred notifications.
    #[sea_orm(num_value = 2)]
    Sample,
}
