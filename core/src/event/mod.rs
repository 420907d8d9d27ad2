//! Publishing: an event's row, the rendered payloads that its webhooks need, and a notification for each webhook, all
//! in the transaction of the change itself (a transactional outbox). The verbs (label, review, task, webhook) enter
//! with [`publish`] and its siblings and a transaction. Nothing here may send a request or open a transaction of its
//! own.

pub(crate) mod annotation;
pub(crate) mod cel_scope;
pub(crate) mod data;
pub(crate) mod filter;
pub(crate) mod notice;
pub(crate) mod sample;
pub(crate) mod task;

pub use annotation::Annotation;
pub(crate) use cel_scope::SCOPE;
pub use data::{
    About, Batch, Change, Data, DataRow, Dataset, Label, LabelChange, Ping, Project, Review, ReviewChange, Team, User,
};
pub(crate) use filter::last_before;
pub use filter::{Filter, Slice, Span};
pub use notice::{Counts, GivenUp, Notice, Watched, WatchedProject};
pub(crate) use sample::has_sample;
pub use sample::sample;
pub use task::{Stage, Task, TaskMove, Visit, Work};

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    organization,
};
use entity::{EventId, OrganizationId, event};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};
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
pub async fn list(app: &App, actor: &Actor, filter: &Filter, span: Span) -> Result<Slice> {
    actor.require(Action::ReadWebhooks)?;
    filter::page(app.db.read(), actor, filter, span).await
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

fn by_ids(organization_id: OrganizationId, ids: &[EventId]) -> Select<event::Entity> {
    event::Entity::find()
        .filter(event::Column::Id.is_in(ids.iter().copied()))
        .filter(organization::owns(event::Column::OrganizationId, organization_id))
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
