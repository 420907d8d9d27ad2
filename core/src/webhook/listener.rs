//! Webhooks that a listener hears on a machine of its own: what they may be, and how long they last.

use crate::{Error, Result, db::Txn};
use entity::{WebhookStatus, webhook as webhooks};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

/// The most webhooks of listeners in one organization.
pub const MAX_LISTENERS: u64 = 100;

/// Turns a new webhook into one of a listener.
pub(crate) async fn enter(txn: &Txn, row: &mut webhooks::Model) -> Result<()> {
    let there = webhooks::Entity::find()
        .filter(webhooks::Column::OrganizationId.eq(row.organization_id))
        .filter(webhooks::Column::ListenerSeenAt.is_not_null())
        .count(txn.conn())
        .await?;
    if there >= MAX_LISTENERS {
        return Err(Error::Conflict(format!("there are {MAX_LISTENERS} listeners already")));
    }
    row.listener = true;
    row.listener_seen_at = Some(txn.now());
    Ok(())
}

/// Refuses changes that are not possible on a listener's webhook.
pub(crate) fn check(row: &webhooks::Model, changes_url: bool) -> Result<()> {
    if row.listener && row.status == WebhookStatus::Revoked {
        let reason = "the listener of this webhook is gone, and it does not come back";
        return Err(Error::NotAllowed(reason.into()));
    }
    if row.listener && changes_url {
        return Err(Error::invalid("url", "is for its listener to say"));
    }
    Ok(())
}

/// Returns the condition for webhooks except those of listeners that are gone.
pub(crate) fn lasts() -> Condition {
    Condition::any()
        .add(webhooks::Column::Listener.eq(false))
        .add(webhooks::Column::Status.ne(WebhookStatus::Revoked))
}
