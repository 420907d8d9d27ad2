//! The stored secrets of webhooks: those that sign at a moment, and their texts.

use super::seal;
use crate::{Result, delivery::signer, secret::Keyring};
use entity::{Timestamp, WebhookId, webhook_secret};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};

/// Opens the secrets that sign from now on, newest first, each with its expiry.
pub(super) async fn opened(
    db: &impl ConnectionTrait,
    keyring: &Keyring,
    id: WebhookId,
    now: Timestamp,
) -> Result<Vec<signer::Secret>> {
    let rows = live(db, id, now).await?;
    let open = |row: &webhook_secret::Model| {
        Ok(signer::Secret {
            text: text(keyring, row)?,
            expires_at: row.expires_at,
        })
    };
    rows.iter().map(open).collect()
}

/// Loads the secrets that sign, newest first. The current one has no expiry, which distinguishes it even when the clock
/// was set back.
pub(super) async fn live(
    db: &impl ConnectionTrait,
    id: WebhookId,
    now: Timestamp,
) -> Result<Vec<webhook_secret::Model>> {
    let live = Condition::any()
        .add(webhook_secret::Column::ExpiresAt.is_null())
        .add(webhook_secret::Column::ExpiresAt.gt(now));
    let query = webhook_secret::Entity::find()
        .filter(webhook_secret::Column::WebhookId.eq(id))
        .filter(live);
    let mut rows = query.all(db).await?;
    rows.sort_by_key(|row| (row.expires_at.is_some(), std::cmp::Reverse(row.id)));
    Ok(rows)
}

pub(super) fn text(keyring: &Keyring, row: &webhook_secret::Model) -> Result<String> {
    seal::text(keyring, &seal::secret(row.id), &row.sealed)
}
