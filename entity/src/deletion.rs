//! Deletions that run in bounded steps and survive a restart: labels that follow their data row or dataset.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `deletion`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deletion")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeletionId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What was deleted.
    pub kind: DeletionKind,
    /// Its id.
    pub target_id: Uuid,
    /// Who deleted it.
    pub actor_id: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the last label had followed.
    pub done_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
