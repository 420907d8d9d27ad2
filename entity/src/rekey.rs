//! Changes of the master key, each from beginning to end.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `rekey`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rekey")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RekeyId,
    /// The id of the key that sealed before.
    pub from_key: String,
    /// The id of the key that seals from then on.
    pub to_key: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When everything was under the new key; none: it is not.
    pub done_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
