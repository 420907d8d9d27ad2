//! Sending the batch: notifications again, or events for the first time.

use crate::{Error, Result, db::Txn, notification as log, publish::resend, subscribers::Subscriber, task::Withdrawn};
use bytes::Bytes;
use entity::{EventId, PayloadId, event as events, notification, webhook};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::HashMap;

/// The result of repeating notifications.
#[derive(Default)]
pub(super) struct Repeated {
    /// The number of new notifications.
    pub(super) sent: i32,
    /// The notifications that tasks waited for before.
    pub(super) withdrawn: Vec<Withdrawn>,
}

/// Repeats finished notifications; unfinished ones are sent anyway. With a subscriber, the bytes are rendered again in
/// its shape.
pub(super) async fn repeat(
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

/// Renders the event again in the webhook's current shape. One that cannot be rendered is skipped and holds up no
/// other.
fn afresh(txn: &Txn, event: Option<&events::Model>, subscriber: &Subscriber) -> Option<(PayloadId, Bytes)> {
    let made = resend::afresh(txn, event?, &subscriber.shape);
    made.inspect_err(|error| log_fault(event, error)).ok()
}

/// Enqueues a first notification of each event. Returns their number.
pub(super) async fn tell(txn: &Txn, subscriber: &Subscriber, rows: Vec<events::Model>, rerender: bool) -> Result<i32> {
    let known = match rerender {
        true => HashMap::new(),
        false => {
            let ids: Vec<EventId> = rows.iter().map(|event| event.id).collect();
            resend::rendered(txn, subscriber, &ids).await?
        }
    };
    let kept = resend::kept(txn, rows.iter().map(|event| event.id)).await?;
    let mut sent = 0;
    for event in rows.iter().filter(|event| kept.contains(&event.id)) {
        match resend::late(txn, event, subscriber, known.get(&event.id).copied()) {
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
