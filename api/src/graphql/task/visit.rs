//! A visit of a task to a stage.

use async_graphql::{Context, Object};
use entity::{Timestamp, stage_visit};

use super::super::{error::Result, loader, user::User, work_loader, workflow::Stage};

/// A stage that a task has completed: when, how long somebody worked, and who.
pub struct StageVisit(pub stage_visit::Model);

/// A stage that a task has completed: when, how long somebody worked, and who.
#[Object]
impl StageVisit {
    /// Which stage, removed ones too.
    async fn stage(&self, ctx: &Context<'_>) -> Result<Stage> {
        work_loader::stage(ctx, self.0.stage_id).await
    }

    /// When the task came in.
    async fn entered_at(&self) -> Timestamp {
        self.0.entered_at
    }

    /// When it left.
    async fn completed_at(&self) -> Option<Timestamp> {
        Some(self.0.completed_at)
    }

    /// Work in the stage, in milliseconds; 0 for automatic stages.
    async fn duration_ms(&self) -> i64 {
        self.0.duration_ms
    }

    /// Of it, idle.
    async fn idle_ms(&self) -> i64 {
        self.0.idle_ms
    }

    /// Of it, with the editor out of sight.
    async fn blur_ms(&self) -> i64 {
        self.0.blur_ms
    }

    /// Who passed the task on; null for automatic stages.
    async fn completed_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.completed_by?).await
    }

    /// Who submitted the answer; null for automatic stages.
    async fn submitted_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.submitted_by?).await
    }

    /// Whether it was passed on without an answer.
    async fn skipped(&self) -> bool {
        self.0.skipped
    }
}
