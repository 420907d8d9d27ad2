//! Workflows: one for each project. Its stages are rows of `stage`.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `workflow`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow")]
pub struct Model {
    /// The project that the workflow belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// The organization that owns the workflow.
    pub organization_id: OrganizationId,
    /// The version, which grows with every save.
    pub version: i32,
    /// The maximum number of times that a task may enter one webhook stage before it is held there.
    pub max_passes: i32,
    /// The user who last saved it.
    pub updated_by: Option<UserId>,
    /// The time at which the workflow was created.
    pub created_at: Timestamp,
    /// The time at which the workflow was last saved.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
