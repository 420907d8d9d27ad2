//! Control of deliveries: redeliver, cancel, ping and preview.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    db::Txn,
    delivery::{headers, limit::Limit},
    event::{self, Data, Ping},
    lookup, payload,
    publish::{self, resend},
    queue::{
        job::Job,
        ordering::release,
        outbox::{Enqueued, counters},
    },
    subscribers::{self, host::Host},
    task::{self, Withdrawn},
    webhook::{self, target::prepare},
};
use bytes::Bytes;
use entity::{
    NodeId, NotificationId, NotificationStatus, Ordering, OrganizationId, PayloadId, Timestamp, WebhookTopic,
    notification, webhook as webhooks,
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use std::time::Duration;
use uuid::Uuid;

/// The time that a ping waits beyond the timeout of its attempt.
const PING_SLACK: Duration = Duration::from_secs(2);

/// Sends an old notification's bytes again, as a new notification of the same event.
pub async fn redeliver(app: &App, actor: &Actor, id: &str) -> Result<notification::Model> {
    actor.require(Action::ManageWebhooks)?;
    let old: notification::Model = lookup::find(app.db.read(), actor, id).await?;
    let webhook = webhook::get(app, actor, &old.webhook_id.to_string()).await?;
    webhook::active(&webhook)?;
    let (row, withdrawn) = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                if resend::kept(txn, [old.event_id]).await?.is_empty() {
                    return Err(Error::not_found("notification", old.id));
                }
                repeat(txn, &webhook, &old, None).await
            })
        })
        .await?;
    task::forget_sends(app, withdrawn);
    Ok(row)
}

/// Returns the order key of a redelivery.
async fn order_key(txn: &Txn, webhook: &webhooks::Model, old: &notification::Model) -> Result<Option<Uuid>> {
    let data_row_id = match webhook.ordering {
        Ordering::PerDataRow => entity::event::Entity::find_by_id(old.event_id)
            .one(txn.conn())
            .await?
            .and_then(|event| event.data_row_id),
        Ordering::None | Ordering::Strict => None,
    };
    Ok(publish::order_key(webhook.ordering, webhook.id, old.topic, data_row_id))
}

/// Enqueues a notification again, with its old bytes unless others are given. A task that waited for it waits for the
/// new one; returns what it waited for before, which the caller must remove from the lanes after the commit.
pub(crate) async fn repeat(
    txn: &Txn,
    webhook: &webhooks::Model,
    old: &notification::Model,
    other: Option<(PayloadId, Bytes)>,
) -> Result<(notification::Model, Vec<Withdrawn>)> {
    let (payload_id, body) = other.unzip();
    let row = notification::Model {
        id: NotificationId::new(),
        payload_id: payload_id.unwrap_or(old.payload_id),
        status: NotificationStatus::Pending,
        attempt_count: 0,
        throttled_count: 0,
        order_key: order_key(txn, webhook, old).await?,
        due_at: Some(txn.now()),
        node_id: None,
        response_code: None,
        error: None,
        redelivery_of: Some(old.id),
        sequence: txn.next_sequence(),
        created_at: txn.now(),
        updated_at: txn.now(),
        ..old.clone()
    };
    let enqueued = Enqueued {
        row: row.clone(),
        limit: subscribers::limit(webhook),
        host: Host::of(webhook),
        body,
    };
    txn.outbox().enqueue(enqueued);
    let withdrawn = task::outcome::redelivered(txn, old, row.id).await?;
    Ok((row, withdrawn))
}

/// Cancels a notification that is not delivered yet. A request that is in flight is still recorded.
pub async fn cancel(app: &App, actor: &Actor, id: &str) -> Result<notification::Model> {
    actor.require(Action::ManageWebhooks)?;
    let known: notification::Model = lookup::find(app.db.read(), actor, id).await?;
    let webhook = webhook::get(app, actor, &known.webhook_id.to_string()).await?;
    let key = known.id;
    let (row, released) = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let row: notification::Model = lookup::reload(txn.conn(), key).await?;
                if over(row.status) {
                    return Err(Error::Conflict(format!(
                        "the notification is {} already",
                        row.status.as_str()
                    )));
                }
                stop(txn, row).await
            })
        })
        .await?;
    let lanes = &app.dispatcher.lanes;
    app.canceled([(row.webhook_id, row.id)]);
    if released {
        lanes.note_due(row.webhook_id, subscribers::limit(&webhook), app.clock.now());
    }
    Ok(row)
}

/// Cancels an unfinished notification. Returns whether others waited for it in their order.
pub(crate) async fn stop(txn: &Txn, mut row: notification::Model) -> Result<(notification::Model, bool)> {
    row.status = NotificationStatus::Canceled;
    let key = row.order_key.take();
    (row.due_at, row.node_id) = (None, None);
    row.sequence = txn.next_sequence();
    txn.announce(row.organization_id);
    row.updated_at = txn.now();
    txn.outbox().tally(counters::Key::canceled(&row));
    task::outcome::canceled(txn, row.id).await?;
    let row = row.into_active_model().reset_all().update(txn.conn()).await?;
    if let Some(key) = key {
        release(txn.conn(), txn.now(), &[(row.webhook_id, key)]).await?;
    }
    Ok((row, key.is_some()))
}

/// Sends a test event to one webhook now, and waits for its first outcome. An open circuit breaker lets one request
/// through immediately: this one, or one that waited before it.
pub async fn ping(app: &App, actor: &Actor, webhook_id: &str) -> Result<notification::Model> {
    actor.require(Action::ManageWebhooks)?;
    let webhook = webhook::get(app, actor, webhook_id).await?;
    webhook::active(&webhook)?;
    let wait = Duration::from_millis(u64::try_from(webhook.timeout_ms).unwrap_or(0)) + PING_SLACK;
    let organization_id = actor.organization_id;
    let sent = app
        .db
        .write(actor.organization_id, move |txn| {
            Box::pin(async move {
                let data = Data::Ping(Ping {
                    webhook_id: webhook.id,
                    created_at: txn.now(),
                });
                let subscriber = txn.index().subscriber(&webhook).await?;
                let sample = (WebhookTopic::Ping, &data);
                publish::publish_test(txn, organization_id, sample, &subscriber, None)
            })
        })
        .await?;
    app.probe(sent.webhook_id);
    tokio::time::timeout(wait, outcome(app, sent.id))
        .await
        .unwrap_or(Ok(sent))
}

/// Waits for the notification's first attempt.
async fn outcome(app: &App, id: NotificationId) -> Result<notification::Model> {
    let mut recorded = app.dispatcher.recorded.subscribe();
    loop {
        let row: notification::Model = lookup::reload(app.db.read(), id).await?;
        if row.attempt_count > 0 || over(row.status) {
            return Ok(row);
        }
        recorded.woken().await;
    }
}

/// A request as it would be sent, with secrets and tokens masked.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The URL.
    pub url: String,
    /// The headers as a JSON object.
    pub headers: String,
    /// The exact bytes of the body.
    pub body: Vec<u8>,
}

/// Builds the request that a webhook would receive for an event of the organization or a sample of a topic, without
/// sending it.
pub async fn preview(
    app: &App,
    actor: &Actor,
    webhook_id: &str,
    event_id: Option<&str>,
    topic: Option<WebhookTopic>,
) -> Result<Prepared> {
    actor.require(Action::ManageWebhooks)?;
    let row = webhook::get(app, actor, webhook_id).await?;
    let now = app.clock.now();
    let (event, data) = match (event_id, topic) {
        (Some(id), None) => {
            let event = event::log::get(app, actor, id).await?;
            let data = Data::parse(event.topic, &event.data).map_err(Error::internal)?;
            (event, data)
        }
        (None, topic) => sample(actor.organization_id, &row, topic, now)?,
        (Some(_), Some(_)) => return Err(Error::invalid("topic", "must be left out when event is given")),
    };
    let target = webhook::build(app.db.read(), &app.keyring, &row, now).await?;
    let body = payload::render(&app.subscribers.shape(&row).await, &event, &data)?;
    let job = Job::preview(&event, &row);
    let headers = headers::sent(&prepare(&target, &job, now, &body));
    Ok(Prepared {
        url: row.url,
        headers,
        body,
    })
}

fn sample(
    organization_id: OrganizationId,
    webhook: &webhooks::Model,
    topic: Option<WebhookTopic>,
    now: Timestamp,
) -> Result<(entity::event::Model, Data)> {
    let topics = topic.map_or_else(|| subscribers::topics(webhook), |topic| vec![topic]);
    let sampled = topics
        .iter()
        .find_map(|topic| event::sample(*topic, webhook.id, now).map(|data| (*topic, data)));
    let (topic, data) = sampled.ok_or_else(|| {
        let names: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
        Error::invalid("topic", format!("there is no sample of {}", names.join(", ")))
    })?;
    Ok((publish::unpublished(organization_id, topic, &data, now)?, data))
}

/// Returns whether a notification is finished.
pub(crate) fn over(status: NotificationStatus) -> bool {
    matches!(
        status,
        NotificationStatus::Succeeded | NotificationStatus::Failed | NotificationStatus::Canceled
    )
}

impl Job {
    /// Builds a job that is never sent, for the headers of a preview.
    fn preview(event: &entity::event::Model, webhook: &webhooks::Model) -> Self {
        Self {
            node_id: NodeId::new(),
            notification_id: NotificationId::new(),
            organization_id: event.organization_id,
            webhook_id: webhook.id,
            event_id: event.id,
            payload_id: PayloadId::new(),
            project_id: webhook.project_id,
            task_id: None,
            topic: event.topic,
            attempt_count: 0,
            throttled_count: 0,
            order_key: None,
            created_at: event.created_at,
            limit: Limit::ONE,
            body: None,
        }
    }
}
