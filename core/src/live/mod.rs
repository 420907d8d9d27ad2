//! The live feed: streams what happens in an organization to its subscribers.
//!
//! The writers enter it with [`Live::announce`](crate::feed::Live::announce) after each commit, the bus with
//! [`Live::heard`](crate::feed::Live::heard), and GraphQL subscriptions with [`events`], [`notifications`], [`tasks()`]
//! and [`replay()`]. It must never import GraphQL or WebSockets.
//!
//! An announcement names the organizations that changed, and the watermark of the sequence: ids and numbers, never
//! rows. It is a hint; if one is lost, a timer looks anyway. For each organization with a subscriber one reader reads
//! new rows, once, and puts them into a ring buffer ([`channel`](crate::feed::channel)) that all subscribers share. So
//! fan-out costs a cursor for each subscriber and not a queue. A subscriber that falls out of the ring gets an error.
//!
//! A [`Subscription`] replays the log from a cursor, and continues with the ring without a gap or a repeat. Rows come
//! in the order of `sequence`. A notification that has changed several times since it was last read comes once, as it
//! is now, under its newest number.
//!
//! On SQLite, with its single writer, all lower numbers are visible with any number. On PostgreSQL writers are
//! concurrent, and a reader stays below the oldest open transaction ([`horizon`](crate::sql::sequence::horizon)).

mod cursor;
mod subscription;

pub use cursor::Position;
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

/// Returns the current position of the feed: rows with a higher number happen from now on, unless the snapshot shows
/// them as committed.
async fn now(app: &App) -> Result<(i64, Option<Moment>)> {
    let mark = app.live.mark.load(Ordering::SeqCst);
    let moment = Moment::now(app.db.read()).await?;
    let mark = moment.as_ref().map_or(mark, |moment| {
        let horizon = moment.horizon();
        app.live.mark.fetch_max(horizon, Ordering::SeqCst).max(horizon)
    });
    Ok((mark, moment))
}

/// Streams events as they happen; with `after`, first those in the log after this cursor.
pub async fn events(
    app: &App,
    actor: &Actor,
    filter: event::Filter,
    after: Option<Position>,
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

/// Streams notifications as they change; with `after`, first those that changed after this cursor, in their current
/// state.
pub async fn notifications(
    app: &App,
    actor: &Actor,
    filter: notification::Filter,
    after: Option<Position>,
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

/// Streams tasks as they change.
pub fn tasks(app: &App, actor: &Actor, filter: tasks::Filter) -> Result<Subscription<TaskChange>> {
    actor.require(Action::Read)?;
    let seer = actor.clone();
    let wants = move |change: &TaskChange| {
        seer.sees(Some(change.row.project_id)) && filter.matches(&change.row, &change.batch_ids)
    };
    Ok(Subscription::hinted(app, &app.live.tasks, actor, Box::new(wants)))
}

/// Streams the progress of a replay: its current state, then each change until it ends.
pub async fn replay(app: &App, actor: &Actor, id: &str) -> Result<Subscription<ReplayChange>> {
    let id = replays::get(app, actor, id).await?.id;
    let wants = move |change: &ReplayChange| change.row.id == id;
    let mut told = Subscription::hinted(app, &app.live.replays, actor, Box::new(wants));
    // Read once more, now that no change can be missed.
    let now = replays::get(app, actor, &id.to_string()).await?;
    told.first(ReplayChange::of(now));
    Ok(told)
}
