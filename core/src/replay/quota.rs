//! The quota of a replay in a webhook's lane.
//!
//! Lanes serve in the order of arrival (first in, first out), so replayed notifications are ahead of later ones. A step
//! therefore fills a webhook's lane only up to a few notifications of any kind, and the next step waits until half of
//! them are done: a live notification waits for at most that many replayed ones, and while live ones fill the lane,
//! none are added.

use crate::{App, Result, delivery::limit::Limit, subscribers};
use entity::{NotificationId, Ordering, Timestamp, WebhookId, notification, webhook};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

/// The maximum number of notifications of one step.
const BATCH_SIZE: usize = 100;

/// Returns how many more a webhook may get now: none while more than half of the quota is used.
pub(crate) async fn quota(app: &App, webhook: &webhook::Model) -> Result<usize> {
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

/// Returns the quota of a lane: two rounds of its concurrent requests, or what its rate limit allows in a second.
fn most(limit: Limit) -> usize {
    let rounds = (2 * limit.in_flight).clamp(1, BATCH_SIZE);
    let paced = limit
        .rate
        .map(|rate| i64::from(rate.requests) * 1_000 / i64::from(rate.per_ms.max(1)));
    paced.map_or(rounds, |paced| usize::try_from(paced).unwrap_or(0).clamp(1, rounds))
}

/// Counts the due notifications of this webhook in the database, up to `most`.
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

/// Counts the notifications in a strict order, due or not, since all are ahead of later ones. Up to `most`.
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
            (256, None, BATCH_SIZE),
            (32, Some((2, 1_000)), 2),
            (32, Some((1, 60_000)), 1),
            (32, Some((100_000, 1)), 64),
        ] {
            let limit = Limit::new(in_flight, rate.map(|rate| rate.0), rate.map(|rate| rate.1));
            assert_eq!(most(limit), expected, "{limit:?}");
        }
    }
}
