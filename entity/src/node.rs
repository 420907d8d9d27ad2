//! Nodes: the processes that share a database. A row lives as long as its node renews it.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `node`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "node")]
pub struct Model {
    /// Its id: new at each start, and after it was declared dead.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NodeId,
    /// What its operator calls it.
    pub name: String,
    /// Of which release it is.
    pub version: String,
    /// What it does: all, api or dispatch.
    pub role: String,
    /// When it came, by the database's clock.
    pub started_at: Timestamp,
    /// When it was last alive, by the database's clock.
    pub seen_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
