//! Where a subscription's rows come from, and the two ways in which the library runs it: to begin, and to show rows.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use async_graphql::futures_util::stream::{BoxStream, StreamExt, empty, unfold};
use entity::event;
use labelhook_core::listener;
use labelhook_core::{
    feed::{log::Change, replay::ReplayChange, task::TaskChange},
    live::{Ended, Place, Subscription},
};
use tokio::sync::mpsc::Receiver;

use super::super::{
    connection::Edge, error::Result, event::Event, list::Cursor, listener::Delivery, notification::Notification,
    replay::Replay, task::Task,
};

/// Something that is told.
#[derive(Clone)]
pub enum Row {
    Notification(Arc<Change>),
    Event(Arc<event::Model>),
    Task(Arc<TaskChange>),
    Replay(Arc<ReplayChange>),
    Delivery(Arc<listener::Delivery>),
}

impl Row {
    /// What tells it apart from every other row of its kind, and from itself after a change.
    pub fn number(&self) -> i64 {
        match self {
            Self::Notification(change) => change.row.sequence,
            Self::Event(row) => row.sequence,
            Self::Task(change) => change.number,
            Self::Replay(change) => change.number,
            Self::Delivery(delivery) => delivery.id.as_u64_pair().1.cast_signed(),
        }
    }

    /// Where to go on after it, when its kind has places.
    pub fn place(&self) -> Option<Cursor> {
        let (key, id) = match self {
            Self::Notification(change) => (change.row.sequence, change.row.id.0),
            Self::Event(row) => (row.sequence, row.id.0),
            Self::Task(_) | Self::Replay(_) | Self::Delivery(_) => return None,
        };
        Some(Cursor { key, id })
    }

    /// As it is shown.
    pub fn notification(self) -> Option<Edge<Notification>> {
        match self {
            Self::Notification(change) => Some(Edge::new(Arc::new(Notification(change.row.clone())))),
            _ => None,
        }
    }

    /// As it is shown.
    pub fn event(self) -> Option<Edge<Event>> {
        match self {
            Self::Event(row) => Some(Edge::new(Arc::new(Event((*row).clone())))),
            _ => None,
        }
    }

    /// As it is shown.
    pub fn task(self) -> Option<Task> {
        match self {
            Self::Task(change) => Some(Task(change.row.clone())),
            _ => None,
        }
    }

    /// As it is shown.
    pub fn replay(self) -> Option<Replay> {
        match self {
            Self::Replay(change) => Some(Replay(change.row.clone())),
            _ => None,
        }
    }

    /// As it is shown.
    pub fn delivery(self) -> Option<Delivery> {
        match self {
            Self::Delivery(delivery) => Some(Delivery(delivery)),
            _ => None,
        }
    }

    /// Whether nothing follows it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Replay(change) if change.is_over())
    }
}

/// Rows of one kind, those that one subscriber is to get.
pub enum Source {
    Notifications(Subscription<Change>),
    Events(Subscription<event::Model>),
    Tasks(Subscription<TaskChange>),
    Replay(Subscription<ReplayChange>),
    Deliveries(listener::Attached),
}

impl Source {
    /// The next rows: all that are there, so many at most, and one at least.
    pub async fn some(&mut self, most: usize) -> Result<Vec<Row>, Ended> {
        Ok(match self {
            Self::Notifications(rows) => each(rows.some(most).await?, Row::Notification),
            Self::Events(rows) => each(rows.some(most).await?, Row::Event),
            Self::Tasks(rows) => each(rows.some(most).await?, Row::Task),
            Self::Replay(rows) => each(rows.some(most).await?, Row::Replay),
            Self::Deliveries(attached) => vec![Row::Delivery(attached.next().await.map_err(Ended::Failed)?)],
        })
    }
}

fn each<T>(rows: Vec<Arc<T>>, row: fn(Arc<T>) -> Row) -> Vec<Row> {
    rows.into_iter().map(row).collect()
}

/// A subscription that has begun.
pub struct Begun {
    pub source: Source,
    /// Where it goes on after.
    pub place: Option<Cursor>,
}

/// What a subscription is run for; it stands in the request's data.
#[derive(Clone)]
pub enum Run {
    /// To begin: what has begun is put here.
    Begin(Arc<Mutex<Option<Begun>>>),
    /// To show the rows that come.
    Show(Arc<Mutex<Option<Receiver<Row>>>>),
}

/// The stream of a subscription's resolver: nothing when it begins, the rows that come when it shows.
pub async fn feed<N: Send + 'static>(
    ctx: &Context<'_>,
    begin: impl Future<Output = Result<(Source, Option<Place>)>>,
    show: fn(Row) -> Option<N>,
) -> Result<BoxStream<'static, Result<N>>> {
    match ctx.data_unchecked::<Run>() {
        Run::Begin(begun) => {
            let (source, place) = begin.await?;
            let place = place.map(|Place { sequence, id }| Cursor { key: sequence, id });
            *begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(Begun { source, place });
            Ok(empty().boxed())
        }
        Run::Show(rows) => {
            let rows = rows.lock().unwrap_or_else(PoisonError::into_inner).take();
            let shown = unfold(rows, move |rows| async move {
                let mut rows = rows?;
                let row = rows.recv().await?;
                Some((Ok(show(row)?), Some(rows)))
            });
            Ok(shown.boxed())
        }
    }
}
