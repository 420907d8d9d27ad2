//! The next batch of a replay part. It is read outside the database's writer, since searching for matches may take
//! long.

use super::missed::MissedBy;
use crate::{
    App, Error, Result,
    filter::Outcome,
    notification::{Filter, near, of_organization},
    publish::matching::passes_postponed,
};
use entity::{EventId, NotificationId, WebhookId, event as events, notification, replay, replay_part, webhook};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashSet;

/// The next batch.
pub(super) enum Found {
    /// Notifications to repeat, and those of them whose event has a later matching notification.
    Notifications(Vec<notification::Model>, HashSet<NotificationId>),
    /// Events to send for the first time.
    Events(Missed),
}

/// Events that a webhook missed.
pub(super) struct Missed {
    /// The events that match its filter.
    pub(super) events: Vec<events::Model>,
    /// The events of which it is decided later whether they match.
    pub(super) postponed: Vec<events::Model>,
    /// The number of events that were read.
    looked_at: usize,
    /// The sequence number of the last of them.
    pub(super) last: Option<i64>,
}

/// Reads the next batch, up to the webhook's quota.
pub(super) async fn next(
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
        let query = MissedBy::from(webhook).events(&filter, after, replay.until_sequence);
        let rows = query.limit(room as u64).all(db).await?;
        return Ok(Found::Events(Missed::of(app, webhook, rows).await?));
    }
    let mut query = notification::Entity::find()
        .filter(of_organization(row.organization_id, &filter))
        .filter(notification::Column::WebhookId.eq(row.webhook_id))
        .filter(notification::Column::Id.lt(replay.until_id))
        .filter(near(&app.clock, &filter));
    if let Some(after) = row.after_id {
        query = query.filter(notification::Column::Id.gt(after));
    }
    let query = query.order_by_asc(notification::Column::Id).limit(room as u64);
    let rows = query.all(db).await?;
    let repeated = repeated(db, &rows, &filter, replay).await?;
    Ok(Found::Notifications(rows, repeated))
}

/// Returns the notifications whose event has a later matching notification: only the later one is sent again.
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
    /// Returns the number of rows that were read.
    pub(super) fn looked_at(&self) -> usize {
        match self {
            Self::Notifications(rows, _) => rows.len(),
            Self::Events(missed) => missed.looked_at,
        }
    }

    /// Returns the number of these that do not match, or of which that is decided later: the statement selected them, the
    /// webhook's filter does not.
    pub(super) fn unwanted(&self) -> usize {
        match self {
            Self::Notifications(..) => 0,
            Self::Events(missed) => missed.looked_at - missed.events.len(),
        }
    }
}

impl Missed {
    async fn of(app: &App, webhook: &webhook::Model, rows: Vec<events::Model>) -> Result<Self> {
        let (looked_at, last) = (rows.len(), rows.last().map(|row| row.sequence));
        let subscriber = app.subscribers.subscriber(webhook).await?;
        let (mut events, mut postponed) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            match passes_postponed(&app.subscribers, &row, &subscriber).await {
                Outcome::Match => events.push(row),
                Outcome::TooDear(_) | Outcome::Stopped(_) => postponed.push(row),
                Outcome::NoMatch | Outcome::Fault(_) => {}
            }
        }
        Ok(Self {
            events,
            postponed,
            looked_at,
            last,
        })
    }
}
