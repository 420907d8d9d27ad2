//! A webhook's filter, compiled once, with the count of its failed evaluations.

use super::SubscriberCache;
use crate::{
    Result,
    event::SCOPE,
    filter::{self, Filter, Limits, Outcome, Values},
};
use entity::{WebhookId, webhook};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// The maximum number of characters of a stored reason.
const MAX_REASON_CHARS: usize = 300;

/// The failed evaluations of a webhook's filter since it was saved or the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterFaults {
    /// The number of events that were not sent because of them.
    pub count: u64,
    /// The reason for the last one.
    pub last: Option<String>,
}

/// A compiled filter.
#[derive(Debug)]
pub(crate) struct Condition {
    source: String,
    filter: Result<Filter, String>,
    /// An evaluation in a transaction was stopped.
    is_dear: AtomicBool,
    faults: Mutex<FilterFaults>,
}

/// The filters of webhooks that have published since the process started.
pub(crate) type Conditions = HashMap<WebhookId, Arc<Condition>>;

impl Condition {
    /// Compiles a filter that is being saved. Takes milliseconds, so the database's writer must not do it.
    pub(crate) async fn compile(source: Option<&str>, limits: Limits) -> Result<Option<Arc<Self>>> {
        let Some(source) = source else { return Ok(None) };
        let filter = Filter::compile("filter", source, &SCOPE, limits).await?;
        Ok(Some(Self::new(source, Ok(filter))))
    }

    /// Returns the expression as given.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Evaluates the filter on these values within the time that a transaction has left. One that was stopped in a
    /// transaction before is not begun in another, until it has been cheap outside of one.
    pub(crate) async fn holds_within(&self, values: Values, left: Duration) -> Outcome {
        match &self.filter {
            Err(reason) => self.counted(Outcome::Fault(reason.clone())),
            Ok(_) if left.is_zero() || self.is_dear.load(Relaxed) => {
                Outcome::Stopped("the filter is evaluated outside of the transaction".into())
            }
            Ok(filter) => {
                let outcome = filter.matches_within(values, left).await;
                if matches!(outcome, Outcome::TooDear(_)) {
                    self.is_dear.store(true, Relaxed);
                }
                self.counted(outcome)
            }
        }
    }

    /// Evaluates the filter outside of a transaction. `cheap` is the time that a transaction would have for it.
    pub(crate) async fn holds_postponed(&self, values: Values, cheap: Duration) -> Outcome {
        let filter = match &self.filter {
            Ok(filter) => filter,
            Err(reason) => return self.counted(Outcome::Fault(reason.clone())),
        };
        let started = Instant::now();
        let outcome = filter.matches_postponed(values).await;
        let has_ended = !matches!(outcome, Outcome::TooDear(_) | Outcome::Stopped(_));
        if has_ended && started.elapsed() < cheap {
            self.is_dear.store(false, Relaxed);
        }
        if let Outcome::TooDear(reason) = &outcome {
            self.note(reason);
        }
        self.counted(outcome)
    }

    /// Counts an evaluation that failed: its event is not sent.
    fn counted(&self, outcome: Outcome) -> Outcome {
        if let Outcome::Fault(reason) = &outcome {
            self.note(reason);
            self.faults.lock().expect("held for a change only").count += 1;
        }
        outcome
    }

    fn note(&self, reason: &str) {
        let reason = reason.chars().take(MAX_REASON_CHARS).collect();
        self.faults.lock().expect("held for a change only").last = Some(reason);
    }

    fn new(source: &str, filter: Result<Filter, String>) -> Arc<Self> {
        Arc::new(Self {
            source: source.to_owned(),
            filter,
            is_dear: AtomicBool::new(false),
            faults: Mutex::default(),
        })
    }
}

impl SubscriberCache {
    /// Returns the failed evaluations of a webhook's filter.
    pub(crate) fn filter_faults(&self, id: WebhookId) -> FilterFaults {
        self.conditions()
            .get(&id)
            .map(|condition| condition.faults.lock().expect("held for a copy only").clone())
            .unwrap_or_default()
    }

    /// Returns a webhook's compiled filter, as of its row. It is cached at its last save; after a restart it is
    /// compiled when the webhook is first read.
    pub(crate) async fn condition(&self, row: &webhook::Model) -> Result<Option<Arc<Condition>>> {
        let Some(source) = &row.filter else {
            self.adopt(row.id, None);
            return Ok(None);
        };
        let known = self.conditions().get(&row.id).cloned();
        if let Some(known) = known.filter(|known| known.source == *source) {
            return Ok(Some(known));
        }
        let filter = match Filter::compile("filter", source, &SCOPE, self.limits()).await {
            Ok(filter) => Ok(filter),
            Err(filter::Error::Invalid { reason, .. }) => Err(reason),
            Err(other) => return Err(other.into()),
        };
        let condition = Condition::new(source, filter);
        self.adopt(row.id, Some(Arc::clone(&condition)));
        Ok(Some(condition))
    }

    /// Replaces a webhook's filter after a save. Its counts and its time measurements start again.
    pub(crate) fn adopt(&self, id: WebhookId, condition: Option<Arc<Condition>>) {
        match condition {
            Some(condition) => self.conditions().insert(id, condition),
            None => self.conditions().remove(&id),
        };
    }
}
