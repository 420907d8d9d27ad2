//! Sends of webhook stages for tasks: resends by a stage run or an assignment, and their cancellation when a task is
//! moved away.

use super::transition::Transition;
use crate::{
    App, Result,
    db::Txn,
    publish::resend::{Again, again},
    queue::outbox::counters,
};
use entity::{NotificationId, NotificationStatus, StageId, TaskStatus, WebhookId, notification, stage, task};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use std::sync::Arc;

/// A notification that no task waits for any longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Withdrawn {
    webhook_id: WebhookId,
    id: NotificationId,
}

/// Sends tasks of one webhook stage again, in the stage's current payload shape. They wait for the outcome.
pub(crate) async fn send_again(
    txn: &Txn,
    transition: &mut Transition<'_>,
    stage_id: StageId,
    wanted: &[(usize, Again)],
) -> Result<()> {
    let graph = Arc::clone(&transition.graph);
    let Some(subscriber) = graph.node(stage_id).and_then(|node| node.subscriber.as_ref()) else {
        return Ok(());
    };
    let list: Vec<Again> = wanted.iter().map(|(_, again)| *again).collect();
    let sent = again(txn, subscriber, &list).await?;
    for (place, _) in wanted {
        let task = &mut transition.entry_mut(*place).task;
        if let Some(id) = sent.get(&task.id) {
            task.notification_id = Some(*id);
            task.status = TaskStatus::Waiting;
            task.status_reason = None;
            task.updated_at = txn.now();
        }
    }
    Ok(())
}

/// Sends held tasks of a webhook stage again.
pub(crate) async fn resend(txn: &Txn, stage: &stage::Model, tasks: Vec<task::Model>) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let mut transition = Transition::load(txn, stage.project_id, tasks, []).await?;
    let again = |place: usize| {
        let task = &transition.entry(place).task;
        let again = Again {
            event_id: task.event_id?,
            task_id: task.id,
            repeats: task.notification_id,
        };
        Some((place, again))
    };
    let wanted: Vec<(usize, Again)> = (0..transition.len()).filter_map(again).collect();
    send_again(txn, &mut transition, stage.id, &wanted).await?;
    transition.store().await?;
    Ok(())
}

/// Cancels unfinished notifications of waiting tasks that are moved away.
pub(crate) async fn withdraw(txn: &Txn, tasks: &[task::Model]) -> Result<Vec<Withdrawn>> {
    let waiting = tasks.iter().filter(|task| task.status == TaskStatus::Waiting);
    let ids: Vec<NotificationId> = waiting.filter_map(|task| task.notification_id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let under_way = [
        NotificationStatus::Pending,
        NotificationStatus::Sending,
        NotificationStatus::Retrying,
    ];
    let rows = notification::Entity::find()
        .filter(notification::Column::Id.is_in(ids))
        .filter(notification::Column::Status.is_in(under_way))
        .all(txn.conn())
        .await?;
    let mut withdrawn = Vec::with_capacity(rows.len());
    for mut row in rows {
        row.status = NotificationStatus::Canceled;
        (row.due_at, row.node_id) = (None, None);
        row.sequence = txn.next_sequence();
        txn.announce(row.organization_id);
        row.updated_at = txn.now();
        txn.outbox().tally(counters::Key::canceled(&row));
        withdrawn.push(Withdrawn {
            webhook_id: row.webhook_id,
            id: row.id,
        });
        row.into_active_model().reset_all().update(txn.conn()).await?;
    }
    Ok(withdrawn)
}

/// Removes canceled notifications from the dispatcher's lanes.
pub(crate) fn forget_sends(app: &App, withdrawn: Vec<Withdrawn>) {
    app.canceled(
        withdrawn
            .into_iter()
            .map(|Withdrawn { webhook_id, id }| (webhook_id, id)),
    );
}
