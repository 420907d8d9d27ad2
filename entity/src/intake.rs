//! Intakes: data rows of a dataset or batch become tasks of a project, in steps.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `intake`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "intake")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IntakeId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Into which project.
    pub project_id: ProjectId,
    /// What is taken in.
    pub kind: IntakeKind,
    /// The dataset or batch.
    pub target_id: Uuid,
    /// Who attached it.
    pub actor_id: Option<UserId>,
    /// The last data row it looked at.
    pub place: Option<DataRowId>,
    /// When it began.
    pub created_at: Timestamp,
    /// When nothing was left.
    pub done_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
