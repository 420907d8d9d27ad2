//! Payloads: the exact bytes that are sent, one row for each event and shape.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `payload`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payload")]
pub struct Model {
    /// The id of the payload.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayloadId,
    /// The organization that owns the payload.
    pub organization_id: OrganizationId,
    /// The event that it renders.
    pub event_id: EventId,
    /// The payload format.
    pub format: PayloadFormat,
    /// The part of the event's data that it contains.
    pub content: PayloadContent,
    /// SHA-256 of the payload query that rendered it; none: its format did.
    pub query_hash: Option<Vec<u8>>,
    /// The bytes. Signatures cover them, so they are never serialized again.
    pub body: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
