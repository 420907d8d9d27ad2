//! Deletions that run in bounded steps and survive a restart: the labels or tasks of a deleted data row or dataset.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `deletion`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deletion")]
pub struct Model {
    /// The id of the deletion.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeletionId,
    /// The organization that owns the deletion.
    pub organization_id: OrganizationId,
    /// The kind of the deletion: of a data row or a dataset, and of its labels or tasks.
    pub kind: DeletionKind,
    /// The id of the deleted data row or dataset.
    pub target_id: Uuid,
    /// The user who deleted it.
    pub actor_id: Option<UserId>,
    /// The time at which the deletion was created.
    pub created_at: Timestamp,
    /// The time at which the last label or task was deleted; none while the deletion runs.
    pub done_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
