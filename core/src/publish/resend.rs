//! Sending again for a stage: new notifications of existing events, for a stage run and for tasks that waited to be
//! assigned. The bytes are reused, unless the stage's payload shape has changed since.

use super::{enqueue, keep, render};
use crate::{Error, Result, db::Txn, event::Data, payload::Shape, subscribers::Subscriber};
use bytes::Bytes;
use entity::{EventId, NotificationId, PayloadId, TaskId, event, payload};
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic, Iterable, QueryFilter, QuerySelect, sea_query::Expr};
use std::collections::{HashMap, HashSet};

/// An event to send again for a task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    pub(crate) event_id: EventId,
    pub(crate) task_id: TaskId,
    /// The notification that it repeats.
    pub(crate) repeats: Option<NotificationId>,
}

/// Enqueues a notification for each, in the stage's current payload shape. Returns the notification ids by task.
pub(crate) async fn again(
    txn: &Txn,
    subscriber: &Subscriber,
    wanted: &[Again],
) -> Result<HashMap<TaskId, NotificationId>> {
    let ids: Vec<EventId> = wanted.iter().map(|again| again.event_id).collect();
    let rendered = rendered(txn, subscriber, &ids).await?;
    let events = events(txn, &ids, &rendered).await?;
    let mut sent = HashMap::with_capacity(wanted.len());
    for Again {
        event_id,
        task_id,
        repeats,
    } in wanted
    {
        let event = events
            .get(event_id)
            .ok_or_else(|| Error::internal("a task's event does not exist"))?;
        let (payload_id, body) = match rendered.get(event_id) {
            Some(id) => (*id, None),
            None => afresh(txn, event, &subscriber.shape).map(|(id, body)| (id, Some(body)))?,
        };
        let row = enqueue(txn, event, subscriber, payload_id, body, |row| {
            row.task_id = Some(*task_id);
            row.redelivery_of = *repeats;
        });
        sent.insert(*task_id, row.id);
    }
    Ok(sent)
}

/// Renders an event's payload anew.
pub(crate) fn afresh(txn: &Txn, event: &event::Model, shape: &Shape) -> Result<(PayloadId, Bytes)> {
    let data = Data::parse(event.topic, &event.data).map_err(Error::internal)?;
    render(txn, event, &data, shape)
}

/// Enqueues an event's first notification for a webhook that missed it.
pub(crate) fn late(txn: &Txn, event: &event::Model, subscriber: &Subscriber, known: Option<PayloadId>) -> Result<()> {
    let (payload_id, body) = match known {
        Some(id) => (id, None),
        None => afresh(txn, event, &subscriber.shape).map(|(id, body)| (id, Some(body)))?,
    };
    enqueue(txn, event, subscriber, payload_id, body, |_| {});
    Ok(())
}

/// Enqueues an event's first notification for a webhook with a body that was rendered outside of the transaction, unless
/// the event has a payload of this shape already.
pub(crate) async fn late_with(txn: &Txn, event: &event::Model, subscriber: &Subscriber, body: Bytes) -> Result<()> {
    let known = rendered(txn, subscriber, &[event.id]).await?;
    let (payload_id, body) = match known.get(&event.id) {
        Some(id) => (*id, None),
        None => (keep(txn, event, &subscriber.shape, &body), Some(body)),
    };
    enqueue(txn, event, subscriber, payload_id, body, |_| {});
    Ok(())
}

/// Returns which of these events still exist. An event that retention removed in between is not sent.
pub(crate) async fn kept(txn: &Txn, ids: impl IntoIterator<Item = EventId>) -> Result<HashSet<EventId>> {
    let rows: Vec<EventId> = event::Entity::find()
        .select_only()
        .column(event::Column::Id)
        .filter(event::Column::Id.is_in(ids))
        .into_tuple()
        .all(txn.conn())
        .await?;
    Ok(rows.into_iter().collect())
}

/// Loads the payloads of these events that already have the subscriber's shape.
pub(crate) async fn rendered(
    txn: &Txn,
    subscriber: &Subscriber,
    ids: &[EventId],
) -> Result<HashMap<EventId, PayloadId>> {
    let rows: Vec<(EventId, PayloadId)> = payload::Entity::find()
        .select_only()
        .columns([payload::Column::EventId, payload::Column::Id])
        .filter(payload::Column::EventId.is_in(ids.iter().copied()))
        .filter(payload::Column::Format.eq(subscriber.shape.format))
        .filter(payload::Column::Content.eq(subscriber.shape.content))
        .filter(match &subscriber.shape.query {
            Some(query) => payload::Column::QueryHash.eq(query.hash()),
            None => payload::Column::QueryHash.is_null(),
        })
        .into_tuple()
        .all(txn.conn())
        .await?;
    Ok(rows.into_iter().collect())
}

/// Loads the events; their data, which may be large, only where there is something to render.
async fn events(
    txn: &Txn,
    ids: &[EventId],
    rendered: &HashMap<EventId, PayloadId>,
) -> Result<HashMap<EventId, event::Model>> {
    let (known, new): (Vec<EventId>, Vec<EventId>) = ids.iter().partition(|id| rendered.contains_key(id));
    let whole = event::Entity::find().filter(event::Column::Id.is_in(new));
    let columns = event::Column::iter().filter(|column| !matches!(column, event::Column::Data));
    let narrow = event::Entity::find()
        .filter(event::Column::Id.is_in(known))
        .select_only()
        .columns(columns)
        .column_as(Expr::value(""), event::Column::Data.as_str());
    let mut rows = whole.all(txn.conn()).await?;
    rows.append(&mut narrow.all(txn.conn()).await?);
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
