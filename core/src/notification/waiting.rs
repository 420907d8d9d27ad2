//! The health of a webhook for the API; and the reason and end of a notification's wait.

use crate::{
    App, Result,
    health::{breaker, streak::FailureStreak},
    listener,
    sql::statement::raw,
    subscribers,
};
use entity::{
    BreakerState, NotificationStatus, Ordering, Timestamp, WaitReason, WebhookStatus, notification,
    webhook as webhooks, webhook_health,
};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, FromQueryResult, Value};

/// The maximum to which waiting notifications are counted.
const MAX_COUNT: i64 = 10_000;
/// The number of newest notifications that are searched for the last success when memory has none.
const SEARCHED_FOR_SUCCESS: i64 = 100;

/// The health of a webhook.
#[derive(Clone, Debug)]
pub struct Health {
    /// The state of the circuit breaker.
    pub breaker: BreakerState,
    /// The start of this state; a half-open breaker counts from the time at which it opened.
    pub since: Timestamp,
    /// The time at which an open circuit breaker lets one probe request through.
    pub next_probe_at: Option<Timestamp>,
    /// The number of consecutive failures.
    pub failures: u32,
    /// The time of the first consecutive failure; none without failures.
    pub failing_since: Option<Timestamp>,
    /// The time at which WEBHOOK_FAILING warned of them.
    pub warned_at: Option<Timestamp>,
    /// The time of the last successful delivery, as far back as is known.
    pub last_success_at: Option<Timestamp>,
    /// The time of the last failed delivery.
    pub last_failure_at: Option<Timestamp>,
    /// The reason for the last failure, as text for people.
    pub last_failure: Option<String>,
    /// The backlog.
    pub waiting: Waiting,
}

/// The backlog of a webhook: notifications that wait although they are due.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// The number of notifications, up to the maximum of the count.
    pub count: i64,
    /// The reason why they wait.
    pub reason: Option<WaitReason>,
}

/// Returns the current health of a webhook.
pub async fn of(app: &App, row: &webhooks::Model) -> Result<Health> {
    let stored = webhook_health::Entity::find_by_id(row.id).one(app.db.read()).await?;
    let known = app.health.row(row.id);
    let now = app.clock.now();
    let known = known.filter(|_| app.nodes.owns(row.id));
    let current = known.as_ref().or(stored.as_ref());
    let breaker = current.map(breaker).unwrap_or_default();
    let streak = current.map(FailureStreak::of).unwrap_or_default();
    let both = || known.iter().chain(&stored);
    let last_success_at = match both().find_map(|row| row.last_success_at) {
        Some(at) => Some(at),
        None => newest_success(app.db.read(), row).await?,
    };
    let failed = both().find(|row| row.last_failure_at.is_some());
    Ok(Health {
        breaker: breaker.state(now),
        since: breaker.since().unwrap_or(row.created_at),
        next_probe_at: breaker.until(),
        failures: streak.failures,
        failing_since: streak.since,
        warned_at: streak.warned_at,
        last_success_at,
        last_failure_at: failed.and_then(|row| row.last_failure_at),
        last_failure: failed.and_then(|row| row.last_failure.clone()),
        waiting: waiting(app, row, now).await?,
    })
}

/// Returns whether a notification waits for its next request: none is in flight, and it is not finished.
pub fn waits(row: &notification::Model) -> bool {
    matches!(row.status, NotificationStatus::Pending | NotificationStatus::Retrying)
}

/// Returns the reason why a notification waits for its next request; none when it does not wait.
pub fn wait_reason(app: &App, row: &notification::Model, webhook: &webhooks::Model) -> Option<WaitReason> {
    if !waits(row) {
        return None;
    }
    let Some(due) = row.due_at else {
        return Some(WaitReason::Ordering);
    };
    let now = app.clock.now();
    Some(match due_reason(app, webhook, now) {
        Some(reason @ (WaitReason::Inactive | WaitReason::Listener | WaitReason::Breaker)) => reason,
        _ if due > now => WaitReason::Retry,
        Some(reason) => reason,
        None => WaitReason::Queue,
    })
}

/// Returns the earliest time of the next request: when it is due, and not before the webhook's circuit breaker lets one
/// through.
pub fn wait_until(app: &App, row: &notification::Model) -> Option<Timestamp> {
    let due = row.due_at?;
    Some(due.max(app.health.shut_until(row.webhook_id).unwrap_or(due)))
}

/// Returns the reason why due notifications wait.
fn due_reason(app: &App, webhook: &webhooks::Model, now: Timestamp) -> Option<WaitReason> {
    if webhook.status != WebhookStatus::Active {
        return Some(WaitReason::Inactive);
    }
    if webhook.listener && !listener::is_there(app, webhook) {
        return Some(WaitReason::Listener);
    }
    if app.health.shut_until(webhook.id).is_some_and(|until| now < until) {
        return Some(WaitReason::Breaker);
    }
    subscribers::limit(webhook).rate.map(|_| WaitReason::RateLimit)
}

#[derive(FromQueryResult)]
struct Count {
    due: i64,
    behind: i64,
}

/// Counts on the two indexes of unfinished notifications. Parameters: the webhook, the current time, the maximum.
const WAITING: &str = "SELECT \
     (SELECT count(*) FROM (SELECT 1 FROM notification WHERE webhook_id = ?1 AND due_at IS NOT NULL AND due_at <= ?2 \
         LIMIT ?3) AS counted) AS due, \
     (SELECT count(*) FROM (SELECT 1 FROM notification WHERE webhook_id = ?1 AND order_key IS NOT NULL \
         AND due_at IS NULL AND node_id IS NULL LIMIT ?3) AS counted) AS behind";

async fn waiting(app: &App, row: &webhooks::Model, now: Timestamp) -> Result<Waiting> {
    let db = app.db.read();
    let binds: [Value; 3] = [row.id.into(), now.into(), MAX_COUNT.into()];
    let statement = raw(db, WAITING, binds);
    let count = Count::find_by_statement(statement).one(db).await?;
    let Count { due, behind } = count.unwrap_or(Count { due: 0, behind: 0 });
    let held_up = due_reason(app, row, now).filter(|_| due + behind > 0);
    let reason = match held_up {
        Some(reason @ (WaitReason::Inactive | WaitReason::Listener | WaitReason::Breaker)) => Some(reason),
        _ if behind > 0 && row.ordering != Ordering::None => Some(WaitReason::Ordering),
        Some(reason) if due > 0 => Some(reason),
        _ => (due > 0).then_some(WaitReason::Queue),
    };
    let count = (due + behind).min(MAX_COUNT);
    Ok(Waiting { count, reason })
}

#[derive(FromQueryResult)]
struct Success {
    updated_at: Timestamp,
}

/// Parameters: the webhook, the number of notifications to search, SUCCEEDED.
const NEWEST_SUCCESS: &str = "SELECT updated_at FROM (SELECT id, status, updated_at FROM notification \
     WHERE webhook_id = ?1 ORDER BY id DESC LIMIT ?2) AS newest WHERE status = ?3 ORDER BY id DESC LIMIT 1";

async fn newest_success(db: &impl ConnectionTrait, row: &webhooks::Model) -> Result<Option<Timestamp>, DbErr> {
    let binds: [Value; 3] = [
        row.id.into(),
        SEARCHED_FOR_SUCCESS.into(),
        NotificationStatus::Succeeded.into(),
    ];
    let statement = raw(db, NEWEST_SUCCESS, binds);
    let row = Success::find_by_statement(statement).one(db).await?;
    Ok(row.map(|row| row.updated_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan;

    #[tokio::test]
    async fn what_waits_and_what_succeeded_is_found_on_indexes() {
        for (sql, indexes) in [
            (
                WAITING,
                &[
                    "notification_due (webhook_id=? AND due_at>? AND due_at<?)",
                    "notification_order (webhook_id=?",
                ][..],
            ),
            (NEWEST_SUCCESS, &["notification_webhook (webhook_id=?)"]),
        ] {
            let plan = plan(sql).await;
            for index in indexes {
                assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:#?}");
            }
            assert!(!plan.iter().any(|line| line.contains("SCAN notification")), "{plan:#?}");
        }
    }
}
