//! A [`Subscription`]: first the rows of the log after a cursor, then what the channel delivers. The subscriber joins
//! the channel *before* it reads the last part of the log, up to the channel's position; later rows are in the ring.

use crate::{
    App, Error,
    auth::Actor,
    feed::{
        channel::{Channels, Item, Listener},
        log::Logged,
    },
};
use entity::OrganizationId;
use sea_orm::DatabaseConnection;
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use tokio::sync::Semaphore;

/// The reason why a subscription has ended.
#[derive(Debug)]
pub enum Ended {
    /// The subscriber was too slow: more happened than the ring holds.
    TooSlow,
    /// The log could not be read.
    Failed(Error),
}

type Wants<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;
/// A page of the log between two numbers, and whether there is more.
type Page<T> = Pin<Box<dyn Future<Output = Result<(VecDeque<Arc<T>>, bool), Error>> + Send>>;

/// A stream of the wanted rows.
pub struct Subscription<T> {
    log: Log,
    channels: Arc<Channels<T>>,
    kind: Kind<T>,
    phase: Phase<T>,
    last: i64,
    waiting: VecDeque<Arc<T>>,
    wants: Wants<T>,
}

/// Joins a channel. Returns the number up to which everything was delivered.
type Join<T> = fn(&Arc<Channels<T>>, &Log) -> Joined<T>;
type Joined<T> = (Listener<T>, i64);

/// The functions that differ between kinds of rows.
struct Kind<T> {
    page: fn(Log, i64, i64) -> Page<T>,
    join: Join<T>,
    sequence: fn(&T) -> Option<i64>,
}

/// The source of log pages.
#[derive(Clone)]
struct Log {
    db: DatabaseConnection,
    organization_id: OrganizationId,
    turn: Arc<Semaphore>,
    mark: Arc<AtomicI64>,
}

impl Log {
    /// Returns the watermark: everything up to this number is committed.
    fn mark(&self) -> i64 {
        self.mark.load(Ordering::SeqCst)
    }
}

/// The start of a subscription.
pub(super) enum From {
    /// After this number of the log.
    After(i64),
    /// Now: this is the highest number there is.
    Now(i64),
}

enum Phase<T> {
    /// Reads the log, up to its end.
    Replay,
    /// Has joined the channel and reads the log up to the channel's position.
    Passing { listener: Listener<T>, until: i64 },
    /// Follows the channel.
    Live(Listener<T>),
}

#[expect(private_bounds, reason = "what a channel carries is decided here")]
impl<T: Logged> Subscription<T> {
    /// Subscribes from a number on, or from now.
    pub(super) fn logged(app: &App, channels: &Arc<Channels<T>>, actor: &Actor, from: From, wants: Wants<T>) -> Self {
        let kind = Kind {
            page: page::<T>,
            join: join::<T>,
            sequence: T::sequence,
        };
        let mut made = Self::new(app, channels, actor, kind, wants);
        match from {
            From::After(after) => (made.phase, made.last) = (Phase::Replay, after),
            From::Now(mark) => made.last = mark,
        }
        made
    }
}

async fn read<T: Logged>(log: Log, after: i64, until: i64) -> Result<(VecDeque<Arc<T>>, bool), Error> {
    let turn = log.turn.acquire().await.map_err(Error::internal)?;
    let read = T::page(&log.db, log.organization_id, after, until).await?;
    drop(turn);
    Ok((read.rows.into_iter().map(Arc::new).collect(), read.more))
}

fn page<T: Logged>(log: Log, after: i64, until: i64) -> Page<T> {
    Box::pin(read::<T>(log, after, until))
}

fn join<T: Item>(channels: &Arc<Channels<T>>, log: &Log) -> (Listener<T>, i64) {
    channels.join(&log.db, log.organization_id, log.mark())
}

fn no_page<T: Item>(_: Log, _: i64, _: i64) -> Page<T> {
    Box::pin(std::future::ready(Ok((VecDeque::new(), false))))
}

#[expect(private_bounds, reason = "what a channel carries is decided here")]
impl<T: Item> Subscription<T> {
    /// Subscribes from now on, to a kind without a log.
    pub(super) fn hinted(app: &App, channels: &Arc<Channels<T>>, actor: &Actor, wants: Wants<T>) -> Self {
        let kind = Kind {
            page: no_page::<T>,
            join: join::<T>,
            sequence: T::sequence,
        };
        let mut made = Self::new(app, channels, actor, kind, wants);
        made.last = i64::MIN;
        made
    }
}

impl<T> Subscription<T> {
    /// Puts a row before everything else.
    pub(super) fn first(&mut self, row: T) {
        self.waiting.push_front(Arc::new(row));
    }

    fn new(app: &App, channels: &Arc<Channels<T>>, actor: &Actor, kind: Kind<T>, wants: Wants<T>) -> Self {
        let log = Log {
            db: app.db.read().clone(),
            organization_id: actor.organization_id,
            turn: Arc::clone(&app.live.read_permits),
            mark: Arc::clone(&app.live.mark),
        };
        let last = log.mark();
        let (listener, until) = (kind.join)(channels, &log);
        Self {
            log,
            channels: Arc::clone(channels),
            kind,
            phase: Phase::Passing { listener, until },
            last,
            waiting: VecDeque::new(),
            wants,
        }
    }

    /// Waits for the next wanted row. Cancel safe: dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Arc<T>, Ended> {
        loop {
            while let Some(row) = self.waiting.pop_front() {
                if self.is_news(&row) && (self.wants)(&row) {
                    return Ok(row);
                }
            }
            self.fill().await?;
        }
    }

    /// Waits for the next wanted rows, one at least: all that are there, up to `most`. Cancel safe: dropping the future
    /// loses nothing.
    pub async fn some(&mut self, most: usize) -> Result<Vec<Arc<T>>, Ended> {
        loop {
            let mut rows = Vec::new();
            while rows.len() < most
                && let Some(row) = self.waiting.pop_front()
            {
                if self.is_news(&row) && (self.wants)(&row) {
                    rows.push(row);
                }
            }
            if !rows.is_empty() {
                return Ok(rows);
            }
            self.fill().await?;
        }
    }

    /// Returns whether a row is newer than the last one, and remembers it.
    fn is_news(&mut self, row: &T) -> bool {
        let Some(sequence) = (self.kind.sequence)(row) else {
            return true;
        };
        let news = sequence > self.last;
        self.last = self.last.max(sequence);
        news
    }

    /// Reads a page or waits for the channel, and advances the phase.
    async fn fill(&mut self) -> Result<(), Ended> {
        let until = match &mut self.phase {
            Phase::Live(listener) => {
                self.waiting = listener.wait().await.ok_or(Ended::TooSlow)?;
                return Ok(());
            }
            Phase::Passing { until, .. } => *until,
            Phase::Replay => i64::MAX,
        };
        let mut more = false;
        if until > self.last {
            let page = (self.kind.page)(self.log.clone(), self.last, until).await;
            (self.waiting, more) = page.map_err(Ended::Failed)?;
        }
        if !more {
            self.pass();
        }
        Ok(())
    }

    /// Enters the next phase, because the log has been read as far as it was to be.
    fn pass(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Replay) {
            Phase::Replay => {
                let (listener, until) = (self.kind.join)(&self.channels, &self.log);
                Phase::Passing { listener, until }
            }
            Phase::Passing { listener, .. } | Phase::Live(listener) => Phase::Live(listener),
        };
    }
}
