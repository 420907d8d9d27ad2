//! Station 13, the live feed: what happens in an organization, told to whoever listens.
//!
//! After each commit the writer *announces* which organizations changed, and how far the sequence has come: ids and
//! numbers, never rows. An announcement is a hint; when one is lost, a timer looks anyway. For each organization with
//! somebody listening one [`reader`] reads what is new, once, and puts it into a ring ([`channel`]) that all of its
//! listeners share: a listener costs a position and not a queue. One that falls out of the ring is told so.
//!
//! A [`Subscription`] replays what the log has after a place, and passes over to the ring without a gap or a repeat. Rows
//! come in the order of `sequence`. A notification that has changed several times since it was last read comes once, as it
//! is now, under its newest number.
//!
//! Under SQLite's one writer a number that can be seen has every lower one beside it. On PostgreSQL many write, and a reader
//! stays below the oldest transaction that is still open ([`horizon`]).

mod channel;
mod hints;
mod log;
mod place;
mod reader;
mod subscription;
mod task;

pub use hints::Hints;
pub use log::Change;
pub use place::Place;
pub use subscription::{Ended, Subscription};
pub use task::TaskChange;

use crate::{
    App, Result,
    auth::{Action, Actor},
    db::horizon,
    event, notification, task as tasks,
};
use channel::Channels;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use subscription::From;
use tokio::sync::Semaphore;

/// Replays that read the log at the same time: the others wait their turn and leave connections for everybody else.
const REPLAYS: usize = 2;

/// Everything that listeners share.
pub struct Live {
    events: Arc<Channels<entity::event::Model>>,
    notifications: Arc<Channels<Change>>,
    tasks: Arc<Channels<TaskChange>>,
    mark: Arc<AtomicI64>,
    replays: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            events: Arc::default(),
            notifications: Arc::default(),
            tasks: Arc::default(),
            mark: Arc::default(),
            replays: Arc::new(Semaphore::new(REPLAYS)),
        }
    }
}

impl Live {
    /// Everything up to this number of the sequence is committed, and this has changed.
    pub fn announce(&self, mark: i64, hints: Hints) {
        self.mark.fetch_max(mark, Ordering::SeqCst);
        for (organization_id, tasks) in hints.organizations {
            self.events.look(organization_id, Vec::new());
            self.notifications.look(organization_id, Vec::new());
            if !tasks.is_empty() {
                self.tasks.look(organization_id, tasks);
            }
        }
    }
}

/// Where the feed stands: what has a higher number happens from now on.
async fn now(app: &App) -> Result<i64> {
    let mark = app.live.mark.load(Ordering::SeqCst);
    Ok(match horizon(app.db.read()).await? {
        i64::MAX => mark,
        horizon => horizon,
    })
}

/// Events as they happen; first what the log has after a place.
pub async fn events(
    app: &App,
    actor: &Actor,
    filter: event::Filter,
    after: Option<Place>,
) -> Result<Subscription<entity::event::Model>> {
    actor.require(Action::ReadWebhooks)?;
    let after = place::of_event(app, actor, after).await?;
    let mark = now(app).await?;
    let seer = actor.clone();
    let wants = move |row: &entity::event::Model| seer.sees(row.project_id) && filter.matches(row);
    Ok(Subscription::logged(
        app,
        &app.live.events,
        actor,
        after.map_or(From::Now(mark), From::After),
        Box::new(wants),
    ))
}

/// Notifications as they change; first those that changed after a place, as they are now.
pub async fn notifications(
    app: &App,
    actor: &Actor,
    filter: notification::Filter,
    after: Option<Place>,
) -> Result<Subscription<Change>> {
    actor.require(Action::ReadWebhooks)?;
    let after = place::of_notification(app, actor, after).await?;
    let mark = now(app).await?;
    let seer = actor.clone();
    let wants = move |change: &Change| {
        seer.sees(change.row.project_id) && seer.sees(change.webhook_project_id) && filter.matches(&change.row)
    };
    let channels = &app.live.notifications;
    Ok(Subscription::logged(
        app,
        channels,
        actor,
        after.map_or(From::Now(mark), From::After),
        Box::new(wants),
    ))
}

/// Tasks as they change.
pub fn tasks(app: &App, actor: &Actor, filter: tasks::Filter) -> Result<Subscription<TaskChange>> {
    actor.require(Action::Read)?;
    let seer = actor.clone();
    let wants = move |change: &TaskChange| {
        seer.sees(Some(change.row.project_id)) && filter.matches(&change.row, &change.batch_ids)
    };
    Ok(Subscription::hinted(app, &app.live.tasks, actor, Box::new(wants)))
}
