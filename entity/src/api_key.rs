//! API keys: how a request says who asks. The key itself is never stored.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `api_key`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// On whose behalf it acts.
    pub user_id: UserId,
    /// What it is for.
    pub name: String,
    /// The first characters, for people to tell keys apart.
    pub prefix: String,
    /// SHA-256 of the key: it has 256 random bits, so a slow hash buys nothing.
    pub hash: Vec<u8>,
    /// JSON list of the project ids it is limited to; none: all.
    pub projects: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was last seen, to within a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
