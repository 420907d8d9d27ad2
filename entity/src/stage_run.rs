//! Stage runs: a webhook stage sends again for every task it holds, in steps.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `stage_run`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stage_run")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StageRunId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Which stage.
    pub stage_id: StageId,
    /// Who asked for it.
    pub actor_id: Option<UserId>,
    /// Tasks that were held when it began.
    pub total: i32,
    /// Tasks that were sent again so far.
    pub done: i32,
    /// How far it has come.
    pub status: ReplayStatus,
    /// The last task it looked at.
    pub place: Option<TaskId>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last went on.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
