//! Bucket sizes of statistics.

use async_graphql::Enum;

/// The size of a bucket in a series of statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum StatsBucket {
    /// One hour.
    Hour,
    /// One day, in UTC.
    Day,
}
