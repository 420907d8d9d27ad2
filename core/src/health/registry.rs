//! The health registry: the circuit breakers and the consecutive failures of webhooks, in memory.

use super::streak::FailureStreak;
use crate::{
    Result,
    delivery::breaker::{Breaker, Change, Observation},
    queue::{job::Job, lanes::Lanes},
};
use entity::{OrganizationId, Timestamp, WebhookId, webhook_health};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard},
};

/// The health registry: every webhook that this process has sent to, or that was failing when it started.
#[derive(Debug, Default)]
pub struct HealthRegistry {
    known: Mutex<HashMap<WebhookId, WebhookState>>,
}

#[derive(Clone, Debug)]
struct WebhookState {
    organization_id: OrganizationId,
    breaker: Breaker,
    streak: FailureStreak,
    last_success_at: Option<Timestamp>,
    last_failure: Option<(Timestamp, String)>,
}

impl HealthRegistry {
    /// Loads the webhooks that were failing when the last process ended, and pauses the lanes of open circuit breakers.
    pub(crate) async fn load(&self, db: &impl ConnectionTrait, lanes: &Lanes) -> Result<()> {
        let failing = Condition::any()
            .add(webhook_health::Column::ProbeAt.is_not_null())
            .add(webhook_health::Column::FailingSince.is_not_null());
        let rows = webhook_health::Entity::find().filter(failing).all(db).await?;
        let mut known = self.known();
        for row in rows {
            if !lanes.owns(row.webhook_id) || known.contains_key(&row.webhook_id) {
                continue;
            }
            if row.probe_at.is_some() {
                lanes.shut(row.webhook_id, row.probe_at);
            }
            known.insert(row.webhook_id, WebhookState::from(row));
        }
        Ok(())
    }

    /// Reloads webhooks that another node reports as changed: one whose health row is gone was reactivated or has a new
    /// URL.
    pub(crate) async fn look_at(
        &self,
        db: &impl ConnectionTrait,
        lanes: &Lanes,
        ids: &BTreeSet<WebhookId>,
    ) -> Result<()> {
        let mine: Vec<WebhookId> = ids.iter().copied().filter(|id| self.known().contains_key(id)).collect();
        if mine.is_empty() {
            return Ok(());
        }
        let rows = webhook_health::Entity::find().filter(webhook_health::Column::WebhookId.is_in(mine.iter().copied()));
        let rows = rows.all(db).await?;
        for id in mine {
            if rows.iter().all(|row| row.webhook_id != id) {
                self.forget(lanes, id);
            }
        }
        Ok(())
    }

    /// Removes webhooks that another node now sends to.
    pub(crate) fn leave(&self, owns: impl Fn(WebhookId) -> bool) {
        self.known().retain(|id, _| owns(*id));
    }

    /// Applies an outcome, with the reason of a failure; `true` when the change must be written.
    pub(crate) fn note(
        &self,
        lanes: &Lanes,
        job: &Job,
        sign: Observation,
        reason: Option<String>,
        now: Timestamp,
    ) -> bool {
        let mut known = self.known();
        let known = known
            .entry(job.webhook_id)
            .or_insert_with(|| WebhookState::new(job.organization_id));
        let counts = !job.topic.is_operational();
        let mut ended = false;
        match sign {
            Observation::Success => {
                known.last_success_at = Some(now);
                ended = counts && known.streak.succeeded();
            }
            Observation::Failure => {
                known.last_failure = Some((now, reason.unwrap_or_default()));
                counts.then(|| known.streak.failed(now));
            }
            Observation::Neither => {}
        }
        let change = known.breaker.note(sign, now);
        match change {
            Some(Change::Opened { until }) => lanes.shut(job.webhook_id, Some(until)),
            Some(Change::Closed) => lanes.shut(job.webhook_id, None),
            None => {}
        }
        sign == Observation::Failure || ended || change.is_some()
    }

    /// Returns the current health rows of these webhooks.
    pub(crate) fn rows<'i>(&self, ids: impl Iterator<Item = &'i WebhookId>) -> Vec<webhook_health::Model> {
        let known = self.known();
        ids.filter_map(|id| Some(known.get(id)?.row(*id))).collect()
    }

    /// Records that a warning was published for the streak that began then.
    pub(crate) fn warned(&self, id: WebhookId, since: Option<Timestamp>, at: Timestamp) {
        if let Some(known) = self.known().get_mut(&id).filter(|known| known.streak.since == since) {
            known.streak.warned_at = Some(at);
        }
    }

    /// Lets an open circuit breaker send one probe request now, because a user tests the receiver.
    pub(crate) fn hasten(&self, lanes: &Lanes, id: WebhookId, now: Timestamp) {
        if let Some(until) = self.known().get_mut(&id).and_then(|known| known.breaker.hasten(now)) {
            lanes.shut(id, Some(until));
        }
    }

    /// Removes the health of a webhook that was reactivated or has a new URL: old outcomes no longer count.
    pub(super) fn forget(&self, lanes: &Lanes, id: WebhookId) {
        let mut known = self.known();
        known.remove(&id);
        lanes.shut(id, None);
    }

    pub(crate) fn row(&self, id: WebhookId) -> Option<webhook_health::Model> {
        self.known().get(&id).map(|known| known.row(id))
    }

    /// Returns the time before which nothing is sent, if the circuit breaker is open.
    pub(crate) fn shut_until(&self, id: WebhookId) -> Option<Timestamp> {
        self.known().get(&id).and_then(|known| known.breaker.until())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<WebhookId, WebhookState>> {
        self.known.lock().expect("nothing panics while it holds the registry")
    }
}

impl WebhookState {
    fn new(organization_id: OrganizationId) -> Self {
        Self {
            organization_id,
            breaker: Breaker::default(),
            streak: FailureStreak::default(),
            last_success_at: None,
            last_failure: None,
        }
    }

    fn row(&self, id: WebhookId) -> webhook_health::Model {
        let (last_failure_at, last_failure) = self.last_failure.clone().unzip();
        webhook_health::Model {
            webhook_id: id,
            organization_id: self.organization_id,
            since: self.breaker.since().unwrap_or_default(),
            probe_at: self.breaker.until(),
            trips: i32::try_from(self.breaker.trips()).unwrap_or(i32::MAX),
            failing_since: self.streak.since,
            failures: i32::try_from(self.streak.failures).unwrap_or(i32::MAX),
            warned_at: self.streak.warned_at,
            last_success_at: self.last_success_at,
            last_failure_at,
            last_failure,
        }
    }
}

impl From<webhook_health::Model> for WebhookState {
    fn from(row: webhook_health::Model) -> Self {
        Self {
            organization_id: row.organization_id,
            breaker: breaker(&row),
            streak: FailureStreak::of(&row),
            last_success_at: row.last_success_at,
            last_failure: row.last_failure_at.zip(row.last_failure),
        }
    }
}

pub(crate) fn breaker(row: &webhook_health::Model) -> Breaker {
    if row.since == Timestamp::default() {
        return Breaker::default();
    }
    Breaker::stored(row.since, row.probe_at, u32::try_from(row.trips).unwrap_or(0))
}
