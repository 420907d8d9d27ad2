//! Intakes: jobs that turn the data rows of a dataset or batch into tasks of a project, in steps.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `intake`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "intake")]
pub struct Model {
    /// The id of the intake.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IntakeId,
    /// The organization that owns the intake.
    pub organization_id: OrganizationId,
    /// The project that gets the tasks.
    pub project_id: ProjectId,
    /// The source: a dataset or a batch.
    pub kind: IntakeKind,
    /// The id of the dataset or batch.
    pub target_id: Uuid,
    /// The user who attached it.
    pub actor_id: Option<UserId>,
    /// The last data row that was processed.
    pub place: Option<DataRowId>,
    /// The time at which the intake started.
    pub created_at: Timestamp,
    /// The time at which the last data row was processed.
    pub done_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
