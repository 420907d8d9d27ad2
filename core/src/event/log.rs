//! The log of events: one by its id, several by their ids, and pages, newest first.

use super::filter::{Filter, Page, PageRequest, page};
use crate::{
    App, Result,
    auth::{Action, Actor},
    lookup,
};
use entity::{EventId, OrganizationId, event};
use std::collections::HashMap;

/// Returns an event by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<event::Model> {
    actor.require(Action::ReadWebhooks)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists a page of events, newest first.
pub async fn list(app: &App, actor: &Actor, filter: &Filter, span: PageRequest) -> Result<Page> {
    actor.require(Action::ReadWebhooks)?;
    page(app.db.read(), actor, filter, span).await
}

/// Loads several events of an organization by their ids; unknown ids and those of other organizations are omitted.
pub async fn many(
    app: &App,
    organization_id: OrganizationId,
    ids: &[EventId],
) -> Result<HashMap<EventId, event::Model>> {
    let rows: Vec<event::Model> = lookup::many(app.db.read(), organization_id, ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
