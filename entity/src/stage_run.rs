//! Stage runs: jobs in which a webhook stage sends again for every task that it holds, in steps.

use sea_orm::entity::prelude::*;

use crate::*;

/// One row of `stage_run`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "stage_run")]
pub struct Model {
    /// The id of the stage run.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StageRunId,
    /// The organization that owns the stage run.
    pub organization_id: OrganizationId,
    /// The stage that sends again.
    pub stage_id: StageId,
    /// The user who started it.
    pub actor_id: Option<UserId>,
    /// The number of tasks that were held at the start.
    pub total: i32,
    /// The number of tasks that were sent again so far.
    pub done: i32,
    /// The status of the job.
    pub status: ReplayStatus,
    /// The last task that was processed.
    pub place: Option<TaskId>,
    /// The time at which the stage run started.
    pub created_at: Timestamp,
    /// The time of the last step of the stage run.
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
