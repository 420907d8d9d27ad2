//! The log of events: one by its id, several by their ids, and pages, newest first.

use super::filter::{Filter, Page, PageRequest, page};
use crate::{
    App, Result,
    auth::{Action, Actor},
    lookup,
    page::End,
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
    match &filter.ids {
        Some(ids) => by_ids(app, actor, filter, span, ids).await,
        None => page(app.db.read(), actor, filter, span).await,
    }
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

/// Loads a page of the events with these ids that match the filter.
async fn by_ids(app: &App, actor: &Actor, filter: &Filter, span: PageRequest, ids: &[EventId]) -> Result<Page> {
    let mut rows: Vec<event::Model> = lookup::many(app.db.read(), actor.organization_id, ids).await?;
    rows.retain(|row| {
        lookup::is_visible(row, actor)
            && filter.matches(row)
            && span.after.is_none_or(|after| row.sequence < after)
            && span.before.is_none_or(|before| row.sequence > before)
    });
    rows.sort_unstable_by_key(|row| row.sequence);
    if span.from == End::First {
        rows.reverse();
    }
    rows.truncate(usize::try_from(span.count.saturating_add(1)).unwrap_or(usize::MAX));
    Ok(Page::cut(rows, &span))
}
