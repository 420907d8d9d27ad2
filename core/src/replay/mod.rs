//! Replays: everything that a filter matches is sent again, as a job. Asked for here; done in steps by a background
//! task, one webhook's [`part`] after the other, so that a slow webhook holds up no other.
//!
//! A replay matches what exists at its start: its own redeliveries are newer, and therefore never matched. It yields to
//! live traffic: a webhook gets more of a replay only while little else waits for it (see [`quota`]). Each step is one
//! transaction that also records the progress of the part, so that a restart repeats nothing and omits nothing.

mod again;
mod found;
mod missed;
pub(crate) mod part;
mod quota;

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    lookup,
    notification::{self, Filter},
    sql::bulk,
};
use entity::{
    NotificationId, OrganizationId, ReplayId, ReplayStatus, Timestamp, WebhookId, notification as notifications,
    replay, replay_part,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};

/// The maximum number of running replays of one organization.
const MAX_RUNNING: u64 = 10;

/// The input of starting a replay.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Selects the notifications; or the events, when [`Start::missed_by`] is given.
    pub filter: Filter,
    /// Renders the bytes again, in the webhook's current payload format.
    pub rerender: bool,
    /// Sends this webhook the events that it missed.
    pub missed_by: Option<String>,
}

/// The upper bound of matches: what existed when the replay started.
#[derive(Clone, Copy, Debug)]
struct Until {
    id: NotificationId,
    sequence: i64,
}

/// Starts a replay.
pub async fn start(app: &App, actor: &Actor, start: Start) -> Result<replay::Model> {
    actor.require(Action::ManageWebhooks)?;
    let missed_by = match &start.missed_by {
        Some(id) => Some(missed::MissedBy::of(app, actor, id, &start.filter).await?),
        None => None,
    };
    // The result arrives after the commit of everything before it, so that the counts below see all of it.
    let until = app
        .db
        .write(actor.organization_id, |txn| {
            Box::pin(async move { Ok(Until::now(txn)) })
        })
        .await?;
    let parts = match &missed_by {
        Some(missed_by) => vec![missed_by.part(app.db.read(), &start.filter, until).await?],
        None => matched(app, actor, &start.filter, until).await?,
    };
    let until = parts.first().map_or(until, |part| part.until);
    let row = row(actor, &start, until, &parts)?;
    let stored = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move { store(txn, row, parts).await })
        })
        .await?;
    app.replays.wake();
    Ok(stored)
}

/// Returns a replay by its id. An API key that is limited to projects has access to replays that were started within
/// them.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<replay::Model> {
    actor.require(Action::ReadWebhooks)?;
    lookup::find(app.db.read(), actor, id).await
}

/// Cancels a replay. What it has already enqueued is still sent.
pub async fn cancel(app: &App, actor: &Actor, id: &str) -> Result<replay::Model> {
    actor.require(Action::ManageWebhooks)?;
    let key = get(app, actor, id).await?.id;
    app.db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let mut row: replay::Model = lookup::reload(txn.conn(), key).await?;
                if row.status != ReplayStatus::Running {
                    let reason = format!("the replay is {} already", row.status.as_str());
                    return Err(Error::Conflict(reason));
                }
                replay_part::Entity::update_many()
                    .col_expr(replay_part::Column::Running, Expr::value(false))
                    .filter(replay_part::Column::ReplayId.eq(key))
                    .exec(txn.conn())
                    .await?;
                row.status = ReplayStatus::Canceled;
                row.updated_at = txn.now();
                txn.replay_changed(&row);
                Ok(row.into_active_model().reset_all().update(txn.conn()).await?)
            })
        })
        .await
}

impl Until {
    fn now(txn: &Txn) -> Self {
        Self {
            id: NotificationId::new(),
            sequence: txn.next_sequence(),
        }
    }
}

/// Counts what a filter matches, by webhook.
async fn matched(app: &App, actor: &Actor, filter: &Filter, until: Until) -> Result<Vec<Part>> {
    let counts: Vec<(WebhookId, i64)> = notification::matching(actor, filter)
        .select_only()
        .column(notifications::Column::WebhookId)
        .column_as(notifications::Column::Id.count(), "matched")
        .filter(notifications::Column::Id.lt(until.id))
        .filter(notification::near(&app.clock, filter))
        .filter(notification::condition(filter))
        .group_by(notifications::Column::WebhookId)
        .into_tuple()
        .all(app.db.read())
        .await?;
    let part = |(webhook_id, total)| Part {
        webhook_id,
        total: i32::try_from(total).unwrap_or(i32::MAX),
        after_sequence: None,
        until,
    };
    Ok(counts.into_iter().map(part).collect())
}

/// A webhook's part, before it starts.
struct Part {
    webhook_id: WebhookId,
    total: i32,
    after_sequence: Option<i64>,
    until: Until,
}

/// Builds the row of the replay, without its times.
fn row(actor: &Actor, start: &Start, until: Until, parts: &[Part]) -> Result<replay::Model> {
    let criteria = notification::seen(actor, &start.filter);
    let projects = actor.projects.as_ref().map(serde_json::to_string).transpose();
    let total = parts.iter().fold(0_i32, |sum, part| sum.saturating_add(part.total));
    Ok(replay::Model {
        id: ReplayId::new(),
        organization_id: actor.organization_id,
        actor_id: Some(actor.user_id),
        projects: projects.map_err(Error::internal)?,
        criteria: serde_json::to_string(&criteria).map_err(Error::internal)?,
        missed_by: start.missed_by.as_ref().and(parts.first()).map(|part| part.webhook_id),
        rerender: start.rerender,
        until_id: until.id,
        until_sequence: until.sequence,
        status: match total {
            0 => ReplayStatus::Succeeded,
            _ => ReplayStatus::Running,
        },
        total,
        done: 0,
        skipped: 0,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    })
}

async fn store(txn: &Txn, row: replay::Model, parts: Vec<Part>) -> Result<replay::Model> {
    let row = replay::Model {
        created_at: txn.now(),
        updated_at: txn.now(),
        ..row
    };
    refuse_too_many(txn, row.organization_id).await?;
    replay::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(txn.conn())
        .await?;
    let parts = parts.iter().filter(|part| part.total > 0);
    let parts = parts.map(|part| part.row(&row)).collect();
    bulk::insert::<replay_part::Entity>(txn.conn(), parts, "").await?;
    Ok(row)
}

impl Part {
    fn row(&self, of: &replay::Model) -> replay_part::Model {
        replay_part::Model {
            replay_id: of.id,
            webhook_id: self.webhook_id,
            organization_id: of.organization_id,
            after_id: None,
            after_sequence: self.after_sequence,
            total: self.total,
            done: 0,
            running: true,
        }
    }
}

async fn refuse_too_many(txn: &Txn, id: OrganizationId) -> Result<()> {
    let running = replay::Entity::find()
        .filter(replay::Column::OrganizationId.eq(id))
        .filter(Expr::cust("status = 0"))
        .count(txn.conn())
        .await?;
    match running < MAX_RUNNING {
        true => Ok(()),
        false => Err(Error::Conflict(format!("{MAX_RUNNING} replays are running already"))),
    }
}
