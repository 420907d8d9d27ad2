//! Publishes a fact: writes the event's row, renders the payloads that its webhooks want, and enqueues a notification
//! for each, all in the transaction of the change itself.
//!
//! Entered by verbs with their [`Txn`]. Must never import a verb or send anything itself: what is enqueued here is sent
//! by the dispatcher after the commit.

pub(crate) mod matching;
pub(crate) mod resend;

use crate::{
    Error, Result,
    db::Txn,
    event::{Change, Data, Notice},
    filter::Outcome,
    payload::{self, Shape},
    queue::outbox::Enqueued,
    subscribers::Subscriber,
};
use bytes::Bytes;
use entity::{
    DataRowId, EventId, NotificationId, NotificationStatus, Ordering, OrganizationId, PayloadId, PostponedMatchId,
    ProjectId, TaskId, Timestamp, WebhookId, WebhookTopic, event, notification, postponed_match, webhook,
};
use matching::Asked;
use std::time::Instant;
use uuid::Uuid;

/// Publishes an event to every active webhook of the organization that subscribes to it and whose filter matches.
pub async fn publish(txn: &Txn, organization_id: OrganizationId, data: &Data, change: Change) -> Result<event::Model> {
    let subscribers = txn.index().of(txn.conn(), organization_id).await?;
    let event = fact(txn, organization_id, data, change)?;
    let wanted = Asked::of(&event).wanted(txn.conn(), txn.index(), &subscribers).await?;
    let matching = wanted.matching.into_iter().map(|subscriber| (subscriber, None));
    notify(txn, &event, data, matching)?;
    postpone(txn, &event, wanted.postponed);
    txn.outbox().event(event.clone());
    Ok(event)
}

/// Publishes a task's move under the caller's event id: to the subscribed webhooks and, when the stage sends the task,
/// to the stage's own webhook. Returns the result for the latter.
pub(crate) async fn publish_move(
    txn: &Txn,
    organization_id: OrganizationId,
    id: EventId,
    data: &Data,
    own: Option<(&Subscriber, TaskId)>,
) -> Result<Sent> {
    let subscribers = txn.index().of(txn.conn(), organization_id).await?;
    let event = event::Model {
        id,
        ..fact(txn, organization_id, data, Change::Updated)?
    };
    let mut asked = Asked::of(&event);
    let wanted = asked.wanted(txn.conn(), txn.index(), &subscribers).await?;
    postpone(txn, &event, wanted.postponed);
    let mut told: Vec<_> = wanted
        .matching
        .into_iter()
        .map(|subscriber| (subscriber, None))
        .collect();
    let mut sent = Sent::Not;
    if let Some((subscriber, task_id)) = own {
        match asked.passes(txn.index(), subscriber).await {
            Outcome::Match => told.push((subscriber, Some(task_id))),
            Outcome::NoMatch => sent = Sent::Unwanted,
            Outcome::Fault(reason) | Outcome::TooDear(reason) | Outcome::Stopped(reason) => {
                sent = Sent::Unknown(reason);
            }
        }
    }
    let last = notify(txn, &event, data, told.into_iter())?;
    txn.outbox().event(event);
    Ok(match last.filter(|row| row.task_id.is_some()) {
        Some(row) => Sent::As(row.id),
        None => sent,
    })
}

/// The result of publishing to the webhook of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is sent as this notification.
    As(NotificationId),
    /// The stage does not send it.
    Not,
    /// The stage's filter does not match.
    Unwanted,
    /// The stage's filter could not be evaluated.
    Unknown(String),
}

/// Publishes a test event of a topic to one webhook, subscribed or not, and returns its notification. The event belongs
/// to the webhook's project, or to the given one, so that everybody with access to the webhook has access to the event.
pub(crate) fn publish_test(
    txn: &Txn,
    organization_id: OrganizationId,
    (topic, data): (WebhookTopic, &Data),
    subscriber: &Subscriber,
    project_id: Option<ProjectId>,
) -> Result<notification::Model> {
    let event = event::Model {
        topic,
        project_id: subscriber.project_id.or(project_id),
        data_row_id: None,
        test: true,
        ..fact(txn, organization_id, data, Change::Created)?
    };
    let notification = notify(txn, &event, data, std::iter::once((subscriber, None)))?;
    txn.outbox().event(event);
    notification.ok_or_else(|| Error::internal("no notification was enqueued for a single subscriber"))
}

/// Publishes an operational event about a webhook to the other webhooks that subscribe to it; never to the webhook
/// itself.
pub(crate) async fn publish_notice(txn: &Txn, of: &webhook::Model, notice: Notice) -> Result<()> {
    let subscribers = txn.index().of(txn.conn(), of.organization_id).await?;
    let data = Data::Notice(Box::new(notice));
    let event = event::Model {
        project_id: of.project_id,
        ..fact(txn, of.organization_id, &data, Change::Created)?
    };
    let matching = subscribers
        .iter()
        .filter(|subscriber| subscriber.webhook_id != of.id && subscriber.wants(event.topic, event.project_id));
    notify(txn, &event, &data, matching.map(|subscriber| (subscriber, None)))?;
    txn.outbox().event(event);
    Ok(())
}

fn fact(txn: &Txn, organization_id: OrganizationId, data: &Data, change: Change) -> Result<event::Model> {
    let event = unpublished(organization_id, data.topic(change), data, txn.now())?;
    Ok(event::Model {
        sequence: txn.next_sequence(),
        ..event
    })
}

/// Builds an event's row without a sequence number in the feed.
pub(crate) fn unpublished(
    organization_id: OrganizationId,
    topic: WebhookTopic,
    data: &Data,
    now: Timestamp,
) -> Result<event::Model> {
    let about = data.about();
    Ok(event::Model {
        id: EventId::new(),
        organization_id,
        sequence: 0,
        topic,
        project_id: about.map(|about| about.project_id),
        data_row_id: about.map(|about| about.data_row.id),
        external_id: about.and_then(|about| about.data_row.external_id.clone()),
        data: serde_json::to_string(data).map_err(Error::internal)?,
        test: false,
        created_at: now,
    })
}

/// Leaves it to a background task whether these webhooks receive the event.
pub(crate) fn postpone<'s>(txn: &Txn, event: &event::Model, subscribers: impl IntoIterator<Item = &'s Subscriber>) {
    for subscriber in subscribers {
        txn.index().postpones(subscriber.webhook_id);
        txn.outbox().postpone(postponed_match::Model {
            id: PostponedMatchId::new(),
            organization_id: event.organization_id,
            webhook_id: subscriber.webhook_id,
            event_id: event.id,
            sequence: event.sequence,
            failures: 0,
            due_at: txn.now(),
        });
    }
}

/// Renders each needed payload shape once and enqueues a notification for each subscriber. Returns the last one.
fn notify<'s>(
    txn: &Txn,
    event: &event::Model,
    data: &Data,
    subscribers: impl Iterator<Item = (&'s Subscriber, Option<TaskId>)>,
) -> Result<Option<notification::Model>> {
    let mut rendered: Vec<(&Shape, PayloadId, Bytes)> = Vec::new();
    let mut last = None;
    for (subscriber, task_id) in subscribers {
        let known = rendered.iter().find(|(shape, ..)| **shape == subscriber.shape);
        let (payload_id, body) = match known {
            Some((_, id, body)) => (*id, body.clone()),
            None if task_id.is_none() && is_for_later(txn, event, &subscriber.shape) => {
                postpone(txn, event, [subscriber]);
                continue;
            }
            None => {
                let started = Instant::now();
                let (id, body) = render(txn, event, data, &subscriber.shape)?;
                if subscriber.shape.query.is_some() {
                    txn.index().budgets().spend(event.organization_id, started);
                }
                rendered.push((&subscriber.shape, id, body.clone()));
                (id, body)
            }
        };
        let row = enqueue(txn, event, subscriber, payload_id, Some(body), |row| {
            row.task_id = task_id
        });
        last = Some(row);
    }
    Ok(last)
}

/// Enqueues one notification, built by `with`.
fn enqueue(
    txn: &Txn,
    event: &event::Model,
    subscriber: &Subscriber,
    payload_id: PayloadId,
    body: Option<Bytes>,
    with: impl FnOnce(&mut notification::Model),
) -> notification::Model {
    let mut row = pending(txn, event, subscriber, payload_id);
    with(&mut row);
    txn.outbox().enqueue(Enqueued {
        row: row.clone(),
        limit: subscriber.limit,
        host: subscriber.host,
        body,
    });
    row
}

/// Returns whether a payload query must be run outside of the transaction, because the organization has used up its
/// time.
fn is_for_later(txn: &Txn, event: &event::Model, shape: &Shape) -> bool {
    shape.query.is_some() && txn.index().budgets().left(event.organization_id).is_zero()
}

fn render(txn: &Txn, event: &event::Model, data: &Data, shape: &Shape) -> Result<(PayloadId, Bytes)> {
    let body = Bytes::from(payload::render(shape, event, data)?);
    Ok((keep(txn, event, shape, &body), body))
}

/// Adds a rendered payload to what is written. Returns its id.
fn keep(txn: &Txn, event: &event::Model, shape: &Shape, body: &Bytes) -> PayloadId {
    let id = PayloadId::new();
    txn.outbox().payload(entity::payload::Model {
        id,
        organization_id: event.organization_id,
        event_id: event.id,
        format: shape.format,
        content: shape.content,
        query_hash: shape.query.as_ref().map(|query| query.hash().to_vec()),
        body: body.to_vec(),
    });
    id
}

fn pending(txn: &Txn, event: &event::Model, subscriber: &Subscriber, payload_id: PayloadId) -> notification::Model {
    notification::Model {
        id: NotificationId::new(),
        organization_id: event.organization_id,
        webhook_id: subscriber.webhook_id,
        event_id: event.id,
        payload_id,
        project_id: event.project_id,
        stage_id: subscriber.stage_id,
        task_id: None,
        topic: event.topic,
        external_id: event.external_id.clone(),
        status: NotificationStatus::Pending,
        attempt_count: 0,
        throttled_count: 0,
        order_key: order_key(
            subscriber.ordering,
            subscriber.webhook_id,
            event.topic,
            event.data_row_id,
        ),
        due_at: Some(txn.now()),
        node_id: None,
        response_code: None,
        error: None,
        redelivery_of: None,
        sequence: txn.next_sequence(),
        created_at: txn.now(),
        updated_at: txn.now(),
    }
}

/// Returns the order key of a notification. A test event has none: it must show now whether the receiver works.
pub(crate) fn order_key(
    ordering: Ordering,
    webhook_id: WebhookId,
    topic: WebhookTopic,
    data_row_id: Option<DataRowId>,
) -> Option<Uuid> {
    match ordering {
        _ if topic == WebhookTopic::Ping => None,
        Ordering::None => None,
        Ordering::PerDataRow => data_row_id.map(|id| id.0),
        Ordering::Strict => Some(webhook_id.0),
    }
}
