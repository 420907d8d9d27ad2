//! A webhook's part of a replay, one step at a time.

use super::{
    again::{repeat, tell},
    found::{Found, next},
    quota::quota,
};
use crate::{
    App, Result,
    db::Txn,
    notification as log,
    publish::{self, resend},
    task::{self, Withdrawn},
};
use entity::{ReplayStatus, WebhookStatus, replay, replay_part, webhook};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It did something.
    WentOn,
    /// The webhook is at its quota.
    Waits,
}

/// The next of a part, if its webhook has room for it. A webhook that is not active gets none: the rest is left out.
pub(crate) async fn step(
    app: &App,
    row: &replay_part::Model,
    replay: &replay::Model,
    webhook: Option<&webhook::Model>,
) -> Result<Progress> {
    let Some(webhook) = webhook.filter(|webhook| webhook.status == WebhookStatus::Active) else {
        write(app, row, None, true).await?;
        return Ok(Progress::WentOn);
    };
    let room = quota(app, webhook).await?;
    if room == 0 {
        return Ok(Progress::Waits);
    }
    let found = next(app, row, replay, webhook, room).await?;
    let ends = found.looked_at() < room;
    write(app, row, Some(found), ends).await?;
    Ok(Progress::WentOn)
}

/// Enqueues the batch and records the progress, unless the replay was canceled in between.
async fn write(app: &App, row: &replay_part::Model, found: Option<Found>, ends: bool) -> Result<()> {
    let (replay_id, webhook_id) = (row.replay_id, row.webhook_id);
    let withdrawn = app
        .db
        .write(row.organization_id, move |txn| {
            Box::pin(async move {
                let part = replay_part::Entity::find_by_id((replay_id, webhook_id))
                    .one(txn.conn())
                    .await?;
                let replay = replay::Entity::find_by_id(replay_id).one(txn.conn()).await?;
                let webhook = webhook::Entity::find_by_id(webhook_id).one(txn.conn()).await?;
                let (Some(mut part), Some(mut replay)) = (part.filter(|part| part.running), replay) else {
                    return Ok(Vec::new());
                };
                let withdrawn = match (found, webhook.filter(|webhook| webhook.status == WebhookStatus::Active)) {
                    (Some(found), Some(webhook)) => go_on(txn, &mut part, &mut replay, &webhook, found, ends).await?,
                    _ => {
                        leave_out(&mut part, &mut replay);
                        Vec::new()
                    }
                };
                store(txn, part, replay).await?;
                Ok(withdrawn)
            })
        })
        .await?;
    task::forget_sends(app, withdrawn);
    Ok(())
}

async fn go_on(
    txn: &Txn,
    part: &mut replay_part::Model,
    replay: &mut replay::Model,
    webhook: &webhook::Model,
    found: Found,
    ends: bool,
) -> Result<Vec<Withdrawn>> {
    let unwanted = i32::try_from(found.unwanted()).unwrap_or(i32::MAX);
    let count = i32::try_from(found.looked_at() - found.unwanted()).unwrap_or(i32::MAX);
    let subscriber = txn.index().subscriber(webhook).await?;
    let mut withdrawn = Vec::new();
    let sent = match found {
        Found::Notifications(rows, repeated) => {
            part.after_id = rows.last().map(|row| row.id).or(part.after_id);
            let kept = resend::kept(txn, rows.iter().map(|row| row.event_id)).await?;
            let rows = rows
                .into_iter()
                .filter(|row| log::over(row.status) && !repeated.contains(&row.id) && kept.contains(&row.event_id));
            let repeated = repeat(txn, webhook, rows.collect(), replay.rerender.then_some(&subscriber)).await?;
            withdrawn = repeated.withdrawn;
            repeated.sent
        }
        Found::Events(missed) => {
            part.after_sequence = missed.last.or(part.after_sequence);
            for event in &missed.postponed {
                publish::postpone(txn, event, [&subscriber]);
            }
            tell(txn, &subscriber, missed.events, replay.rerender).await?
        }
    };
    part.total = part.total.saturating_sub(unwanted);
    replay.total = replay.total.saturating_sub(unwanted);
    part.done = part.done.saturating_add(count);
    replay.done = replay.done.saturating_add(count);
    replay.skipped = replay.skipped.saturating_add(count - sent);
    if ends {
        // The number of matches may have changed since it was counted.
        replay.total = replay.total.saturating_add(part.done - part.total);
        (part.total, part.running) = (part.done, false);
    }
    Ok(withdrawn)
}

fn leave_out(part: &mut replay_part::Model, replay: &mut replay::Model) {
    let rest = part.total - part.done;
    replay.done = replay.done.saturating_add(rest);
    replay.skipped = replay.skipped.saturating_add(rest);
    (part.done, part.running) = (part.total, false);
}

async fn store(txn: &Txn, part: replay_part::Model, mut replay: replay::Model) -> Result<()> {
    let replay_id = part.replay_id;
    part.into_active_model().reset_all().update(txn.conn()).await?;
    let running = replay_part::Entity::find()
        .filter(replay_part::Column::ReplayId.eq(replay_id))
        .filter(Expr::col(replay_part::Column::Running));
    if running.one(txn.conn()).await?.is_none() {
        replay.status = ReplayStatus::Succeeded;
    }
    replay.updated_at = txn.now();
    txn.replay_changed(&replay);
    replay.into_active_model().reset_all().update(txn.conn()).await?;
    Ok(())
}
