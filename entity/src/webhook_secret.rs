//! Secrets of webhooks, sealed.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `webhook_secret`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_secret")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SecretId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Whose secret.
    pub webhook_id: WebhookId,
    /// The secret string as typed, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it no longer signs; none: the current one.
    pub expires_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
