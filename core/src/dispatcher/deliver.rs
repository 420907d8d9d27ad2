//! Delivers one notification: resolves its webhook, loads the body, signs, sends, judges the outcome and hands a
//! [`Record`] to the recorder. Every path ends in a [`Record`], whatever fails on the way.

use super::recorder::{Attempted, Record};
use crate::{
    App, Error, Result,
    delivery::{
        breaker::Observation,
        headers,
        retry::{History, Verdict},
        sender::Outcome,
    },
    health,
    listener::Delivery,
    queue::{job::Job, lanes::Lanes, outbox},
    webhook::target::{DeliverySettings, prepare},
};
use bytes::Bytes;
use entity::{Timestamp, WebhookId, attempt};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The delay before a notification is looked at again that could not be tried, for instance because its body could not
/// be read.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// A job in flight. If it is dropped before it ends, by a panic or a shutdown, its claim is released.
struct InFlight {
    job: Option<Job>,
    lanes: Arc<Lanes>,
    records: mpsc::UnboundedSender<Record>,
}

impl InFlight {
    /// Ends the request: frees the lane for its next request and hands the record to the recorder.
    fn end(mut self, with: impl FnOnce(Job) -> Record) {
        if let Some(job) = self.job.take() {
            self.lanes.request_ended(job.webhook_id);
            self.records.send(with(job)).ok();
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            self.lanes.request_ended(job.webhook_id);
            self.records.send(Record::held(job, None)).ok();
            self.lanes.wake();
        }
    }
}

/// Delivers a job, then the next one in round-robin order, until no job is ready or `stop` is cancelled.
pub(super) async fn deliver_all(
    app: Arc<App>,
    first: Job,
    records: mpsc::UnboundedSender<Record>,
    stop: CancellationToken,
) {
    let mut next = Some(first);
    while let Some(job) = next {
        let flight = InFlight {
            job: Some(job.clone()),
            lanes: Arc::clone(&app.dispatcher.lanes),
            records: records.clone(),
        };
        deliver(&app, job, flight).await;
        next = if stop.is_cancelled() {
            None
        } else {
            next_job(&app, &records)
        };
    }
}

/// Takes the next job in round-robin order. Jobs that were in memory when their webhook's circuit breaker opened are
/// released to the database here.
pub(super) fn next_job(app: &App, records: &mpsc::UnboundedSender<Record>) -> Option<Job> {
    let (lanes, now) = (&app.dispatcher.lanes, app.clock.now());
    let next = app.nodes.is_alive().then(|| lanes.take(now)).flatten();
    for job in lanes.take_released() {
        records.send(Record::held(job, Some(now))).ok();
    }
    next
}

/// Tries a job and turns the result into its record. An error of ours releases the claim for [`RETRY_DELAY`].
async fn deliver(app: &App, job: Job, flight: InFlight) {
    match attempt(app, &job).await {
        Ok(Disposition::Sent(mut attempted)) => {
            // Noted before the lane is freed: the next request must follow the state of the circuit breaker.
            attempted.marked = note(app, &job, &attempted);
            flight.end(|job| Record::attempted(job, attempted));
        }
        Ok(Disposition::WebhookInactive) => flight.end(|job| Record::held(job, None)),
        Ok(Disposition::ListenerGone) => flight.end(|job| Record::held(job, Some(app.clock.now().plus(RETRY_DELAY)))),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                notification.id = %job.notification_id,
                "a notification could not be sent; trying again later"
            );
            flight.end(|job| Record::held(job, Some(app.clock.now().plus(RETRY_DELAY))));
        }
    }
}

/// Reports an outcome to the circuit breaker. Returns whether the webhook's health has changed and must be written.
fn note(app: &App, job: &Job, attempted: &Attempted) -> bool {
    let (sign, reason) = match attempted.verdict {
        Verdict::Delivered => (Observation::Success, None),
        Verdict::Retry { spent: false, .. } => (Observation::Neither, None),
        Verdict::Retry { .. } | Verdict::Failed | Verdict::Gone => {
            let row = &attempted.row;
            let answered = row.response_status.filter(|_| row.error.is_none());
            (Observation::Failure, health::failure(answered, row.error))
        }
    };
    let lanes = &app.dispatcher.lanes;
    app.health.note(lanes, job, sign, reason, app.clock.now())
}

/// The result of trying a job.
enum Disposition {
    /// A request was made.
    Sent(Box<Attempted>),
    /// The webhook is not active any more: the notification waits until it is active again.
    WebhookInactive,
    /// The webhook's listener is not connected here, or went away before it received the request: the notification
    /// waits for it.
    ListenerGone,
}

/// Returns the settings to deliver with, from the cache when it has them.
async fn settings(app: &App, id: WebhookId) -> Result<Option<Arc<DeliverySettings>>> {
    let cache = &app.delivery_settings;
    cache.of(app.db.read(), &app.keyring, app.clock.now(), id).await
}

/// Sends one request: to the webhook's URL, or to its listener.
async fn attempt(app: &App, job: &Job) -> Result<Disposition> {
    let target = settings(app, job.webhook_id).await?;
    let Some(target) = target.filter(|target| target.active) else {
        return Ok(Disposition::WebhookInactive);
    };
    let body = match &job.body {
        Some(body) => body.clone(),
        None => outbox::body(app.db.read(), job.payload_id)
            .await?
            .ok_or_else(|| Error::internal("a payload is gone"))?,
    };
    let started_at = app.clock.now();
    let prepared = prepare(&target, job, started_at, &body);
    let sent = headers::sent(&prepared);
    let watch = tokio::time::Instant::now();
    let outcome = match target.listener {
        true => app.listeners.send(Delivery::of(job, &target, prepared, body)).await,
        false => {
            let sender = &app.dispatcher.sender;
            Some(sender.send(&target.url, prepared, body, target.timeout).await)
        }
    };
    let Some(outcome) = outcome else {
        return Ok(Disposition::ListenerGone);
    };
    let duration = watch.elapsed();
    let now = app.clock.now();
    let past = History {
        spent: u32::try_from(job.attempt_count - job.throttled_count).unwrap_or(0) + 1,
        throttled: u32::try_from(job.throttled_count).unwrap_or(0),
        age: now.since(job.created_at),
    };
    let verdict = target.policy.judge(&outcome, past, now, rand::random());
    let mut row = row(job, &target, started_at, duration, sent, outcome);
    if verdict == Verdict::Delivered && !target.captured.keeps(job.notification_id) {
        (row.response_headers, row.response_body) = (None, None);
    }
    Ok(Disposition::Sent(Box::new(Attempted {
        row,
        verdict,
        marked: false,
    })))
}

/// Builds the attempt's row from the request and its outcome.
fn row(
    job: &Job,
    target: &DeliverySettings,
    started_at: Timestamp,
    duration: Duration,
    request_headers: String,
    outcome: Outcome,
) -> attempt::Model {
    let Outcome { answer, error, .. } = outcome;
    let (response_status, response_headers, response_body, body_truncated) = match answer {
        Some(answer) => (
            Some(i32::from(answer.status)),
            Some(headers::received(&answer.headers)),
            Some(Bytes::into(answer.body)),
            answer.truncated,
        ),
        None => (None, None, None, false),
    };
    let (error, error_message) = error.map(|error| (error.kind, error.message)).unzip();
    attempt::Model {
        notification_id: job.notification_id,
        number: job.attempt_count + 1,
        organization_id: job.organization_id,
        started_at,
        duration_ms: i32::try_from(duration.as_millis()).unwrap_or(i32::MAX),
        url: target.url.as_str().to_owned(),
        request_headers,
        response_status,
        response_headers,
        response_body,
        body_truncated,
        error,
        error_message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::limit::Limit,
        node::{self, Nodes},
        queue::lanes::Window,
    };
    use entity::{EventId, NodeId, NotificationId, OrganizationId, PayloadId, WebhookId, WebhookTopic};

    fn job() -> Job {
        Job {
            node_id: NodeId::new(),
            notification_id: NotificationId::new(),
            organization_id: OrganizationId::new(),
            webhook_id: WebhookId::new(),
            event_id: EventId::new(),
            payload_id: PayloadId::new(),
            project_id: None,
            task_id: None,
            topic: WebhookTopic::Ping,
            attempt_count: 0,
            throttled_count: 0,
            order_key: None,
            created_at: Timestamp(0),
            limit: Limit::ONE,
            body: None,
        }
    }

    #[tokio::test]
    async fn a_flight_that_breaks_off_lands_and_gives_its_claim_back() {
        let lanes = Arc::new(Lanes::new(
            Window::default(),
            Arc::new(Nodes::alone(node::Config::default())),
        ));
        let (records, mut recorded) = mpsc::unbounded_channel();
        let first = job();
        let webhook_id = first.webhook_id;
        for job in [first.clone(), Job { webhook_id, ..job() }] {
            assert!(lanes.reserve(webhook_id, Limit::ONE, Timestamp(0)));
            lanes.offer([job]);
        }
        lanes.changed().await;
        let taken = lanes.take(Timestamp(0));
        assert!(lanes.take(Timestamp(0)).is_none(), "one at a time");
        let flight = InFlight {
            job: taken,
            lanes: Arc::clone(&lanes),
            records,
        };
        let broken = tokio::spawn(async move {
            let _flight = flight;
            panic!("a test of panics");
        });
        assert!(broken.await.unwrap_err().is_panic());
        assert_eq!(lanes.in_flight(), 0);
        lanes.changed().await;
        assert!(recorded.recv().await.unwrap().is_held());
        assert!(lanes.take(Timestamp(0)).is_some(), "the next has its turn");
    }
}
