//! Payloads: the exact bytes that are sent, one row an event and shape.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `payload`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payload")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayloadId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Of which event.
    pub event_id: EventId,
    /// The shape.
    pub format: PayloadFormat,
    /// How much of the event it has.
    pub content: PayloadContent,
    /// SHA-256 of the payload query that made it; none: its format did.
    pub query_hash: Option<Vec<u8>>,
    /// The bytes; signatures cover them, nothing re-serialises them.
    pub body: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
