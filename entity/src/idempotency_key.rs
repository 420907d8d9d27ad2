//! Requests that carried an idempotency key. What they asked and what they were answered is sealed: both may hold
//! secrets.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `idempotency_key`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IdempotencyId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Who asked: keys of others are others.
    pub api_key_id: ApiKeyId,
    /// The idempotency key as it was sent.
    pub key: String,
    /// Sealed: the digest of the request.
    pub request: Vec<u8>,
    /// Whether anything that the request asked for has been committed.
    pub committed: bool,
    /// The answer's status; none: there is no answer (yet).
    pub response_status: Option<i16>,
    /// The answer's media type.
    pub content_type: Option<String>,
    /// Sealed: the answer's body.
    pub answer: Option<Vec<u8>>,
    /// Which node carries it out.
    pub node_id: Option<NodeId>,
    /// When the request came.
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
