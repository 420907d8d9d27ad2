//! Postponed matches: decides whether a webhook gets an event when its filter, or its payload query, would have taken
//! too much of the transaction that published the event. Entered by the background task
//! [`postponed_matches`](crate::background::postponed_matches). Filters and queries run here, outside of transactions;
//! what was read is compared again when the decision is written.

use crate::{
    App, Error, Result,
    db::Txn,
    event::Data,
    filter::Outcome,
    health, payload,
    publish::{matching::passes_postponed, resend},
    subscribers::Subscriber,
};
use bytes::Bytes;
use entity::{
    EventId, Ordering, OrganizationId, PostponedMatchId, WebhookId, WebhookStatus, event, postponed_match as rows,
    webhook,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Set, sea_query::Expr,
};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

/// The largest number of matches that one step decides.
const BATCH_SIZE: u64 = 16;
/// The time after which a step ends, so that organizations take turns.
const STEP_TIME: Duration = Duration::from_secs(1);
/// The evaluations of one match that may be stopped at their limit before its webhook is disabled.
const MAX_FAILURES: i32 = 3;
/// The time before a match is tried again, for each evaluation that was stopped.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// A decision, with the webhook by which it was made.
struct Decided {
    row: rows::Model,
    webhook: webhook::Model,
    decision: Decision,
}

enum Decision {
    /// The webhook gets the event, with this body.
    Send(Box<(event::Model, Subscriber, Bytes)>),
    /// The webhook does not get the event.
    Drop,
    /// The evaluation was stopped, at its limit or by a busy machine.
    Again { failures: i32 },
    /// The filter is too expensive.
    Disable(String),
}

/// Returns the number of events of which it is not decided yet whether this webhook gets them.
pub async fn count(app: &App, id: WebhookId) -> Result<u64> {
    let waiting = rows::Entity::find().filter(rows::Column::WebhookId.eq(id));
    Ok(waiting.count(app.db.read()).await?)
}

/// Decides the next matches of an organization. Returns whether there may be more.
pub(crate) async fn step(app: &App, organization_id: OrganizationId) -> Result<bool> {
    let due = due(app, organization_id).await?;
    let is_last = due.len() < BATCH_SIZE as usize;
    let found = due.len();
    let decided = decide(app, due).await?;
    let is_all = decided.len() == found;
    let written = app.db.write(organization_id, move |txn| {
        Box::pin(async move { write(txn, decided).await })
    });
    for id in written.await? {
        app.webhook_changed(id);
    }
    Ok(!(is_last && is_all))
}

/// Returns the first matches that are due, of active webhooks.
async fn due(app: &App, organization_id: OrganizationId) -> Result<Vec<rows::Model>> {
    let active = webhook::Entity::find()
        .select_only()
        .column(webhook::Column::Id)
        .filter(webhook::Column::OrganizationId.eq(organization_id))
        .filter(webhook::Column::Status.eq(WebhookStatus::Active))
        .into_query();
    let due = rows::Entity::find()
        .filter(rows::Column::OrganizationId.eq(organization_id))
        .filter(rows::Column::DueAt.lte(app.clock.now()))
        .filter(rows::Column::WebhookId.in_subquery(active))
        .order_by_asc(rows::Column::Sequence)
        .limit(BATCH_SIZE);
    Ok(due.all(app.db.read()).await?)
}

async fn decide(app: &App, due: Vec<rows::Model>) -> Result<Vec<Decided>> {
    let webhooks = webhooks(app.db.read(), &due).await?;
    let events = event::Entity::find().filter(event::Column::Id.is_in(due.iter().map(|row| row.event_id)));
    let events = events.all(app.db.read()).await?;
    let events: HashMap<EventId, event::Model> = events.into_iter().map(|event| (event.id, event)).collect();
    let (started, mut decided) = (Instant::now(), Vec::with_capacity(due.len()));
    for row in due {
        if started.elapsed() > STEP_TIME {
            break;
        }
        let Some(webhook) = webhooks.get(&row.webhook_id) else {
            continue;
        };
        let decision = match events.get(&row.event_id) {
            Some(event) => of_event(app, &row, webhook, event).await?,
            None => Decision::Drop,
        };
        let webhook = webhook.clone();
        decided.push(Decided { row, webhook, decision });
    }
    Ok(decided)
}

async fn of_event(app: &App, row: &rows::Model, webhook: &webhook::Model, event: &event::Model) -> Result<Decision> {
    let subscriber = app.subscribers.subscriber(webhook).await?;
    Ok(match passes_postponed(&app.subscribers, event, &subscriber).await {
        Outcome::Match => match render(event, &subscriber) {
            Ok(body) => Decision::Send(Box::new((event.clone(), subscriber, body))),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, event.id = %event.id, "an event could not be rendered and is not sent");
                Decision::Drop
            }
        },
        Outcome::NoMatch | Outcome::Fault(_) => Decision::Drop,
        Outcome::TooDear(reason) if row.failures + 1 >= MAX_FAILURES => Decision::Disable(reason),
        Outcome::TooDear(_) => Decision::Again {
            failures: row.failures + 1,
        },
        Outcome::Stopped(_) => Decision::Again { failures: row.failures },
    })
}

fn render(event: &event::Model, subscriber: &Subscriber) -> Result<Bytes> {
    let data = Data::parse(event.topic, &event.data).map_err(Error::internal)?;
    payload::render(&subscriber.shape, event, &data).map(Bytes::from)
}

/// Writes the decisions whose match still exists and whose webhook is as it was. Returns the disabled webhooks.
async fn write(txn: &Txn, decided: Vec<Decided>) -> Result<Vec<WebhookId>> {
    let ids = decided.iter().map(|decided| decided.row.id);
    let still = rows::Entity::find()
        .filter(rows::Column::Id.is_in(ids))
        .all(txn.conn())
        .await?;
    let webhooks = webhooks(txn.conn(), &still).await?;
    let still: HashSet<PostponedMatchId> = still.into_iter().map(|row| row.id).collect();
    let (mut done, mut disabled, mut held_up) = (Vec::new(), Vec::new(), HashSet::new());
    for Decided { row, webhook, decision } in decided {
        let now = webhooks.get(&row.webhook_id);
        if !still.contains(&row.id) || !now.is_some_and(|now| is_same(now, &webhook)) || held_up.contains(&webhook.id) {
            continue;
        }
        match decision {
            Decision::Send(send) => {
                let (event, subscriber, body) = *send;
                resend::late_with(txn, &event, &subscriber, body).await?;
                done.push(row.id);
            }
            Decision::Drop => done.push(row.id),
            Decision::Again { failures } => {
                if webhook.ordering != Ordering::None {
                    held_up.insert(webhook.id);
                    wait(txn, webhook.id).await?;
                }
                again(txn, row, failures).await?;
            }
            Decision::Disable(reason) => {
                health::disable(txn, &webhook, &format!("its filter is too expensive: {reason}")).await?;
                disabled.push(webhook.id);
                held_up.insert(webhook.id);
                again(txn, row, 0).await?;
            }
        }
    }
    let done = rows::Entity::delete_many().filter(rows::Column::Id.is_in(done));
    done.exec(txn.conn()).await?;
    Ok(disabled)
}

/// Returns whether a webhook is active and matches and renders as it did.
fn is_same(now: &webhook::Model, before: &webhook::Model) -> bool {
    let shape = |row: &webhook::Model| (row.payload_format, row.payload_content, row.payload_query.clone());
    now.status == WebhookStatus::Active && now.filter == before.filter && shape(now) == shape(before)
}

/// Lets all matches of a webhook with an order wait for one that is tried again.
async fn wait(txn: &Txn, id: WebhookId) -> Result<()> {
    rows::Entity::update_many()
        .col_expr(rows::Column::DueAt, Expr::value(txn.now().plus(RETRY_AFTER)))
        .filter(rows::Column::WebhookId.eq(id))
        .exec(txn.conn())
        .await?;
    Ok(())
}

async fn again(txn: &Txn, row: rows::Model, failures: i32) -> Result<()> {
    let mut row = row.into_active_model();
    row.failures = Set(failures);
    row.due_at = Set(txn.now().plus(RETRY_AFTER));
    row.update(txn.conn()).await?;
    Ok(())
}

async fn webhooks(
    db: &impl sea_orm::ConnectionTrait,
    of: &[rows::Model],
) -> Result<HashMap<WebhookId, webhook::Model>> {
    let ids: HashSet<WebhookId> = of.iter().map(|row| row.webhook_id).collect();
    let found = webhook::Entity::find()
        .filter(webhook::Column::Id.is_in(ids))
        .all(db)
        .await?;
    Ok(found.into_iter().map(|row| (row.id, row)).collect())
}
