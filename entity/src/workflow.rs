//! Workflows: one a project. Its stages are rows of `stage`.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `workflow`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow")]
pub struct Model {
    /// Of which project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Grows with every save.
    pub version: i32,
    /// How often a task may enter one webhook stage before it is held there.
    pub max_passes: i32,
    /// Who saved it last.
    pub updated_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
