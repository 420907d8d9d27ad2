//! What moves tasks: work on one, steering of many.

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
    /// Saves work on a task, which stays where it is. LABEL_UPDATED when it has a label; else it is kept as its draft.
    async fn save_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
        #[graphql(desc = "What was made of it.")] data: TaskAnswerInput,
    ) -> Result<Task> {
        let row = tasks::save(ctx.app(), ctx.actor(), &r#where.id, data.into()).await?;
        Ok(Task(row))
    }

    /// Submits a task, which leaves its LABEL stage. The first time LABEL_CREATED, then LABEL_UPDATED; WORKFLOW_ACTION.
    async fn submit_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
        #[graphql(desc = "What was made of it.")] data: TaskAnswerInput,
    ) -> Result<Task> {
        let row = tasks::submit(ctx.app(), ctx.actor(), &r#where.id, data.into()).await?;
        Ok(Task(row))
    }

    /// Judges a task, which leaves its REVIEW stage: REVIEW_CREATED and WORKFLOW_ACTION.
    async fn review_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] r#where: WhereUniqueInput,
        #[graphql(desc = "What the reviewer says.")] data: TaskReviewInput,
    ) -> Result<Task> {
        let row = tasks::review(ctx.app(), ctx.actor(), &r#where.id, data.into()).await?;
        Ok(Task(row))
    }

    /// Says who is to work on tasks. Tasks of a webhook stage right after START are sent by it.
    async fn assign_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tasks.")] r#where: TaskWhereInput,
        #[graphql(desc = "Who, and where the tasks are.")] data: AssignInput,
    ) -> Result<TaskBatch> {
        let ids = tasks::assign(ctx.app(), ctx.actor(), &r#where.read()?, data.into()).await?;
        Ok(ids.into())
    }

    /// Puts tasks into a stage, whose entry does what every entry does. Their history gets no entry; WORKFLOW_ACTION each.
    async fn requeue_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tasks.")] r#where: TaskWhereInput,
        #[graphql(desc = "Where they go.")] data: RequeueInput,
    ) -> Result<TaskBatch> {
        let stage = data.stage.connect.id;
        let ids = tasks::requeue(ctx.app(), ctx.actor(), &r#where.read()?, &stage).await?;
        Ok(ids.into())
    }

    /// Passes tasks on from HOLD stages, with an entry in their history; WORKFLOW_ACTION each.
    async fn forward_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tasks.")] r#where: TaskWhereInput,
    ) -> Result<TaskBatch> {
        let ids = tasks::forward(ctx.app(), ctx.actor(), &r#where.read()?).await?;
        Ok(ids.into())
    }
}
