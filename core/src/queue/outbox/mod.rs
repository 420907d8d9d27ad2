//! Stations 6 and 7: enqueue and claim. All SQL of pending notifications is here.
//!
//! Enqueue: what the units of one group published, and the labels it tells of, is written together, as multi-row statements, in the transaction of
//! the changes themselves. A notification for which the window has room is *born claimed*: it is written as held by this
//! node and kept in memory, so its first attempt needs no second look. The others are written as due.
//!
//! One that must come after others that are not over is written without a moment ([`order`]).
//!
//! What is due later is taken by [`claim`](crate::queue::claim::claim()).

pub(crate) mod counters;
pub(crate) mod histogram;
mod outcome;
mod project_activity;
pub(crate) mod removal;

pub(crate) use outcome::{Outcome, record};

use super::{job::Job, lanes::Lanes, ordering};
use crate::{
    Result,
    bus::changes::Hints,
    delivery::limit::Limit,
    sql::bulk::{Change, insert, make},
    subscribers::host::Place,
};
use counters::Tallies;
use entity::{NotificationStatus, PayloadId, ProjectId, Timestamp, WebhookId, event, label, notification, payload};
use removal::Removal;
use sea_orm::{ConnectionTrait, EntityTrait};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Bodies up to this size travel with their job; larger ones are read when their turn has come.
pub(crate) const CARRIED: usize = 64 * 1024;

/// What the units of a group have published and not yet written.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    labels: Vec<label::Model>,
    touched: BTreeMap<ProjectId, Timestamp>,
    events: Vec<event::Model>,
    payloads: Vec<payload::Model>,
    notifications: Vec<Enqueued>,
    outcomes: Vec<Outcome>,
    tallies: Tallies,
    removal: Removal,
    jobs: Vec<Job>,
    /// Lanes that had no place: where others write at the same time, a claim may have looked before the commit.
    waiting: BTreeMap<WebhookId, (Limit, Timestamp)>,
    /// Webhooks with something due that another node sends to.
    elsewhere: BTreeSet<WebhookId>,
    hints: Hints,
}

/// A notification on its way into the database, with what its webhook's lane may do.
#[derive(Debug)]
pub(crate) struct Enqueued {
    pub row: notification::Model,
    pub limit: Limit,
    pub place: Place,
    pub body: Option<bytes::Bytes>,
}

impl Outbox {
    /// A new label.
    pub(crate) fn label(&mut self, row: label::Model) {
        self.labels.push(row);
    }

    /// Something happened in a project.
    pub(crate) fn touch(&mut self, project_id: ProjectId, at: Timestamp) {
        self.touched.insert(project_id, at);
    }

    pub(crate) fn event(&mut self, row: event::Model) {
        self.hints.changed(row.organization_id);
        self.events.push(row);
    }

    pub(crate) fn payload(&mut self, row: payload::Model) {
        self.payloads.push(row);
    }

    pub(crate) fn enqueue(&mut self, notification: Enqueued) {
        self.hints.changed(notification.row.organization_id);
        self.notifications.push(notification);
    }

    /// What came of requests.
    pub(crate) fn outcomes(&mut self, outcomes: Vec<Outcome>) {
        outcomes
            .iter()
            .for_each(|outcome| self.hints.changed(outcome.organization_id()));
        self.outcomes.extend(outcomes);
    }

    /// Something that statistics count.
    pub(crate) fn tally(&mut self, key: counters::Key) {
        self.tallies.add(key);
    }

    /// What is old and goes, unless something keeps it.
    pub(crate) fn remove(&mut self, removal: Removal) {
        self.removal.append(removal);
    }

    pub(crate) fn append(&mut self, mut unit: Self) {
        self.labels.append(&mut unit.labels);
        self.touched.append(&mut unit.touched);
        self.events.append(&mut unit.events);
        self.payloads.append(&mut unit.payloads);
        self.notifications.append(&mut unit.notifications);
        self.outcomes.append(&mut unit.outcomes);
        self.tallies.append(unit.tallies);
        self.removal.append(unit.removal);
        self.hints.append(unit.hints);
    }

    /// What statements change beside the outbox, to be announced with it.
    pub(crate) fn hints(&mut self) -> &mut Hints {
        &mut self.hints
    }

    /// Writes everything. Places in the window are reserved here; [`Outbox::settle`] uses them or gives them back.
    pub(crate) async fn flush(&mut self, db: &impl ConnectionTrait, lanes: &Lanes) -> Result<()> {
        let mut rows = Vec::with_capacity(self.notifications.len());
        let mut busy = self.busy(db).await?;
        for enqueued in self.notifications.drain(..) {
            let Enqueued {
                mut row,
                limit,
                place,
                body,
            } = enqueued;
            self.tallies.add(counters::Key::made(&row));
            if row.order_key.is_some_and(|key| !busy.insert((row.webhook_id, key))) {
                row.due_at = None;
            }
            let here = place.is_at(lanes.node_id());
            if here && row.due_at.is_some_and(|due| lanes.reserve(row.webhook_id, limit, due)) {
                row.status = NotificationStatus::Sending;
                row.node_id = Some(lanes.node_id());
                row.due_at = None;
                self.jobs.push(Job::first(
                    &row,
                    lanes.node_id(),
                    limit,
                    body.filter(|body| body.len() <= CARRIED),
                ));
            }
            if row.due_at.is_some() && !(here && lanes.owns(row.webhook_id)) {
                self.elsewhere.insert(row.webhook_id);
            } else if let Some(due) = row.due_at {
                self.waiting.entry(row.webhook_id).or_insert((limit, due));
            }
            rows.push(row);
        }
        for key in outcome::write(db, std::mem::take(&mut self.outcomes)).await? {
            self.tallies.add(key);
        }
        let mut changes = vec![
            Change::insert::<label::Entity>(std::mem::take(&mut self.labels), ""),
            Change::insert::<event::Entity>(std::mem::take(&mut self.events), ""),
            Change::insert::<payload::Entity>(std::mem::take(&mut self.payloads), ""),
            Change::insert::<notification::Entity>(rows, ""),
        ];
        let (tallies, touch) = (
            self.tallies.take(),
            project_activity::change(db, std::mem::take(&mut self.touched)),
        );
        // Other nodes' groups lock the same rows: all of tallies first, by whichever statements.
        if tallies.is_one_statement() {
            changes.extend([touch, tallies]);
            make(db, changes).await?;
        } else {
            changes.push(tallies);
            make(db, changes).await?;
            make(db, vec![touch]).await?;
        }
        self.removal.write(db).await
    }

    /// Writes the labels alone: somebody is about to decide by them.
    pub(crate) async fn write_labels(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        insert::<label::Entity>(db, std::mem::take(&mut self.labels), "").await
    }

    /// Keys of new notifications at which others wait, or are being sent.
    async fn busy(&self, db: &impl ConnectionTrait) -> Result<HashSet<ordering::Key>> {
        let keyed = self.notifications.iter().map(|enqueued| &enqueued.row);
        let keys: HashSet<_> = keyed.filter_map(|row| Some((row.webhook_id, row.order_key?))).collect();
        ordering::busy(db, &keys.into_iter().collect::<Vec<_>>()).await
    }

    /// After the commit: hands the born claimed to their lanes. After a rollback: gives their places back.
    pub(crate) fn settle(self, lanes: &Lanes, committed: bool) {
        if committed {
            lanes.tell(self.elsewhere);
            for (webhook_id, (limit, due)) in self.waiting {
                lanes.note_due(webhook_id, limit, due);
            }
        }
        match committed {
            true if self.jobs.is_empty() => {}
            true => lanes.offer(self.jobs),
            false => self.jobs.iter().for_each(|job| lanes.give_back(job.webhook_id)),
        }
    }
}

/// The bytes of one payload.
pub(crate) async fn body(db: &impl ConnectionTrait, id: PayloadId) -> Result<Option<bytes::Bytes>> {
    let row = payload::Entity::find_by_id(id).one(db).await?;
    Ok(row.map(|row| row.body.into()))
}
