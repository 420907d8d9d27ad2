//! What a tally counts.

use sea_orm::{DeriveActiveEnum, EnumIter};

/// Something that is counted of a webhook's notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum TallyKind {
    /// A notification was made.
    #[sea_orm(num_value = 0)]
    Made,
    /// It was canceled.
    #[sea_orm(num_value = 1)]
    Canceled,
    /// A request for it ended, and it did not end with it.
    #[sea_orm(num_value = 2)]
    Tried,
    /// A request for it ended, and it succeeded.
    #[sea_orm(num_value = 3)]
    Succeeded,
    /// A request for it ended, and it failed.
    #[sea_orm(num_value = 4)]
    Failed,
}
