//! The outbox: what a commit group writes, the queue of notifications in the database, and all its SQL.
//!
//! The writers of [`crate::db`] fill and flush it; the dispatcher claims from it. It works on a plain connection and
//! must never import a verb.
//!
//! *Enqueue* (transactional outbox): what the units of one commit group have published is written in their own
//! transaction, as multi-row statements. A notification for which the window has room is written already claimed by
//! this node and kept in memory, so that its first attempt needs no claim. The others are written as due. A
//! notification that must come after others which have not ended is written without a due moment ([`order`]).
//!
//! *Claim*: what is due is claimed by [`claim`](crate::queue::claim::claim()).

pub(crate) mod counters;
pub(crate) mod histogram;
pub(crate) mod outcome;
mod project_activity;
pub(crate) mod removal;

pub(crate) use outcome::Outcome;

use super::{job::Job, lanes::Lanes, ordering};
use crate::{
    Result,
    bus::changes::Hints,
    delivery::limit::Limit,
    sql::bulk::{Change, insert, make},
    subscribers::host::Host,
};
use counters::Tallies;
use entity::{
    NotificationStatus, PayloadId, ProjectId, Timestamp, WebhookId, event, label, notification, payload,
    postponed_match,
};
use removal::Removal;
use sea_orm::{ConnectionTrait, EntityTrait};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The largest body that is kept in memory with its job; larger ones are read before they are sent.
pub(crate) const MAX_BODY_IN_MEMORY: usize = 64 * 1024;

/// Everything that the units of a commit group have published and that is not yet written.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    labels: Vec<label::Model>,
    touched: BTreeMap<ProjectId, Timestamp>,
    events: Vec<event::Model>,
    payloads: Vec<payload::Model>,
    notifications: Vec<Enqueued>,
    postponed: Vec<postponed_match::Model>,
    outcomes: Vec<Outcome>,
    tallies: Tallies,
    removal: Removal,
    jobs: Vec<Job>,
    /// Lanes that had no room. Other writers commit at the same time, so a claim may have looked before this commit.
    waiting: BTreeMap<WebhookId, (Limit, Timestamp)>,
    /// Webhooks with something due that another node owns.
    elsewhere: BTreeSet<WebhookId>,
    hints: Hints,
}

/// A notification about to be written, with the limits of its webhook's lane.
#[derive(Debug)]
pub(crate) struct Enqueued {
    pub row: notification::Model,
    pub limit: Limit,
    pub host: Host,
    pub body: Option<bytes::Bytes>,
}

impl Outbox {
    /// Adds a new label.
    pub(crate) fn label(&mut self, row: label::Model) {
        self.labels.push(row);
    }

    /// Notes activity in a project.
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

    /// Adds a match that is decided after the commit.
    pub(crate) fn postpone(&mut self, row: postponed_match::Model) {
        self.postponed.push(row);
    }

    /// Adds the outcomes of requests.
    pub(crate) fn outcomes(&mut self, outcomes: Vec<Outcome>) {
        outcomes
            .iter()
            .for_each(|outcome| self.hints.changed(outcome.organization_id()));
        self.outcomes.extend(outcomes);
    }

    /// Adds to a counter of the statistics.
    pub(crate) fn tally(&mut self, key: counters::Key) {
        self.tallies.add(key);
    }

    /// Adds expired rows to delete, unless something still refers to them.
    pub(crate) fn remove(&mut self, removal: Removal) {
        self.removal.append(removal);
    }

    /// Takes over all that a unit has left.
    pub(crate) fn append(&mut self, mut unit: Self) {
        self.labels.append(&mut unit.labels);
        self.touched.append(&mut unit.touched);
        self.events.append(&mut unit.events);
        self.payloads.append(&mut unit.payloads);
        self.notifications.append(&mut unit.notifications);
        self.postponed.append(&mut unit.postponed);
        self.outcomes.append(&mut unit.outcomes);
        self.tallies.append(unit.tallies);
        self.removal.append(unit.removal);
        self.hints.append(unit.hints);
    }

    /// Returns the hints of this commit, to add changes made by statements outside the outbox.
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
                host: place,
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
                    body.filter(|body| body.len() <= MAX_BODY_IN_MEMORY),
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
        if !self.postponed.is_empty() {
            let postponed = std::mem::take(&mut self.postponed);
            changes.push(Change::insert::<postponed_match::Entity>(postponed, ""));
        }
        let (tallies, touch) = (
            self.tallies.take(),
            project_activity::change(db, std::mem::take(&mut self.touched)),
        );
        // Commit groups of other nodes lock the same rows. To avoid a deadlock, all take the tallies first, whatever
        // the statements.
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

    /// Writes the labels alone, before a unit that reads them to decide.
    pub(crate) async fn write_labels(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        insert::<label::Entity>(db, std::mem::take(&mut self.labels), "").await
    }

    /// Returns the ordered queues of new notifications that have one which has not ended.
    async fn busy(&self, db: &impl ConnectionTrait) -> Result<HashSet<ordering::Key>> {
        let keyed = self.notifications.iter().map(|enqueued| &enqueued.row);
        let keys: HashSet<_> = keyed.filter_map(|row| Some((row.webhook_id, row.order_key?))).collect();
        ordering::busy(db, &keys.into_iter().collect::<Vec<_>>()).await
    }

    /// Ends the commit: after a success offers the claimed jobs to their lanes; after a rollback gives their places
    /// back.
    pub(crate) fn settle(self, lanes: &Lanes, committed: bool) {
        if committed {
            lanes.note_elsewhere(self.elsewhere);
            for (webhook_id, (limit, due)) in self.waiting {
                lanes.note_due(webhook_id, limit, due);
            }
        }
        match committed {
            true if self.jobs.is_empty() => {}
            true => lanes.offer(self.jobs),
            false => self.jobs.iter().for_each(|job| lanes.unreserve(job.webhook_id)),
        }
    }
}

/// Loads the bytes of one payload.
pub(crate) async fn body(db: &impl ConnectionTrait, id: PayloadId) -> Result<Option<bytes::Bytes>> {
    let row = payload::Entity::find_by_id(id).one(db).await?;
    Ok(row.map(|row| row.body.into()))
}
