//! Capture modes: the responses of receivers that are stored.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};

/// The attempts whose response headers and body are stored. The request, the status, times and errors are always
/// stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Enum, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Capture {
    /// All attempts.
    #[default]
    #[sea_orm(num_value = 0)]
    Full,
    /// Failed attempts only.
    #[sea_orm(num_value = 1)]
    Failures,
    /// Failed attempts, and a sample of the successful ones: those of `capturePercent` percent of the notifications.
    #[sea_orm(num_value = 2)]
    Sample,
}
