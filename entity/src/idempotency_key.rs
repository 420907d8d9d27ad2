//! Idempotency keys: the requests that carried one. The request digest and the response are sealed (encrypted), since
//! both may hold secrets.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `idempotency_key`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// The id of the request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IdempotencyId,
    /// The organization of the request.
    pub organization_id: OrganizationId,
    /// The API key of the request. Idempotency keys are separate for each API key.
    pub api_key_id: ApiKeyId,
    /// The idempotency key, as sent.
    pub key: String,
    /// Sealed: the digest of the request.
    pub request: Vec<u8>,
    /// A change that the request asked for has been committed.
    pub committed: bool,
    /// The HTTP status of the response; none while there is no response.
    pub response_status: Option<i16>,
    /// The media type of the response.
    pub content_type: Option<String>,
    /// Sealed: the body of the response.
    pub answer: Option<Vec<u8>>,
    /// The node that executes the request.
    pub node_id: Option<NodeId>,
    /// The time at which the request arrived.
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
