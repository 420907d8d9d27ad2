//! API keys: the credentials of requests. The key itself is never stored, only its hash.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `api_key`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// The id of the API key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    /// The organization that owns the API key.
    pub organization_id: OrganizationId,
    /// The user on whose behalf the key acts.
    pub user_id: UserId,
    /// The purpose of the key, as its creator named it.
    pub name: String,
    /// The first characters of the key, shown so that people can tell keys apart.
    pub prefix: String,
    /// SHA-256 of the key. The key has 256 random bits, so a slow password hash would add nothing.
    pub hash: Vec<u8>,
    /// JSON list of the ids of the projects that the key is limited to; none: not limited.
    pub projects: Option<String>,
    /// The time at which the API key was created.
    pub created_at: Timestamp,
    /// The time from which the key is refused.
    pub expires_at: Option<Timestamp>,
    /// The time of the last request with the key, to within a minute.
    pub last_used_at: Option<Timestamp>,
    /// The time at which the key was revoked.
    pub revoked_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
