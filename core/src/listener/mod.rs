//! Listeners: a user's own machine receives a webhook's deliveries over a connection to the server, although the server
//! could not call it.
//!
//! - A webhook has one listener at a time. One that comes later takes its place, since the one before may be a connection
//!   that is dead without anybody knowing; the former is told so. Only the user who made it may listen.
//! - While nobody listens its notifications wait and spend no attempt. What had been told and was not answered is an
//!   attempt that failed.
//! - The row says at which node the listener is (`listener_node`), so that no other sends, and when it was last there
//!   (`listener_seen_at`). One that stays away is removed, by a background task.
//! - Removed is REVOKED, for good: the log keeps what was sent. What waited is canceled.

mod cancel;
mod delivery;
pub(crate) mod hub;

pub(crate) use cancel::cancel_waiting;
pub use delivery::{Answer, Delivery};
pub use hub::{Attached, Listeners};

pub use crate::webhook::listener::MAX_LISTENERS;

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    delivery::signer::secret,
    lookup, subscribers,
    webhook::{self, New, Settings},
};
use entity::{AuthType, NodeId, WebhookId, WebhookStatus, WebhookTopic, webhook as webhooks};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use std::time::Duration;

/// The time that a listener may stay away before its webhook is removed.
pub const RECONNECT_TIMEOUT: Duration = Duration::from_secs(300);
/// The time after its start in which a server removes none: listeners reconnect first.
pub const START_GRACE: Duration = Duration::from_secs(60);
/// The interval at which a listener's presence is written.
pub(crate) const PRESENCE_INTERVAL: Duration = Duration::from_secs(60);

/// A listener's webhook, with its secret, which is shown once.
#[derive(Clone)]
pub struct CreatedListener {
    /// The webhook.
    pub webhook: webhooks::Model,
    /// The secret that signs its deliveries.
    pub secret: String,
}

/// Creates a webhook for a listener. It gets a generated secret unless one is given, and the topics of labels, reviews
/// and tasks unless some are named. It lasts while a listener is connected, and [`RECONNECT_TIMEOUT`] longer.
pub async fn create(app: &App, actor: &Actor, mut new: New) -> Result<CreatedListener> {
    let secret = new.secret.take().unwrap_or_else(secret::generate);
    new.secret = Some(secret.clone());
    let given = new.settings.topics.filter(|topics| !topics.is_empty());
    new.settings = Settings {
        topics: Some(given.unwrap_or_else(topics)),
        auth_type: Some(AuthType::Secret),
        auto_disable: Some(false),
        ..new.settings
    };
    let webhook = webhook::register(app, actor, new, true).await?;
    Ok(CreatedListener { webhook, secret })
}

/// Returns the topics that labels, reviews and tasks cause.
fn topics() -> Vec<WebhookTopic> {
    use WebhookTopic::{LabelCreated, LabelDeleted, LabelUpdated, ReviewCreated, ReviewUpdated, WorkflowAction};
    vec![
        LabelCreated,
        LabelUpdated,
        LabelDeleted,
        ReviewCreated,
        ReviewUpdated,
        WorkflowAction,
    ]
}

/// Connects a listener: waiting notifications are delivered at once. The listener that was connected before is ended.
pub async fn attach(app: &App, actor: &Actor, id: &str) -> Result<Attached> {
    actor.require(Action::ManageWebhooks)?;
    let row = own(app, actor, id).await?;
    if row.created_by != Some(actor.user_id) {
        let reason = "only the user who made the listener's webhook may listen";
        return Err(Error::Forbidden(reason.into()));
    }
    let attached = app.listeners.admit(row.id, actor);
    let (key, node) = (row.id, app.dispatcher.lanes.node_id());
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move { arrive(txn, key, node).await })
        })
        .await?;
    app.webhook_changed(row.id);
    let lanes = &app.dispatcher.lanes;
    lanes.note_due(row.id, subscribers::limit(&row), app.clock.now());
    Ok(attached)
}

async fn arrive(txn: &Txn, id: WebhookId, node: NodeId) -> Result<()> {
    let row: webhooks::Model = lookup::reload(txn.conn(), id).await?;
    if row.status == WebhookStatus::Revoked {
        let reason = row.status_reason.as_deref().unwrap_or("removed");
        return Err(Error::NotAllowed(format!("the listener's webhook is gone: {reason}")));
    }
    webhooks::Entity::update_many()
        .col_expr(webhooks::Column::ListenerNode, Expr::value(Some(node)))
        .col_expr(webhooks::Column::ListenerSeenAt, Expr::value(Some(txn.now())))
        .filter(webhooks::Column::Id.eq(id))
        .exec(txn.conn())
        .await?;
    txn.webhooks_changed(row.organization_id);
    Ok(())
}

/// Takes the response to a delivery that this user's listener received. If the delivery has ended, by a response or a
/// timeout, this is a conflict and changes nothing.
pub fn answer(app: &App, actor: &Actor, delivery: &str, answer: Answer) -> Result<()> {
    actor.require(Action::ManageWebhooks)?;
    app.listeners.answer(actor, delivery, answer)
}

/// Removes a listener's webhook for good; its listener is ended, and waiting notifications are canceled.
pub async fn remove(app: &App, actor: &Actor, id: &str) -> Result<webhooks::Model> {
    actor.require(Action::ManageWebhooks)?;
    let row = own(app, actor, id).await?;
    let key = row.id;
    let removed = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move { retire(txn, key, "its listener was closed").await })
        })
        .await?;
    app.webhook_changed(key);
    app.listeners.close(key);
    Ok(removed.unwrap_or(row))
}

/// Revokes a listener's webhook, unless it is revoked already.
pub(crate) async fn retire(txn: &Txn, id: WebhookId, reason: &str) -> Result<Option<webhooks::Model>> {
    let row = webhooks::Entity::find_by_id(id).one(txn.conn()).await?;
    let Some(mut row) = row.filter(|row| row.status != WebhookStatus::Revoked) else {
        return Ok(None);
    };
    row.status = WebhookStatus::Revoked;
    row.status_reason = Some(reason.to_owned());
    row.listener_node = None;
    row.updated_at = txn.now();
    let row = row.into_active_model().reset_all().update(txn.conn()).await?;
    txn.webhooks_changed(row.organization_id);
    Ok(Some(row))
}

async fn own(app: &App, actor: &Actor, id: &str) -> Result<webhooks::Model> {
    let row = webhook::get(app, actor, id).await?;
    match row.listener {
        true => Ok(row),
        false => Err(Error::NotAllowed(
            "the webhook is not a listener's: createListener makes one".into(),
        )),
    }
}

/// Returns whether a listener is connected, to this node or another.
pub fn is_there(app: &App, row: &webhooks::Model) -> bool {
    let seen = || row.listener_seen_at.unwrap_or_default();
    match row.listener_node {
        None => false,
        Some(node) if node == app.dispatcher.lanes.node_id() => app.listeners.is_attached(row.id),
        Some(_) => app.clock.now().since(seen()) < 2 * PRESENCE_INTERVAL,
    }
}
