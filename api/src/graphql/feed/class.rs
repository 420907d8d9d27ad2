//! Shared subscriptions: subscribers whose rows render identically share one rendering of each row and its bytes.
//!
//! An execution lane is a run of the subscription that renders rows: it is validated once and resolves one row after
//! the other. A shared subscription has as many lanes as rows are rendered concurrently, so that the data loaders can
//! still batch the related objects.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_graphql::futures_util::FutureExt;
use async_graphql::futures_util::future::join_all;
use async_graphql::futures_util::stream::{BoxStream, StreamExt};
use async_graphql::{Request, Response as Executed};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};

use super::super::context::Budget;
use super::super::error::{ApiError, Code, INTERNAL};
use super::super::guard::Document;
use super::super::http::{Operation, Refusal, answer};
use super::super::{Schema, translate};
use super::key::Key;
use super::shelf::{Cell, New, Shelf, Shown};
use super::source::{Row, Run};
use crate::server::RequestId;

/// The maximum size in bytes of the rendered rows of all shared subscriptions.
const KEPT: usize = 64 << 20;
/// The maximum number of idle lanes of a shared subscription.
const LANES: usize = 64;

/// The shared subscriptions that have subscribers.
pub struct Classes {
    classes: Mutex<HashMap<Key, Weak<Class>>>,
    count: Arc<AtomicUsize>,
    runtime: Handle,
}

impl Classes {
    /// Creates an empty set. Rows are rendered on this runtime, on whichever runtime their subscribers are.
    pub fn new(runtime: Handle) -> Self {
        Self {
            classes: Mutex::default(),
            count: Arc::default(),
            runtime,
        }
    }

    /// Returns the shared subscription of an operation, creating it for the first subscriber.
    pub fn of(&self, schema: &Schema, operation: &Operation, key: Key, id: &RequestId) -> Arc<Class> {
        let mut classes = lock(&self.classes);
        if let Some(class) = classes.get(&key).and_then(Weak::upgrade) {
            return class;
        }
        if classes.len() > 2 * self.count.load(Ordering::Relaxed) {
            classes.retain(|_, class| class.strong_count() > 0);
        }
        let class = Arc::new(Class::new(self, schema.clone(), operation, id.clone()));
        classes.insert(key, Arc::downgrade(&class));
        class
    }
}

/// A group of subscribers whose rows render identically.
pub struct Class {
    schema: Schema,
    document: Arc<Document>,
    template: Template,
    id: RequestId,
    lanes: Mutex<Vec<Lane>>,
    shelf: Mutex<Shelf>,
    count: Arc<AtomicUsize>,
    runtime: Handle,
}

/// Builds a request. The first subscriber determines the arguments that do not affect rendering.
type Template = Box<dyn Fn() -> Request + Send + Sync>;

/// A run of the subscription that renders rows.
struct Lane {
    rows: Sender<Row>,
    answers: BoxStream<'static, Executed>,
    budget: Budget,
}

impl Class {
    fn new(among: &Classes, schema: Schema, operation: &Operation, id: RequestId) -> Self {
        among.count.fetch_add(1, Ordering::Relaxed);
        Self {
            schema,
            document: Arc::clone(operation.document()),
            template: operation.template(),
            id,
            lanes: Mutex::default(),
            shelf: Mutex::default(),
            count: Arc::clone(&among.count),
            runtime: among.runtime.clone(),
        }
    }

    /// Renders these rows. Rows that are not cached are rendered by a separate task: a subscriber who stops reading
    /// must not block the others.
    pub async fn show(self: &Arc<Self>, rows: &[Row]) -> Vec<Shown> {
        if Arc::strong_count(self) == 1 {
            let shown = join_all(rows.iter().map(|row| self.resolve(row.clone()))).await;
            return shown.into_iter().map(Shown::from).collect();
        }
        let (cells, new) = lock(&self.shelf).cells(rows);
        if !new.rows.is_empty() {
            let class = Arc::clone(self);
            self.runtime.spawn(async move { class.fill(new).await });
        }
        let mut shown = Vec::with_capacity(cells.len());
        for cell in cells {
            shown.push(cell.wait().await);
        }
        shown
    }

    async fn fill(&self, mut new: New) {
        let fill = |(row, cell): (Row, Arc<Cell>)| async move {
            let number = row.number();
            let shown = AssertUnwindSafe(self.resolve(row)).catch_unwind().await;
            let shown = shown.unwrap_or_else(|_| self.failed());
            let most = KEPT / self.count.load(Ordering::Relaxed).max(1);
            lock(&self.shelf).keep(number, shown.len(), most);
            cell.set(shown);
        };
        join_all(new.rows.drain(..).map(fill)).await;
        new.tell();
    }

    async fn resolve(&self, row: Row) -> String {
        let free = lock(&self.lanes).pop();
        let mut lane = free.unwrap_or_else(|| self.lane());
        lane.budget.renew();
        if lane.rows.send(row).await.is_err() {
            return self.failed();
        }
        let Some(mut executed) = lane.answers.next().await else {
            return self.failed();
        };
        if !executed.errors.is_empty() {
            translate::translate(&mut executed.errors, self.document.parsed(), &self.id);
        }
        let mut lanes = lock(&self.lanes);
        if lanes.len() < LANES {
            lanes.push(lane);
        }
        drop(lanes);
        answer::text(&executed)
    }

    fn failed(&self) -> String {
        let error = Refusal::from(ApiError::new(Code::Internal, INTERNAL)).into_error(&self.id);
        answer::text(&Executed::from_errors(vec![error]))
    }

    fn lane(&self) -> Lane {
        let (rows, shown) = channel(1);
        let budget = Budget::default();
        let run = Run::Show(Arc::new(Mutex::new(Some(shown))));
        let request = (self.template)().data(run).data(budget.clone());
        Lane {
            rows,
            answers: self.schema.execute_stream(request),
            budget,
        }
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
