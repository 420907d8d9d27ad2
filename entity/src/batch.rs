//! Batches: named sets of data rows of a project.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `batch`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "batch")]
pub struct Model {
    /// The id of the batch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BatchId,
    /// The organization that owns the batch.
    pub organization_id: OrganizationId,
    /// The project that the batch belongs to.
    pub project_id: ProjectId,
    /// The display name of the batch.
    pub name: String,
    /// The time at which the batch was created.
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
