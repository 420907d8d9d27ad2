//! Notifications: the delivery log. They are read here and controlled in [`control`]. The GraphQL resolvers call these
//! functions; sending is the dispatcher's part alone. Nothing here may know of GraphQL.

mod control;
mod filter;
mod index_choice;
mod scan;
mod trigger;
pub mod waiting;

pub use control::{Prepared, cancel, ping, preview, redeliver};
pub(crate) use control::{over, repeat, stop};
pub use filter::Filter;
pub(crate) use filter::{matching, of_organization, seen};
pub(crate) use index_choice::condition;
pub(crate) use scan::near;
pub use scan::{Page, PageRequest};
pub use trigger::{Trigger, trigger};

use crate::{
    App, Result,
    auth::{Action, Actor},
    lookup,
    page::End,
};
use entity::{NotificationId, OrganizationId, PayloadId, attempt, notification, payload};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use std::collections::HashMap;

/// Returns a notification by its id.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<notification::Model> {
    actor.require(Action::ReadWebhooks)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Lists a page of the log, newest first. When few notifications match, the page may end before it is full, and says
/// where.
pub async fn list(app: &App, actor: &Actor, filter: &Filter, span: PageRequest) -> Result<Page> {
    actor.require(Action::ReadWebhooks)?;
    scan::page(app, actor, filter, span).await
}

/// Lists a page of a webhook's log by row numbers, in Labelbox's form.
pub async fn numbered(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    from: End,
    skip: u64,
    first: u64,
) -> Result<Vec<notification::Model>> {
    actor.require(Action::ReadWebhooks)?;
    scan::numbered(app, actor, filter, from, skip, first).await
}

/// Loads the attempts of several notifications, oldest first.
pub async fn attempts(
    app: &App,
    organization_id: OrganizationId,
    ids: &[NotificationId],
) -> Result<HashMap<NotificationId, Vec<attempt::Model>>> {
    let rows = attempt::Entity::find()
        .filter(attempt::Column::OrganizationId.eq(organization_id))
        .filter(attempt::Column::NotificationId.is_in(ids.iter().copied()))
        .order_by_asc(attempt::Column::NotificationId)
        .order_by_asc(attempt::Column::Number)
        .all(app.db.read())
        .await?;
    let mut attempts: HashMap<NotificationId, Vec<attempt::Model>> = HashMap::new();
    for row in rows {
        attempts.entry(row.notification_id).or_default().push(row);
    }
    Ok(attempts)
}

/// Loads the bodies of several payloads.
pub async fn bodies(
    app: &App,
    organization_id: OrganizationId,
    ids: &[PayloadId],
) -> Result<HashMap<PayloadId, Vec<u8>>> {
    let rows = payload::Entity::find()
        .filter(payload::Column::OrganizationId.eq(organization_id))
        .filter(payload::Column::Id.is_in(ids.iter().copied()))
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.body)).collect())
}

/// Renders `[Date][Status] external_id`, the log line of Ango Hub. The date has ISO 8601 form; the status is the HTTP
/// status, the kind of error, or the notification's own status while there is neither.
pub fn log_line(row: &notification::Model) -> String {
    let status = match (row.response_code, row.error) {
        (Some(code), _) => code.to_string(),
        (None, Some(error)) => error.as_str().to_owned(),
        (None, None) => row.status.as_str().to_owned(),
    };
    format!(
        "[{}][{status}] {}",
        row.updated_at.millis(),
        row.external_id.as_deref().unwrap_or_default()
    )
}
