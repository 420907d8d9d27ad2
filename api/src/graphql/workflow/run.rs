//! Stage runs: how far sending again has come.

use async_graphql::{Context, ID, Object};
use entity::{ReplayStatus, Timestamp, stage_run};

use super::{
    super::{error::Result, work_loader},
    Stage,
};

/// A webhook stage sends again for every task it holds.
pub struct StageRun(pub stage_run::Model);

/// A webhook stage sends again for every task it holds.
#[Object]
impl StageRun {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Which stage.
    async fn stage(&self, ctx: &Context<'_>) -> Result<Stage> {
        work_loader::stage(ctx, self.0.stage_id).await
    }

    /// Tasks that were held when it began.
    async fn total(&self) -> i32 {
        self.0.total
    }

    /// Tasks that were sent again so far.
    async fn done(&self) -> i32 {
        self.0.done
    }

    /// How far it has come.
    async fn status(&self) -> ReplayStatus {
        self.0.status
    }

    /// When it began.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}
