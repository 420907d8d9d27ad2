//! What a webhook's outcome means for the task that waits for it: it moves in the transaction that records the attempt.
//! Only the newest notification of a task's present visit moves it; what else comes in is history.

use super::passage::{Hand, Passage};
use crate::{Result, db::Txn};
use entity::{NotificationId, NotificationStatus, ProjectId, StageOutput, TaskStatus, notification, task};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use std::collections::BTreeMap;

/// Moves the tasks that waited for these notifications, as far as these are over.
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

async fn pass(txn: &Txn, project_id: ProjectId, answered: Vec<(task::Model, notification::Model)>) -> Result<()> {
    let (tasks, rows): (Vec<_>, Vec<_>) = answered.into_iter().unzip();
    let mut passage = Passage::load(txn, project_id, tasks, []).await?;
    for (place, row) in rows.iter().enumerate() {
        let stage_id = passage.seat(place).task.stage_id;
        let output = match row.status {
            NotificationStatus::Succeeded => StageOutput::Succeeded,
            _ => StageOutput::Failed,
        };
        match passage.graph.node(stage_id).and_then(|node| node.way(output)) {
            Some(_) => passage.leave(place, output, Hand::default()).await?,
            None => passage.hold(place, reason(row)),
        }
    }
    passage.store().await?;
    Ok(())
}

/// Why a task is held, for people.
fn reason(row: &notification::Model) -> String {
    let last = match (row.response_code, row.error) {
        (Some(code), _) => format!("the receiver answered {code}"),
        (None, Some(error)) => format!("the receiver was not reached: {}", error.as_str()),
        (None, None) => "nothing was sent".into(),
    };
    match row.attempt_count {
        1 => format!("its webhook was not sent: {last}"),
        count => format!("its webhook was not sent in {count} attempts: {last}"),
    }
}

/// A held task's notification is sent again as another one, by a person: the task waits for that.
pub(crate) async fn redelivered(txn: &Txn, old: NotificationId, new: NotificationId) -> Result<()> {
    let held = waiting_for(txn, old, TaskStatus::Held).await?;
    if let Some(mut task) = held {
        task.status = TaskStatus::Waiting;
        task.status_reason = None;
        task.notification_id = Some(new);
        task.updated_at = txn.now();
        txn.task_changed(&task);
        task.into_active_model().reset_all().update(txn.conn()).await?;
    }
    Ok(())
}

/// The notification that a task waits for was canceled by a person: the task is held.
pub(crate) async fn canceled(txn: &Txn, id: NotificationId) -> Result<()> {
    let waiting = waiting_for(txn, id, TaskStatus::Waiting).await?;
    if let Some(mut task) = waiting {
        task.status = TaskStatus::Held;
        task.status_reason = Some("its webhook was canceled".into());
        task.updated_at = txn.now();
        txn.task_changed(&task);
        task.into_active_model().reset_all().update(txn.conn()).await?;
    }
    Ok(())
}

async fn waiting_for(txn: &Txn, id: NotificationId, status: TaskStatus) -> Result<Option<task::Model>> {
    Ok(task::Entity::find()
        .filter(task::Column::NotificationId.eq(id))
        .filter(task::Column::Status.eq(status))
        .one(txn.conn())
        .await?)
}
