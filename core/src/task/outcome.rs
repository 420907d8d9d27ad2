//! Applies the outcome of a notification to the task that waits for it, in the transaction that records the attempt.
//! Only the newest notification of a task's current visit moves it; other outcomes have no effect.

use super::{
    batch_size, change_all,
    resend::{Withdrawn, withdraw},
    transition::{By, Transition},
};
use crate::{App, Result, db::Txn, health};
use entity::{NotificationId, NotificationStatus, ProjectId, StageOutput, TaskId, TaskStatus, notification, task};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use std::collections::{BTreeMap, HashMap};

/// Moves the tasks that wait for these notifications, as far as these are finished.
pub(crate) async fn apply(txn: &Txn, ids: &[NotificationId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let over = [NotificationStatus::Succeeded, NotificationStatus::Failed];
    let tasks = task::Entity::find()
        .filter(task::Column::NotificationId.is_in(ids.iter().copied()))
        .filter(task::Column::Status.eq(TaskStatus::Waiting))
        .filter(task::Column::Deleted.eq(false))
        .order_by_asc(task::Column::Id)
        .all(txn.conn())
        .await?;
    let waited = tasks.iter().filter_map(|task| task.notification_id);
    let rows = notification::Entity::find()
        .filter(notification::Column::Id.is_in(waited))
        .filter(notification::Column::Status.is_in(over))
        .all(txn.conn())
        .await?;
    let mut projects: BTreeMap<ProjectId, Vec<(task::Model, notification::Model)>> = BTreeMap::new();
    for task in tasks {
        let row = rows.iter().find(|row| Some(row.id) == task.notification_id);
        if let Some(row) = row {
            projects.entry(task.project_id).or_default().push((task, row.clone()));
        }
    }
    for (project_id, answered) in projects {
        pass(txn, project_id, answered).await?;
    }
    Ok(())
}

/// Prefetches, before the transaction, the size of each of these tasks and their projects' workflows.
pub(crate) async fn prepare(app: &App, ids: &[TaskId]) -> Result<HashMap<TaskId, usize>> {
    let db = app.db.read();
    let projects: Vec<ProjectId> = task::Entity::find()
        .select_only()
        .column(task::Column::ProjectId)
        .distinct()
        .filter(task::Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    for id in projects {
        app.db.graphs().of(db, id).await?;
    }
    batch_size::weights(db, ids).await
}

async fn pass(txn: &Txn, project_id: ProjectId, answered: Vec<(task::Model, notification::Model)>) -> Result<()> {
    let (tasks, rows): (Vec<_>, Vec<_>) = answered.into_iter().unzip();
    let mut transition = Transition::load(txn, project_id, tasks, []).await?;
    for (place, row) in rows.iter().enumerate() {
        let stage_id = transition.entry(place).task.stage_id;
        let output = match row.status {
            NotificationStatus::Succeeded => StageOutput::Succeeded,
            _ => StageOutput::Failed,
        };
        match transition.graph.node(stage_id).and_then(|node| node.target(output)) {
            Some(_) => transition.leave(place, output, By::default()).await?,
            None => transition.hold(place, reason(row)),
        }
    }
    transition.store().await?;
    Ok(())
}

/// Renders the reason why a task is held, as text for people.
fn reason(row: &notification::Model) -> String {
    let last = health::failure(row.response_code, row.error).unwrap_or("nothing was sent".into());
    match row.attempt_count {
        1 => format!("its webhook was not sent: {last}"),
        count => format!("its webhook was not sent in {count} attempts: {last}"),
    }
}

/// Makes a task that is still on the same visit wait for the redelivery of its notification. Returns the notification
/// that it waited for before.
pub(crate) async fn redelivered(txn: &Txn, old: &notification::Model, new: NotificationId) -> Result<Vec<Withdrawn>> {
    let Some(task_id) = old.task_id else {
        return Ok(Vec::new());
    };
    let task = task::Entity::find_by_id(task_id)
        .filter(task::Column::EventId.eq(old.event_id))
        .filter(task::Column::StageId.eq(old.stage_id))
        .filter(task::Column::Status.is_in([TaskStatus::Held, TaskStatus::Waiting]))
        .one(txn.conn())
        .await?;
    let Some(mut task) = task else {
        return Ok(Vec::new());
    };
    let withdrawn = withdraw(txn, std::slice::from_ref(&task)).await?;
    task.status = TaskStatus::Waiting;
    task.status_reason = None;
    task.notification_id = Some(new);
    task.updated_at = txn.now();
    txn.task_changed(&task);
    task.into_active_model().reset_all().update(txn.conn()).await?;
    Ok(withdrawn)
}

/// Holds the tasks that wait for these notifications and cannot be moved because of an internal error, so that a person
/// can resolve it.
pub(crate) async fn hold_after_fault(txn: &Txn, ids: &[NotificationId]) -> Result<()> {
    let condition = Condition::all()
        .add(task::Column::NotificationId.is_in(ids.iter().copied()))
        .add(task::Column::Status.eq(TaskStatus::Waiting));
    let change = task::Entity::update_many()
        .col_expr(task::Column::Status, Expr::value(TaskStatus::Held))
        .col_expr(
            task::Column::StatusReason,
            Expr::value(Some("it could not be moved: internal error")),
        )
        .col_expr(task::Column::UpdatedAt, Expr::value(txn.now()));
    change_all(txn, condition, change).await
}

/// Holds the task whose notification was canceled by a user.
pub(crate) async fn canceled(txn: &Txn, id: NotificationId) -> Result<()> {
    let waiting = task::Entity::find()
        .filter(task::Column::NotificationId.eq(id))
        .filter(task::Column::Status.eq(TaskStatus::Waiting))
        .one(txn.conn())
        .await?;
    if let Some(mut task) = waiting {
        task.status = TaskStatus::Held;
        task.status_reason = Some("its webhook was canceled".into());
        task.updated_at = txn.now();
        txn.task_changed(&task);
        task.into_active_model().reset_all().update(txn.conn()).await?;
    }
    Ok(())
}
