//! How much of a replay a webhook may have at a time.
//!
//! Lanes serve in the order of arrival, so what a replay puts into one is in front of what comes later. A step therefore
//! fills a webhook's lane up to a few notifications, whatever they are of, and the next waits until half of them are
//! through: a live notification waits for that many replayed ones at most, and while live ones fill the lane, none are added.

use crate::{App, Result, delivery::limit::Limit, subscribers};
use entity::{NotificationId, Ordering, Timestamp, WebhookId, notification, webhook};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

/// Notifications of one step at most.
const STEP: usize = 100;

/// How many more a webhook may have now: none while more than half of the most is there.
pub(crate) async fn room(app: &App, webhook: &webhook::Model) -> Result<usize> {
    let most = most(subscribers::limit(webhook));
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
