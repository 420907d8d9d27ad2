//! Nodes: the processes that share a database. A row is a lease: it lives as long as its node renews it.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `node`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "node")]
pub struct Model {
    /// The id of the node: new at each start, and again after the node was declared dead.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NodeId,
    /// The name that the operator gave the node.
    pub name: String,
    /// The version of the software that the node runs.
    pub version: String,
    /// The role of the node: all, api or dispatch.
    pub role: String,
    /// The time at which the node joined, by the database's clock.
    pub started_at: Timestamp,
    /// The time of the node's last heartbeat, by the database's clock.
    pub seen_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
