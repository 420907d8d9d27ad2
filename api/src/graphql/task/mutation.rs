//! Mutations that move tasks: work on one task, and bulk control of many.

use async_graphql::{Context, Object};
use labelhook_core::task as tasks;

use super::{
    super::{context::ContextExt, error::Result, input::WhereUniqueInput},
    AssignInput, RequeueInput, Task, TaskAnswerInput, TaskBatch, TaskReviewInput, TaskWhereInput,
};

/// Mutations of tasks.
#[derive(Default)]
pub struct TaskMutation;

#[Object]
impl TaskMutation {
    /// Saves work on a task, which stays in its stage. Publishes LABEL_UPDATED when the task has a label; otherwise the
    /// work is kept as its draft.
    async fn save_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the task by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The annotation and the time spent on it.")] data: TaskAnswerInput,
    ) -> Result<Task> {
        let row = tasks::save(ctx.app(), ctx.actor(), &r#where.id, data.into()).await?;
        Ok(Task(row))
    }

    /// Submits a task, which leaves its LABEL stage. Publishes LABEL_CREATED the first time, later LABEL_UPDATED, and
    /// WORKFLOW_ACTION.
    async fn submit_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the task by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The annotation and the time spent on it.")] data: TaskAnswerInput,
    ) -> Result<Task> {
        let row = tasks::submit(ctx.app(), ctx.actor(), &r#where.id, data.into()).await?;
        Ok(Task(row))
    }

    /// Reviews a task, which leaves its REVIEW stage. Publishes REVIEW_CREATED and WORKFLOW_ACTION.
    async fn review_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the task by id.")] r#where: WhereUniqueInput,
        #[graphql(desc = "The reviewer's decision.")] data: TaskReviewInput,
    ) -> Result<Task> {
        let row = tasks::review(ctx.app(), ctx.actor(), &r#where.id, data.into()).await?;
        Ok(Task(row))
    }

    /// Assigns tasks to a user. Tasks in a webhook stage right after START are sent by the assignment.
    async fn assign_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the tasks.")] r#where: TaskWhereInput,
        #[graphql(desc = "The user to assign, and the stage that the tasks must be in.")] data: AssignInput,
    ) -> Result<TaskBatch> {
        let ids = tasks::assign(ctx.app(), ctx.actor(), &r#where.read()?, data.into()).await?;
        Ok(ids.into())
    }

    /// Puts tasks into a stage, with all effects of entering it. Their history gets no entry. Publishes WORKFLOW_ACTION
    /// for each.
    async fn requeue_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the tasks.")] r#where: TaskWhereInput,
        #[graphql(desc = "The stage that the tasks are put into.")] data: RequeueInput,
    ) -> Result<TaskBatch> {
        let stage = data.stage.connect.id;
        let ids = tasks::requeue(ctx.app(), ctx.actor(), &r#where.read()?, &stage).await?;
        Ok(ids.into())
    }

    /// Moves tasks on from HOLD stages, with an entry in their history. Publishes WORKFLOW_ACTION for each.
    async fn forward_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the tasks.")] r#where: TaskWhereInput,
    ) -> Result<TaskBatch> {
        let ids = tasks::forward(ctx.app(), ctx.actor(), &r#where.read()?).await?;
        Ok(ids.into())
    }
}
