//! Webhooks: registered targets. They are created, changed and listed here;
//! [`SubscriberCache`](crate::subscribers::SubscriberCache) caches the subscribers of an event,
//! [`DeliverySettingsCache`] the settings with which the dispatcher sends to them, and [`health`] their circuit
//! breakers. The GraphQL resolvers call the verbs; publishing and the dispatcher read the caches. Nothing here may send
//! a request or know of GraphQL.

pub(crate) mod capture;
mod field;
pub(crate) mod input;
pub(crate) mod listener;
mod order;
pub(crate) mod seal;
mod secret_rows;
pub(crate) mod secrets;
pub(crate) mod target;

pub use capture::Captured;
pub use field::Field;
pub use input::{New, Patch, Retry, Settings};
pub(crate) use order::reorder;
pub use secrets::{DEFAULT_GRACE, MAX_GRACE, MAX_LIVE, Rotated, Rotation, rotate, secrets};
pub(crate) use target::build;
pub use target::{DeliverySettings, DeliverySettingsCache, policy};

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    health,
    list::Query,
    lookup,
    subscribers::{filter::FilterFaults, limit},
};
use entity::{AuthType, OrganizationId, ProjectId, WebhookId, WebhookStatus, project, webhook, webhook_secret};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use std::{collections::HashMap, sync::Arc};

/// Registers a webhook.
pub async fn create(app: &App, actor: &Actor, new: New) -> Result<webhook::Model> {
    register(app, actor, new, false).await
}

/// Registers a webhook whose URL is called, or one whose deliveries are handed to a listener.
pub(crate) async fn register(app: &App, actor: &Actor, new: New, listener: bool) -> Result<webhook::Model> {
    actor.require(Action::ManageWebhooks)?;
    let draft = new.check(&app.subscribers).await?;
    let (actor, keyring) = (actor.clone(), Arc::clone(&app.keyring));
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let project_id = project(txn, &actor, draft.project_id.as_deref()).await?;
                let mut row = draft.row(&actor, project_id, &keyring, txn.now())?;
                if listener {
                    listener::enter(txn, &mut row).await?;
                }
                webhook::Entity::insert(row.clone().into_active_model())
                    .exec_without_returning(txn.conn())
                    .await?;
                if let Some(secret) = &draft.secret {
                    secrets::add(txn, &row, &keyring, secret).await?;
                }
                txn.index().adopt(row.id, draft.settings.condition());
                txn.webhooks_changed(row.organization_id);
                Ok(row)
            })
        })
        .await
}

/// Changes a webhook; absent fields keep their value. Reactivating it resumes its queue; new limits apply immediately.
pub async fn update(app: &App, actor: &Actor, id: &str, patch: Patch) -> Result<webhook::Model> {
    actor.require(Action::ManageWebhooks)?;
    let key = get(app, actor, id).await?.id;
    let change = patch.check(&app.subscribers).await?;
    let keyring = Arc::clone(&app.keyring);
    let (registry, lanes) = (Arc::clone(&app.health), Arc::clone(&app.dispatcher.lanes));
    let row = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let row: webhook::Model = lookup::reload(txn.conn(), key).await?;
                if row.stage_id.is_some() {
                    let reason = "the webhook is a workflow stage's own: saveWorkflow changes it";
                    return Err(Error::NotAllowed(reason.into()));
                }
                listener::check(&row, change.settings.url.is_some())?;
                let changed = change.apply(&row, &keyring, txn.now())?;
                if change.settings.filter.is_some() {
                    txn.index().adopt(key, change.settings.condition());
                    txn.webhooks_changed(row.organization_id);
                }
                let Some(changed) = changed else {
                    return Ok(row);
                };
                if changed.auth_type == AuthType::Secret && !has_secret(txn, key).await? {
                    return Err(Error::invalid(
                        "authType",
                        "SECRET needs a webhook that was made with a secret",
                    ));
                }
                let fresh = health::is_fresh(&row, &changed);
                if changed.ordering != row.ordering {
                    reorder(txn, key, changed.ordering).await?;
                }
                let row = changed.into_active_model().reset_all().update(txn.conn()).await?;
                txn.webhooks_changed(row.organization_id);
                if fresh {
                    health::clear(txn, &registry, &lanes, key).await?;
                }
                Ok(row)
            })
        })
        .await?;
    app.webhook_changed(row.id);
    if row.listener && row.status == WebhookStatus::Revoked {
        app.listeners.close(row.id);
    }
    if row.status == WebhookStatus::Active {
        app.dispatcher.lanes.note_due(row.id, limit(&row), app.clock.now());
    }
    Ok(row)
}

/// Returns a webhook by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<webhook::Model> {
    actor.require(Action::ReadWebhooks)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists the registered webhooks that the actor has access to: of the organization, or of one project. Webhooks of
/// workflow stages belong to their stages and are not listed, and those of listeners only while they exist.
pub async fn list(
    app: &App,
    actor: &Actor,
    project_id: Option<ProjectId>,
    query: Query<Field>,
) -> Result<Vec<webhook::Model>> {
    actor.require(Action::ReadWebhooks)?;
    let mut rows = webhook::Entity::find()
        .filter(webhook::Column::OrganizationId.eq(actor.organization_id))
        .filter(webhook::Column::StageId.is_null())
        .filter(listener::lasts())
        .filter(lookup::within(actor, webhook::Column::ProjectId));
    if let Some(project_id) = project_id {
        rows = rows.filter(webhook::Column::ProjectId.eq(project_id));
    }
    Ok(query.select(rows, Field::Id, None)?.all(app.db.read()).await?)
}

/// Loads several webhooks of an organization by their ids; unknown ids and those of other organizations are omitted.
pub async fn many(
    app: &App,
    organization_id: OrganizationId,
    ids: &[WebhookId],
) -> Result<HashMap<WebhookId, webhook::Model>> {
    let rows: Vec<webhook::Model> = lookup::many(app.db.read(), organization_id, ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Returns the failed evaluations of a webhook's filter.
pub fn filter_faults(app: &App, id: WebhookId) -> FilterFaults {
    app.subscribers.filter_faults(id)
}

/// Refuses a webhook that is not ACTIVE.
pub(crate) fn active(webhook: &webhook::Model) -> Result<()> {
    match webhook.status {
        WebhookStatus::Active => Ok(()),
        status => Err(Error::NotAllowed(format!(
            "the webhook is {}; make it ACTIVE first",
            status.as_str()
        ))),
    }
}

/// Returns the project of a new webhook. An API key that is limited to projects cannot register for the whole
/// organization.
async fn project(txn: &Txn, actor: &Actor, id: Option<&str>) -> Result<Option<ProjectId>> {
    let Some(id) = id else {
        actor.require_organization()?;
        return Ok(None);
    };
    let row: project::Model = lookup::find_for(txn.conn(), actor, "project", id).await?;
    Ok(Some(row.id))
}

pub(crate) async fn has_secret(txn: &Txn, id: WebhookId) -> Result<bool> {
    let query = webhook_secret::Entity::find().filter(webhook_secret::Column::WebhookId.eq(id));
    Ok(query.one(txn.conn()).await?.is_some())
}
