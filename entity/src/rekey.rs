//! Changes of the master key, one row each.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `rekey`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rekey")]
pub struct Model {
    /// The id of the rekey.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RekeyId,
    /// The id of the master key before the change.
    pub from_key: String,
    /// The id of the master key after the change.
    pub to_key: String,
    /// The time at which the change started.
    pub created_at: Timestamp,
    /// The time at which everything was sealed with the new key; none while the change runs.
    pub done_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
