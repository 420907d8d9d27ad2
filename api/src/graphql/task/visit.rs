//! A visit of a task to a stage.

use async_graphql::{Context, Object};
use entity::{Timestamp, stage_visit};

use super::super::{error::Result, loader, user::User, work_loader, workflow::Stage};

/// A stage that a task completed: the times, the working time, and the users.
pub struct StageVisit(pub stage_visit::Model);

/// A stage that a task completed: the times, the working time, and the users.
#[Object]
impl StageVisit {
    /// The stage, which may have been removed since.
    async fn stage(&self, ctx: &Context<'_>) -> Result<Stage> {
        work_loader::stage(ctx, self.0.stage_id).await
    }

    /// The time at which the task entered the stage.
    async fn entered_at(&self) -> Timestamp {
        self.0.entered_at
    }

    /// The time at which the task left the stage.
    async fn completed_at(&self) -> Option<Timestamp> {
        Some(self.0.completed_at)
    }

    /// The working time in the stage, in milliseconds; 0 for automatic stages.
    async fn duration_ms(&self) -> i64 {
        self.0.duration_ms
    }

    /// The part of the working time that was idle, in milliseconds.
    async fn idle_ms(&self) -> i64 {
        self.0.idle_ms
    }

    /// The part of the working time in which the editor was out of focus, in milliseconds.
    async fn blur_ms(&self) -> i64 {
        self.0.blur_ms
    }

    /// The user who moved the task on; null for automatic stages.
    async fn completed_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.completed_by?).await
    }

    /// The user who submitted the answer; null for automatic stages.
    async fn submitted_by(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        loader::user(ctx, self.0.submitted_by?).await
    }

    /// True if the task was moved on without an answer.
    async fn skipped(&self) -> bool {
        self.0.skipped
    }
}
