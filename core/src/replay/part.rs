//! One webhook's part of a replay, a step at a time.
//!
//! Lanes serve in the order of arrival, so what a replay puts into one is in front of what comes later. A step therefore
//! fills a webhook's lane up to a few notifications, whatever they are of, and the next waits until half of them are
//! through: a live notification waits for that many replayed ones at most, and while live ones fill the lane, none are added.

use super::missed::Misser;
use crate::{
    App, Error, Result,
    db::Txn,
    dispatcher::Limit,
    event,
    notification::{self as log, Filter, of_organization},
    task::{self, Withdrawn},
    webhook::{self as webhooks, Subscriber},
};
use bytes::Bytes;
use entity::{
    EventId, NotificationId, Ordering, PayloadId, ReplayStatus, Timestamp, WebhookId, WebhookStatus, event as events,
    notification, replay, replay_part, webhook,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use std::collections::{HashMap, HashSet};

/// Notifications of one step at most.
const STEP: usize = 100;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It did something.
    WentOn,
    /// Its webhook has enough to do.
    Waits,
}

/// What comes next.
enum Found {
    /// To repeat; and of these, the ones of whose event a later one is matched, too.
    Notifications(Vec<notification::Model>, HashSet<NotificationId>),
    /// To be told of.
    Events(Missed),
}

/// Events that a webhook missed.
struct Missed {
    /// Those that pass its filter.
    events: Vec<events::Model>,
    /// All that were looked at.
    looked_at: usize,
    /// The place of the last of these.
    last: Option<i64>,
}

/// The next of a part, if its webhook has room for it. A webhook that is not active gets none: the rest is left out.
pub(super) async fn step(
    app: &App,
    row: &replay_part::Model,
    replay: &replay::Model,
    webhook: Option<&webhook::Model>,
) -> Result<Progress> {
    let Some(webhook) = webhook.filter(|webhook| webhook.status == WebhookStatus::Active) else {
        write(app, row, None, true).await?;
        return Ok(Progress::WentOn);
    };
    let room = room(app, webhook).await?;
    if room == 0 {
        return Ok(Progress::Waits);
    }
    let found = next(app, row, replay, webhook, room).await?;
    let ends = found.looked_at() < room;
    write(app, row, Some(found), ends).await?;
    Ok(Progress::WentOn)
}

/// How many more a webhook may have now: none while more than half of the most is there.
async fn room(app: &App, webhook: &webhook::Model) -> Result<usize> {
    let most = most(webhooks::limit(webhook));
    let held = app.dispatcher.lanes.held(webhook.id);
    if held * 2 > most {
        return Ok(0);
    }
    let db = app.db.read();
    let there = held
        + match webhook.ordering {
            Ordering::Strict => queued(db, webhook.id, most).await?,
            Ordering::None | Ordering::PerDataRow => due(db, webhook.id, app.clock.now(), most).await?,
        };
    Ok(if there * 2 > most { 0 } else { most - there })
}

/// What a replay fills a lane up to: two rounds of its requests, or what its pace lets through in a second.
fn most(limit: Limit) -> usize {
    let rounds = (2 * limit.in_flight).clamp(1, STEP);
    let paced = limit
        .rate
        .map(|rate| i64::from(rate.requests) * 1_000 / i64::from(rate.per_ms.max(1)));
    paced.map_or(rounds, |paced| usize::try_from(paced).unwrap_or(0).clamp(1, rounds))
}

/// What waits in the database for this webhook and is due, counted no further than `most`.
async fn due(db: &impl ConnectionTrait, id: WebhookId, now: Timestamp, most: usize) -> Result<usize> {
    let rows: Vec<NotificationId> = notification::Entity::find()
        .select_only()
        .column(notification::Column::Id)
        .filter(notification::Column::WebhookId.eq(id))
        .filter(notification::Column::DueAt.is_not_null())
        .filter(notification::Column::DueAt.lte(now))
        .limit(most as u64)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.len())
}

/// What waits in a strict order, due or not: it is all in front of what comes later. Counted no further than `most`.
async fn queued(db: &impl ConnectionTrait, id: WebhookId, most: usize) -> Result<usize> {
    let rows: Vec<NotificationId> = notification::Entity::find()
        .select_only()
        .column(notification::Column::Id)
        .filter(notification::Column::WebhookId.eq(id))
        .filter(notification::Column::OrderKey.is_not_null())
        .filter(notification::Column::NodeId.is_null())
        .limit(most as u64)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.len())
}

/// Read beside the writer: looking for what matches may take long.
async fn next(
    app: &App,
    row: &replay_part::Model,
    replay: &replay::Model,
    webhook: &webhook::Model,
    room: usize,
) -> Result<Found> {
    let db = app.db.read();
    let filter: Filter = serde_json::from_str(&replay.criteria).map_err(Error::internal)?;
    if replay.missed_by.is_some() {
        let after = row.after_sequence.unwrap_or(0);
        let query = Misser::from(webhook).events(&filter, after, replay.until_sequence);
        let rows = query.limit(room as u64).all(db).await?;
        return Ok(Found::Events(Missed::of(app, webhook, rows).await?));
    }
    let mut query = notification::Entity::find()
        .filter(of_organization(row.organization_id, &filter))
        .filter(notification::Column::WebhookId.eq(row.webhook_id))
        .filter(notification::Column::Id.lt(replay.until_id))
        .filter(log::near(&app.clock, &filter));
    if let Some(after) = row.after_id {
        query = query.filter(notification::Column::Id.gt(after));
    }
    let query = query.order_by_asc(notification::Column::Id).limit(room as u64);
    let rows = query.all(db).await?;
    let repeated = repeated(db, &rows, &filter, replay).await?;
    Ok(Found::Notifications(rows, repeated))
}

/// Those of whose event a later notification is matched, too: that one is sent again, and not each.
async fn repeated(
    db: &impl ConnectionTrait,
    rows: &[notification::Model],
    filter: &Filter,
    replay: &replay::Model,
) -> Result<HashSet<NotificationId>> {
    let Some(first) = rows.first() else {
        return Ok(HashSet::new());
    };
    let others: Vec<(EventId, NotificationId, WebhookId)> = notification::Entity::find()
        .select_only()
        .columns([
            notification::Column::EventId,
            notification::Column::Id,
            notification::Column::WebhookId,
        ])
        .filter(notification::Column::EventId.is_in(rows.iter().map(|row| row.event_id)))
        .filter(notification::Column::Id.gt(first.id))
        .filter(notification::Column::Id.lt(replay.until_id))
        .into_tuple()
        .all(db)
        .await?;
    let before =
        |event_id: EventId, id: NotificationId| rows.iter().filter(move |row| row.event_id == event_id && row.id < id);
    let later: Vec<NotificationId> = others
        .iter()
        .filter(|(event_id, id, webhook_id)| *webhook_id == first.webhook_id && before(*event_id, *id).next().is_some())
        .map(|(_, id, _)| *id)
        .collect();
    if later.is_empty() {
        return Ok(HashSet::new());
    }
    let matched: Vec<(EventId, NotificationId)> = notification::Entity::find()
        .select_only()
        .columns([notification::Column::EventId, notification::Column::Id])
        .filter(notification::Column::Id.is_in(later))
        .filter(of_organization(replay.organization_id, filter))
        .into_tuple()
        .all(db)
        .await?;
    let of = matched.into_iter().flat_map(|(event_id, id)| before(event_id, id));
    Ok(of.map(|row| row.id).collect())
}

impl Found {
    /// How many were looked at.
    fn looked_at(&self) -> usize {
        match self {
            Self::Notifications(rows, _) => rows.len(),
            Self::Events(missed) => missed.looked_at,
        }
    }

    /// How many of these do not count: the statement matched them, the webhook's filter does not.
    fn unwanted(&self) -> usize {
        match self {
            Self::Notifications(..) => 0,
            Self::Events(missed) => missed.looked_at - missed.events.len(),
        }
    }
}

impl Missed {
    async fn of(app: &App, webhook: &webhook::Model, rows: Vec<events::Model>) -> Result<Self> {
        let (looked_at, last) = (rows.len(), rows.last().map(|row| row.sequence));
        let subscriber = app.index.subscriber(webhook).await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            if event::passes(&row, &subscriber).await {
                events.push(row);
            }
        }
        Ok(Self {
            events,
            looked_at,
            last,
        })
    }
}

/// Sends what was found and says how far the part has come, unless it was stopped meanwhile.
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
            let kept = event::kept(txn, rows.iter().map(|row| row.event_id)).await?;
            let rows = rows
                .into_iter()
                .filter(|row| log::over(row.status) && !repeated.contains(&row.id) && kept.contains(&row.event_id));
            let repeated = repeat(txn, webhook, rows.collect(), replay.rerender.then_some(&subscriber)).await?;
            withdrawn = repeated.withdrawn;
            repeated.sent
        }
        Found::Events(missed) => {
            part.after_sequence = missed.last.or(part.after_sequence);
            tell(txn, &subscriber, missed.events, replay.rerender).await?
        }
    };
    part.total = part.total.saturating_sub(unwanted);
    replay.total = replay.total.saturating_sub(unwanted);
    part.done = part.done.saturating_add(count);
    replay.done = replay.done.saturating_add(count);
    replay.skipped = replay.skipped.saturating_add(count - sent);
    if ends {
        // What it matched may have become more or less since it was counted.
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

/// What was repeated.
#[derive(Default)]
struct Repeated {
    sent: i32,
    /// What tasks waited for before.
    withdrawn: Vec<Withdrawn>,
}

/// Repeats notifications that are over; what is still under way comes by itself. With a subscriber, the bytes are made
/// anew in its shape.
async fn repeat(
    txn: &Txn,
    webhook: &webhook::Model,
    rows: Vec<notification::Model>,
    anew: Option<&Subscriber>,
) -> Result<Repeated> {
    let events = match anew {
        Some(_) => events_of(txn, &rows).await?,
        None => HashMap::new(),
    };
    let mut repeated = Repeated::default();
    for row in rows {
        let other = match anew {
            Some(subscriber) => match afresh(txn, events.get(&row.event_id), subscriber) {
                Some(made) => Some(made),
                None => continue,
            },
            None => None,
        };
        let (_, mut withdrawn) = log::repeat(txn, webhook, &row, other).await?;
        repeated.withdrawn.append(&mut withdrawn);
        repeated.sent += 1;
    }
    Ok(repeated)
}

async fn events_of(txn: &Txn, rows: &[notification::Model]) -> Result<HashMap<EventId, events::Model>> {
    let found = events::Entity::find().filter(events::Column::Id.is_in(rows.iter().map(|row| row.event_id)));
    let found = found.all(txn.conn()).await?;
    Ok(found.into_iter().map(|event| (event.id, event)).collect())
}

/// The event's bytes in the webhook's present shape. One that cannot be rendered is left out and holds up no other.
fn afresh(txn: &Txn, event: Option<&events::Model>, subscriber: &Subscriber) -> Option<(PayloadId, Bytes)> {
    let made = event::afresh(txn, event?, &subscriber.shape);
    made.inspect_err(|error| log_fault(event, error)).ok()
}

/// Makes a first notification of each event. How many.
async fn tell(txn: &Txn, subscriber: &Subscriber, rows: Vec<events::Model>, rerender: bool) -> Result<i32> {
    let known = match rerender {
        true => HashMap::new(),
        false => {
            let ids: Vec<EventId> = rows.iter().map(|event| event.id).collect();
            event::rendered(txn, subscriber, &ids).await?
        }
    };
    let kept = event::kept(txn, rows.iter().map(|event| event.id)).await?;
    let mut sent = 0;
    for event in rows.iter().filter(|event| kept.contains(&event.id)) {
        match event::late(txn, event, subscriber, known.get(&event.id).copied()) {
            Ok(()) => sent += 1,
            Err(error) => log_fault(Some(event), &error),
        }
    }
    Ok(sent)
}

fn log_fault(event: Option<&events::Model>, error: &Error) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        event.id = event.map(|event| event.id.to_string()),
        "an event could not be rendered and is not sent again"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_fills_a_lane_with_little() {
        for (in_flight, rate, expected) in [
            (1, None, 2),
            (32, None, 64),
            (256, None, STEP),
            (32, Some((2, 1_000)), 2),
            (32, Some((1, 60_000)), 1),
            (32, Some((100_000, 1)), 64),
        ] {
            let limit = Limit::new(in_flight, rate.map(|rate| rate.0), rate.map(|rate| rate.1));
            assert_eq!(most(limit), expected, "{limit:?}");
        }
    }
}
