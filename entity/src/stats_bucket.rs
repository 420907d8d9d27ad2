//! The pieces of time that statistics are shown in.

use async_graphql::Enum;

/// The pieces of time that statistics are shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum StatsBucket {
    /// Whole hours.
    Hour,
    /// Whole days, in UTC.
    Day,
}
