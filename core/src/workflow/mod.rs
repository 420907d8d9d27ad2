//! Workflows: a project's graph of stages, saved as a whole. [`check`] validates a graph; [`save()`] replaces it;
//! [`crate::task`] moves tasks through it. The GraphQL resolvers call the verbs. Nothing here may send a request or
//! know of GraphQL.

pub(crate) mod adopt;
mod check;
mod input;
mod plan;
mod save;
pub(crate) mod stage_webhook;
mod store;

pub use input::{EdgeInput, Move, Save, StageInput, StageWebhook};
pub use save::save;
pub use store::Workflow;
pub(crate) use store::make_default;

use crate::{
    App, Result,
    auth::{Action, Actor},
    lookup,
};
use entity::{OrganizationId, ProjectId, StageId, StageType, TaskStatus, project, stage, task, workflow};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};
use std::collections::HashMap;

/// The task counts of a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The number of tasks in the stage.
    pub tasks: i64,
    /// The number of these that are held.
    pub held: i64,
}

/// Returns the workflow of a project.
pub async fn get(app: &App, actor: &Actor, project: &str) -> Result<Workflow> {
    actor.require(Action::Read)?;
    let project: project::Model = lookup::find(app.db.read(), actor, project).await?;
    store::read(app.db.read(), project.id).await
}

/// Loads the workflows of several projects of an organization.
pub async fn many(
    app: &App,
    organization_id: OrganizationId,
    ids: &[ProjectId],
) -> Result<HashMap<ProjectId, Workflow>> {
    let rows = workflow::Entity::find()
        .filter(workflow::Column::OrganizationId.eq(organization_id))
        .filter(workflow::Column::ProjectId.is_in(ids.iter().copied()))
        .all(app.db.read())
        .await?;
    let stages = stage::Entity::find()
        .filter(stage::Column::ProjectId.is_in(rows.iter().map(|row| row.project_id)))
        .filter(stage::Column::RemovedAt.is_null())
        .order_by_asc(stage::Column::ProjectId)
        .order_by_asc(stage::Column::Place)
        .all(app.db.read())
        .await?;
    let empty = |row: workflow::Model| {
        (
            row.project_id,
            Workflow {
                row,
                stages: Vec::new(),
            },
        )
    };
    let mut workflows: HashMap<_, _> = rows.into_iter().map(empty).collect();
    for stage in stages {
        if let Some(workflow) = workflows.get_mut(&stage.project_id) {
            workflow.stages.push(stage);
        }
    }
    Ok(workflows)
}

/// Loads stages of an organization by id, removed ones included, for the objects that refer to them.
pub async fn stages(app: &App, organization_id: OrganizationId, ids: &[StageId]) -> Result<Vec<stage::Model>> {
    lookup::many(app.db.read(), organization_id, ids).await
}

/// Returns a stage that the actor has access to, by its id; removed ones included.
pub async fn stage(app: &App, actor: &Actor, id: &str) -> Result<stage::Model> {
    actor.require(Action::Read)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Counts the tasks of each stage, on an index.
pub async fn counts(app: &App, ids: &[StageId]) -> Result<HashMap<StageId, Counts>> {
    #[derive(FromQueryResult)]
    struct Counted {
        stage_id: StageId,
        tasks: i64,
        held: i64,
    }
    let rows = counted(ids).into_model::<Counted>().all(app.db.read()).await?;
    let counts = |row: Counted| {
        (
            row.stage_id,
            Counts {
                tasks: row.tasks,
                held: row.held,
            },
        )
    };
    Ok(rows.into_iter().map(counts).collect())
}

fn counted(ids: &[StageId]) -> Select<task::Entity> {
    let held = Expr::case(task::Column::Status.eq(TaskStatus::Held), 1).finally(0);
    task::Entity::find()
        .select_only()
        .column(task::Column::StageId)
        .column_as(task::Column::Id.count(), "tasks")
        .column_as(Expr::expr(held).sum(), "held")
        .filter(task::Column::StageId.is_in(ids.iter().copied()))
        .filter(task::Column::Deleted.eq(false))
        .group_by(task::Column::StageId)
}

/// Returns the number of a stage's tasks that are held because their webhook was not delivered. A HOLD stage has none
/// of these.
pub fn failed(row: &stage::Model, counts: Counts) -> i64 {
    match row.stage_type {
        StageType::Webhook => counts.held,
        _ => 0,
    }
}

/// Renders the warning for editors that a webhook stage holds tasks because their webhook was not delivered.
pub fn warning(row: &stage::Model, counts: Counts) -> Option<String> {
    match failed(row, counts) {
        0 => None,
        1 => Some("1 task is held because its webhook was not sent".into()),
        count => Some(format!("{count} tasks are held because their webhooks were not sent")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan;
    use sea_orm::{DbBackend, QueryTrait};

    #[tokio::test]
    async fn the_tasks_of_a_stage_are_counted_on_an_index_alone() {
        let query = counted(&[StageId::new(), StageId::new()]).build(DbBackend::Sqlite);
        let plan = plan(&query.to_string()).await;
        assert!(plan[0].contains("COVERING INDEX task_standing"), "{plan:?}");
        assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{plan:?}");
    }

    #[test]
    fn a_webhook_stage_warns_of_what_it_holds_and_a_hold_stage_does_not() {
        let row = |stage_type| stage::Model {
            id: StageId::new(),
            organization_id: OrganizationId::new(),
            project_id: ProjectId::new(),
            place: 0,
            name: "Stage".into(),
            stage_type,
            position: None,
            edges: "[]".into(),
            webhook_id: None,
            removed_at: None,
            created_at: entity::Timestamp(0),
        };
        let counts = |held| Counts { tasks: 9, held };
        let warned = |stage_type, held| warning(&row(stage_type), counts(held));
        assert_eq!(warned(StageType::Webhook, 0), None);
        assert_eq!(warned(StageType::Hold, 3), None);
        assert_eq!(
            warned(StageType::Webhook, 3).as_deref(),
            Some("3 tasks are held because their webhooks were not sent")
        );
    }
}
