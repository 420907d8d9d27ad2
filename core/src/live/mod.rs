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
//! stays below the oldest transaction that is still open ([`horizon`](crate::sql::sequence::horizon)).

mod cursor;
mod subscription;

pub use cursor::Place;
pub use subscription::{Ended, Subscription};

use crate::{
    App, Result,
    auth::{Action, Actor},
    event,
    feed::{log::Change, replay::ReplayChange, task::TaskChange},
    notification, replay as replays,
    sql::sequence::Moment,
    task as tasks,
};
use std::sync::atomic::Ordering;
use subscription::From;

/// Where the feed stands: what has a higher number happens from now on, unless it is past at this moment already.
async fn now(app: &App) -> Result<(i64, Option<Moment>)> {
    let mark = app.live.mark.load(Ordering::SeqCst);
    let moment = Moment::now(app.db.read()).await?;
    let mark = moment.as_ref().map_or(mark, |moment| {
        let horizon = moment.horizon();
        app.live.mark.fetch_max(horizon, Ordering::SeqCst).max(horizon)
    });
    Ok((mark, moment))
}

/// Events as they happen; first what the log has after a place.
pub async fn events(
    app: &App,
    actor: &Actor,
    filter: event::Filter,
    after: Option<Place>,
) -> Result<Subscription<entity::event::Model>> {
    actor.require(Action::ReadWebhooks)?;
    let after = cursor::of_event(app, actor, after).await?;
    let (mark, moment) = now(app).await?;
    let past = moment.filter(|_| after.is_none());
    let seer = actor.clone();
    let wants = move |row: &entity::event::Model| {
        let is_past = past.as_ref().is_some_and(|past| past.is_past(row.sequence));
        !is_past && seer.sees(row.project_id) && filter.matches(row)
    };
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
    let after = cursor::of_notification(app, actor, after).await?;
    let (mark, moment) = now(app).await?;
    let past = moment.filter(|_| after.is_none());
    let seer = actor.clone();
    let wants = move |change: &Change| {
        let is_past = past.as_ref().is_some_and(|past| past.is_past(change.row.sequence));
        !is_past
            && seer.sees(change.row.project_id)
            && seer.sees(change.webhook_project_id)
            && filter.matches(&change.row)
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

/// How far a replay has come: as it is now, and as it goes on. Nothing follows one that is over.
pub async fn replay(app: &App, actor: &Actor, id: &str) -> Result<Subscription<ReplayChange>> {
    let id = replays::get(app, actor, id).await?.id;
    let wants = move |change: &ReplayChange| change.row.id == id;
    let mut told = Subscription::hinted(app, &app.live.replays, actor, Box::new(wants));
    // Looked at once more, now that nothing can be missed.
    let now = replays::get(app, actor, &id.to_string()).await?;
    told.first(ReplayChange::of(now));
    Ok(told)
}
