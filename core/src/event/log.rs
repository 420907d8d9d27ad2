//! The log of events: one by its id, several by their ids, and pages, newest first.

use super::filter::{Filter, Page, PageRequest, by_ids, page};
use crate::{
    App, Error, Result,
    auth::{Action, Actor},
};
use entity::{EventId, OrganizationId, event};
use sea_orm::EntityTrait;
use std::collections::HashMap;

/// Returns an event by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<event::Model> {
    actor.require(Action::ReadWebhooks)?;
    let unknown = || Error::not_found("event", id);
    let key: EventId = id.parse().map_err(|_| unknown())?;
    let row = event::Entity::find_by_id(key).one(app.db.read()).await?;
    row.filter(|row| row.organization_id == actor.organization_id && actor.sees(row.project_id))
        .ok_or_else(unknown)
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
    let rows = by_ids(organization_id, ids).all(app.db.read()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan;
    use sea_orm::{DbBackend, QueryTrait};

    #[tokio::test]
    async fn events_that_are_named_are_found_by_their_ids() {
        for count in [1, 40] {
            let ids: Vec<EventId> = (0..count).map(|_| EventId::new()).collect();
            let sql = by_ids(OrganizationId::new(), &ids).build(DbBackend::Sqlite).to_string();
            let plan = plan(&sql).await;
            assert!(plan.len() == 1 && plan[0].contains("(id=?)"), "{plan:?}");
        }
    }
}
