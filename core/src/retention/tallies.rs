//! Deletes expired tallies. Tallies are small and kept for longer than what they count, so that the statistics of a
//! year can be compared with the year before. They are deleted by the week of a webhook.

use super::{DAY, Pacing};
use crate::{App, Result, db::Scope};
use entity::{OrganizationId, Timestamp, WebhookId, tally, webhook};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::time::Instant;

/// The number of days that tallies are kept, whatever the retention of the log.
pub(super) const DAYS: u32 = 400;
/// The hours deleted by one step.
const HOURS: i64 = 7 * 24;
/// The webhooks read at once.
const WEBHOOKS: u64 = 500;

/// Deletes an organization's expired tallies.
pub(super) async fn remove(app: &App, id: OrganizationId, now: Timestamp, pace: Pacing) -> Result<()> {
    let before = now.minus(DAY * DAYS).seconds() / 3_600;
    let mut after = WebhookId(uuid::Uuid::nil());
    loop {
        let webhooks: Vec<WebhookId> = webhook::Entity::find()
            .select_only()
            .column(webhook::Column::Id)
            .filter(webhook::Column::OrganizationId.eq(id))
            .filter(webhook::Column::Id.gt(after))
            .order_by_asc(webhook::Column::Id)
            .limit(WEBHOOKS)
            .into_tuple()
            .all(app.db.read())
            .await?;
        let Some(last) = webhooks.last() else {
            return Ok(());
        };
        after = *last;
        for webhook_id in webhooks {
            of_webhook(app, id, webhook_id, before, pace).await?;
        }
    }
}

async fn of_webhook(app: &App, id: OrganizationId, webhook_id: WebhookId, before: i64, pace: Pacing) -> Result<()> {
    use tally::Column as Is;
    loop {
        let begun = Instant::now();
        let oldest: Option<i64> = tally::Entity::find()
            .select_only()
            .column(Is::Hour)
            .filter(Is::OrganizationId.eq(id))
            .filter(Is::WebhookId.eq(webhook_id))
            .order_by_asc(Is::Hour)
            .limit(1)
            .into_tuple()
            .one(app.db.read())
            .await?;
        let Some(oldest) = oldest.filter(|hour| *hour < before) else {
            return Ok(());
        };
        let rows = tally::Entity::delete_many()
            .filter(Is::OrganizationId.eq(id))
            .filter(Is::WebhookId.eq(webhook_id))
            .filter(Is::Hour.lt(before.min(oldest + HOURS)));
        app.db
            .write(Scope::none(), move |txn| {
                Box::pin(async move { Ok(rows.exec(txn.conn()).await.map(drop)?) })
            })
            .await?;
        pace.rest(begun).await;
    }
}
