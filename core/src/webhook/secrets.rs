//! A webhook's secrets: the newest signs every signature header; older ones sign only the Standard Webhooks header,
//! until they expire. A rotation adds a new secret and sets the expiry of the others.

use super::{
    seal,
    secret_rows::{live, text},
};
use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    delivery::signer::{secret, secret::SecretText},
    lookup,
    secret::Keyring,
};
use entity::{SecretId, Timestamp, WebhookId, webhook, webhook_secret};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use std::{sync::Arc, time::Duration};

/// The default grace period of old secrets after a rotation.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(24 * 3600);
/// The maximum grace period.
pub const MAX_GRACE: Duration = Duration::from_secs(7 * 24 * 3600);
/// The maximum number of secrets of a webhook that sign at the same time.
pub const MAX_LIVE: usize = 10;

/// The input of a rotation.
#[derive(Clone, Debug, Default)]
pub struct Rotation {
    /// The new secret; none: one is generated.
    pub secret: Option<String>,
    /// The grace period of the old secrets in seconds; none: a day.
    pub grace_seconds: Option<i32>,
}

/// A webhook after a rotation, with its new secret, which is returned only here.
#[derive(Clone)]
pub struct Rotated {
    /// The webhook.
    pub webhook: webhook::Model,
    /// The new secret, as given.
    pub secret: String,
}

/// Rotates the secret of a webhook, including that of a workflow stage. No old secret signs for longer than the grace
/// period; without one, only the new secret signs from now on.
pub async fn rotate(app: &App, actor: &Actor, id: &str, rotation: Rotation) -> Result<Rotated> {
    actor.require(Action::ManageWebhooks)?;
    let key = lookup::find::<webhook::Model>(app.db.read(), actor, id).await?.id;
    let grace = grace(rotation.grace_seconds)?;
    let secret = SecretText::parse(rotation.secret.unwrap_or_else(secret::generate))?;
    let keyring = Arc::clone(&app.keyring);
    let rotated = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move { replace(txn, key, secret, grace, &keyring).await })
        })
        .await?;
    app.webhook_changed(key);
    Ok(rotated)
}

/// Lists the ids and times of the secrets that sign now, newest first; never the secrets themselves.
pub async fn secrets(app: &App, row: &webhook::Model) -> Result<Vec<webhook_secret::Model>> {
    live(app.db.read(), row.id, app.clock.now()).await
}

pub(crate) async fn add(txn: &Txn, webhook: &webhook::Model, keyring: &Keyring, secret: &SecretText) -> Result<()> {
    let id = SecretId::new();
    let row = webhook_secret::Model {
        id,
        organization_id: webhook.organization_id,
        webhook_id: webhook.id,
        sealed: keyring.seal(&seal::secret(id), secret.as_str().as_bytes()),
        created_at: txn.now(),
        expires_at: None,
    };
    webhook_secret::Entity::insert(row.into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    Ok(())
}

fn grace(seconds: Option<i32>) -> Result<Duration> {
    let Some(seconds) = seconds else {
        return Ok(DEFAULT_GRACE);
    };
    let given = u64::try_from(seconds).ok().map(Duration::from_secs);
    given.filter(|grace| *grace <= MAX_GRACE).ok_or_else(|| {
        let most = MAX_GRACE.as_secs();
        Error::invalid("graceSeconds", format!("must be 0 to {most}, which is 7 days"))
    })
}

async fn replace(txn: &Txn, id: WebhookId, secret: SecretText, grace: Duration, keyring: &Keyring) -> Result<Rotated> {
    let mut row: webhook::Model = lookup::reload(txn.conn(), id).await?;
    let known = live(txn.conn(), id, txn.now()).await?;
    let Some((current, older)) = known.split_first() else {
        let reason = "the webhook has no secret: only one that was made with a secret can be rotated";
        return Err(Error::NotAllowed(reason.into()));
    };
    if text(keyring, current)? == secret.as_str() {
        return Err(Error::invalid("secret", "must differ from the current secret"));
    }
    let mut gone = Vec::new();
    for old in older {
        // A rotation back to an older secret makes it current again; it would otherwise sign twice.
        if text(keyring, old)? == secret.as_str() {
            gone.push(old.id);
        }
    }
    let expires_at = txn.now().plus(grace);
    if !grace.is_zero() && known.len() - gone.len() >= MAX_LIVE {
        return Err(Error::Conflict(full(older)));
    }
    expire(txn, id, &gone, expires_at).await?;
    row.updated_at = txn.now();
    let webhook = row.into_active_model().reset_all().update(txn.conn()).await?;
    add(txn, &webhook, keyring, &secret).await?;
    let secret = secret.as_str().to_owned();
    Ok(Rotated { webhook, secret })
}

fn full(older: &[webhook_secret::Model]) -> String {
    let next = older.iter().filter_map(|row| row.expires_at).min();
    let next = next.map_or_else(String::new, |at| format!(" until {}", at.micros()));
    format!("the webhook has {MAX_LIVE} live secrets, which is the most{next}; graceSeconds: 0 ends them at once")
}

/// Sets the expiry of the other secrets to `at` or earlier, and deletes those that have expired or are in `gone`: a
/// secret that no longer signs is not kept.
async fn expire(txn: &Txn, id: WebhookId, gone: &[SecretId], at: Timestamp) -> Result<()> {
    let later = Condition::any()
        .add(webhook_secret::Column::ExpiresAt.is_null())
        .add(webhook_secret::Column::ExpiresAt.gt(at));
    webhook_secret::Entity::update_many()
        .col_expr(webhook_secret::Column::ExpiresAt, Expr::value(Some(at)))
        .filter(webhook_secret::Column::WebhookId.eq(id))
        .filter(later)
        .exec(txn.conn())
        .await?;
    let over = Condition::any()
        .add(webhook_secret::Column::ExpiresAt.lte(txn.now()))
        .add(webhook_secret::Column::Id.is_in(gone.iter().copied()));
    webhook_secret::Entity::delete_many()
        .filter(webhook_secret::Column::WebhookId.eq(id))
        .filter(over)
        .exec(txn.conn())
        .await?;
    Ok(())
}
