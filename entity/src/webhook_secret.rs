//! Secrets of webhooks, sealed (encrypted).

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `webhook_secret`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_secret")]
pub struct Model {
    /// The id of the secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SecretId,
    /// The organization that owns the secret.
    pub organization_id: OrganizationId,
    /// The webhook that the secret belongs to.
    pub webhook_id: WebhookId,
    /// The secret as given, sealed.
    pub sealed: Vec<u8>,
    /// The time at which the secret was created.
    pub created_at: Timestamp,
    /// The time from which it no longer signs; none for the current secret.
    pub expires_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
