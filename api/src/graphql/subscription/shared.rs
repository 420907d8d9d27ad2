//! Subscribers who would be told the same bytes: each row is rendered once for all of them.
//!
//! An execution is the subscription run to render rows: it has been validated once, and renders one row after the
//! other. A shared subscription has as many as rows are rendered at the same time, so that what lies beside them is
//! still loaded together.

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
use super::super::document::Document;
use super::super::error::{ApiError, Code, INTERNAL};
use super::super::operation::Operation;
use super::super::{Schema, error_codes, response};
use super::cache::{Entry, New, RenderCache, Rendered};
use super::key::Key;
use super::source::{Row, Run};
use crate::request_id::RequestId;

/// Bytes of rendered rows that all shared subscriptions keep.
const MAX_CACHED_BYTES: usize = 64 << 20;
/// Executions that a shared subscription keeps.
const MAX_EXECUTIONS: usize = 64;

/// The shared subscriptions that have a subscriber.
pub struct SharedSubscriptions {
    subscriptions: Mutex<HashMap<Key, Weak<SharedSubscription>>>,
    count: Arc<AtomicUsize>,
    runtime: Handle,
}

impl SharedSubscriptions {
    /// None yet. Rows are rendered on this runtime, wherever their subscribers are.
    pub fn new(runtime: Handle) -> Self {
        Self {
            subscriptions: Mutex::default(),
            count: Arc::default(),
            runtime,
        }
    }

    /// The shared subscription of an operation, made for it when it is the first.
    pub fn of(&self, schema: &Schema, operation: &Operation, key: Key, id: &RequestId) -> Arc<SharedSubscription> {
        let mut subscriptions = lock(&self.subscriptions);
        if let Some(shared) = subscriptions.get(&key).and_then(Weak::upgrade) {
            return shared;
        }
        if subscriptions.len() > 2 * self.count.load(Ordering::Relaxed) {
            subscriptions.retain(|_, shared| shared.strong_count() > 0);
        }
        let shared = Arc::new(SharedSubscription::new(self, schema.clone(), operation, id.clone()));
        subscriptions.insert(key, Arc::downgrade(&shared));
        shared
    }
}

/// One subscription for all who would be told the same bytes.
pub struct SharedSubscription {
    schema: Schema,
    document: Arc<Document>,
    template: Template,
    id: RequestId,
    executions: Mutex<Vec<Execution>>,
    cache: Mutex<RenderCache>,
    count: Arc<AtomicUsize>,
    runtime: Handle,
}

/// Makes a request; whoever comes first gives the arguments that are not looked at.
type Template = Box<dyn Fn() -> Request + Send + Sync>;

/// The subscription, run to render rows.
struct Execution {
    rows: Sender<Row>,
    answers: BoxStream<'static, Executed>,
    budget: Budget,
}

impl SharedSubscription {
    fn new(among: &SharedSubscriptions, schema: Schema, operation: &Operation, id: RequestId) -> Self {
        among.count.fetch_add(1, Ordering::Relaxed);
        Self {
            schema,
            document: Arc::clone(operation.document()),
            template: operation.template(),
            id,
            executions: Mutex::default(),
            cache: Mutex::default(),
            count: Arc::clone(&among.count),
            runtime: among.runtime.clone(),
        }
    }

    /// Renders these rows. What is not in the cache is rendered by a task of its own: a subscriber who stops
    /// reading must not keep the others waiting.
    pub async fn render(self: &Arc<Self>, rows: &[Row]) -> Vec<Rendered> {
        if Arc::strong_count(self) == 1 {
            let rendered = join_all(rows.iter().map(|row| self.resolve(row.clone()))).await;
            return rendered.into_iter().map(Rendered::from).collect();
        }
        let (entries, new) = lock(&self.cache).entries(rows);
        if !new.rows.is_empty() {
            let shared = Arc::clone(self);
            self.runtime.spawn(async move { shared.fill(new).await });
        }
        let mut rendered = Vec::with_capacity(entries.len());
        for entry in entries {
            rendered.push(entry.wait().await);
        }
        rendered
    }

    async fn fill(&self, mut new: New) {
        let fill = |(row, entry): (Row, Arc<Entry>)| async move {
            let number = row.number();
            let rendered = AssertUnwindSafe(self.resolve(row)).catch_unwind().await;
            let rendered = rendered.unwrap_or_else(|_| self.failed());
            let most = MAX_CACHED_BYTES / self.count.load(Ordering::Relaxed).max(1);
            lock(&self.cache).keep(number, rendered.len(), most);
            entry.set(rendered);
        };
        join_all(new.rows.drain(..).map(fill)).await;
        new.tell();
    }

    async fn resolve(&self, row: Row) -> String {
        let free = lock(&self.executions).pop();
        let mut execution = free.unwrap_or_else(|| self.execution());
        execution.budget.renew();
        if execution.rows.send(row).await.is_err() {
            return self.failed();
        }
        let Some(mut executed) = execution.answers.next().await else {
            return self.failed();
        };
        if !executed.errors.is_empty() {
            error_codes::translate(&mut executed.errors, self.document.parsed(), &self.id);
        }
        let mut executions = lock(&self.executions);
        if executions.len() < MAX_EXECUTIONS {
            executions.push(execution);
        }
        drop(executions);
        response::text(&executed)
    }

    fn failed(&self) -> String {
        let error = error_codes::finished(ApiError::new(Code::Internal, INTERNAL), &self.id);
        response::text(&Executed::from_errors(vec![error]))
    }

    fn execution(&self) -> Execution {
        let (rows, rendered) = channel(1);
        let budget = Budget::default();
        let run = Run::Render(Arc::new(Mutex::new(Some(rendered))));
        let request = (self.template)().data(run).data(budget.clone());
        Execution {
            rows,
            answers: self.schema.execute_stream(request),
            budget,
        }
    }
}

impl Drop for SharedSubscription {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
