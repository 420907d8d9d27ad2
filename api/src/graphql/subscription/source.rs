//! The source of a subscription's rows, and the two ways in which the library runs it: to begin, and to render rows.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use async_graphql::futures_util::stream::{BoxStream, StreamExt, empty, unfold};
use entity::event;
use labelhook_core::listener;
use labelhook_core::{
    feed::{log::Change, replay::ReplayChange, task::TaskChange},
    live::{Ended, Position, Subscription},
};
use tokio::sync::mpsc::Receiver;

use super::super::{
    connection::Edge, error::Result, event::Event, list::Cursor, listener::Delivery, notification::Notification,
    replay::Replay, task::Task,
};

/// A row of a subscription.
#[derive(Clone)]
pub enum Row {
    Notification(Arc<Change>),
    Event(Arc<event::Model>),
    Task(Arc<TaskChange>),
    Replay(Arc<ReplayChange>),
    Delivery(Arc<listener::Delivery>),
}

impl Row {
    /// Returns the number that identifies this version of the row among all rows of its kind.
    pub fn number(&self) -> i64 {
        match self {
            Self::Notification(change) => change.row.sequence,
            Self::Event(row) => row.sequence,
            Self::Task(change) => change.number,
            Self::Replay(change) => change.number,
            Self::Delivery(delivery) => delivery.id.as_u64_pair().1.cast_signed(),
        }
    }

    /// Returns the cursor of the row, when its kind has cursors.
    pub fn place(&self) -> Option<Cursor> {
        let (key, id) = match self {
            Self::Notification(change) => (change.row.sequence, change.row.id.0),
            Self::Event(row) => (row.sequence, row.id.0),
            Self::Task(_) | Self::Replay(_) | Self::Delivery(_) => return None,
        };
        Some(Cursor { key, id })
    }

    /// Returns the row as a notification.
    pub fn notification(self) -> Option<Edge<Notification>> {
        match self {
            Self::Notification(change) => Some(Edge::new(Arc::new(Notification(change.row.clone())))),
            _ => None,
        }
    }

    /// Returns the row as an event.
    pub fn event(self) -> Option<Edge<Event>> {
        match self {
            Self::Event(row) => Some(Edge::new(Arc::new(Event((*row).clone())))),
            _ => None,
        }
    }

    /// Returns the row as a task.
    pub fn task(self) -> Option<Task> {
        match self {
            Self::Task(change) => Some(Task(change.row.clone())),
            _ => None,
        }
    }

    /// Returns the row as a replay.
    pub fn replay(self) -> Option<Replay> {
        match self {
            Self::Replay(change) => Some(Replay(change.row.clone())),
            _ => None,
        }
    }

    /// Returns the row as a delivery.
    pub fn delivery(self) -> Option<Delivery> {
        match self {
            Self::Delivery(delivery) => Some(Delivery(delivery)),
            _ => None,
        }
    }

    /// Returns whether no row can follow.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Replay(change) if change.is_over())
    }
}

/// The rows of one kind for one subscriber.
pub enum Source {
    Notifications(Subscription<Change>),
    Events(Subscription<event::Model>),
    Tasks(Subscription<TaskChange>),
    Replay(Subscription<ReplayChange>),
    Deliveries(listener::Attached),
}

impl Source {
    /// Returns the next rows: all that are ready, at most so many, and at least one.
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
    /// The cursor after which it starts.
    pub place: Option<Cursor>,
}

/// The mode in which a subscription runs, passed in the request's data.
#[derive(Clone)]
pub enum Run {
    /// To begin: the started subscription is stored here.
    Begin(Arc<Mutex<Option<Begun>>>),
    /// To render the rows that come.
    Render(Arc<Mutex<Option<Receiver<Row>>>>),
}

/// The stream of a subscription's resolver: nothing when it begins, the rows that come when it renders.
pub async fn feed<N: Send + 'static>(
    ctx: &Context<'_>,
    begin: impl Future<Output = Result<(Source, Option<Position>)>>,
    render: fn(Row) -> Option<N>,
) -> Result<BoxStream<'static, Result<N>>> {
    match ctx.data_unchecked::<Run>() {
        Run::Begin(begun) => {
            let (source, place) = begin.await?;
            let place = place.map(|Position { sequence, id }| Cursor { key: sequence, id });
            *begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(Begun { source, place });
            Ok(empty().boxed())
        }
        Run::Render(rows) => {
            let rows = rows.lock().unwrap_or_else(PoisonError::into_inner).take();
            let rendered = unfold(rows, move |rows| async move {
                let mut rows = rows?;
                let row = rows.recv().await?;
                Some((Ok(render(row)?), Some(rows)))
            });
            Ok(rendered.boxed())
        }
    }
}
