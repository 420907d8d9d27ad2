//! Stage runs and their progress.

use async_graphql::{Context, ID, Object};
use entity::{ReplayStatus, Timestamp, stage_run};

use super::{
    super::{error::Result, work_loader},
    Stage,
};

/// A stage run: a job in which a webhook stage sends again for every task that it holds.
pub struct StageRun(pub stage_run::Model);

/// A stage run: a job in which a webhook stage sends again for every task that it holds.
#[Object]
impl StageRun {
    /// The id of the stage run.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The stage that sends again.
    async fn stage(&self, ctx: &Context<'_>) -> Result<Stage> {
        work_loader::stage(ctx, self.0.stage_id).await
    }

    /// The number of tasks that were held at the start.
    async fn total(&self) -> i32 {
        self.0.total
    }

    /// The number of tasks that were sent again so far.
    async fn done(&self) -> i32 {
        self.0.done
    }

    /// The status of the job.
    async fn status(&self) -> ReplayStatus {
        self.0.status
    }

    /// The time at which the stage run started.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}
