//! Kinds of tallies.

use sea_orm::{DeriveActiveEnum, EnumIter};

/// The kind of outcome that a tally counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum TallyKind {
    /// A notification was created.
    #[sea_orm(num_value = 0)]
    Made,
    /// A notification was canceled.
    #[sea_orm(num_value = 1)]
    Canceled,
    /// A request ended, and the notification is unfinished.
    #[sea_orm(num_value = 2)]
    Tried,
    /// A request ended, and the notification succeeded.
    #[sea_orm(num_value = 3)]
    Succeeded,
    /// A request ended, and the notification failed.
    #[sea_orm(num_value = 4)]
    Failed,
}
