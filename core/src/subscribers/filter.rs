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
    sync::{Arc, Mutex},
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

    /// Evaluates the filter on these values, and counts a failed evaluation.
    pub(crate) async fn holds(&self, values: Values) -> Outcome {
        let outcome = match &self.filter {
            Ok(filter) => filter.matches(values).await,
            Err(reason) => Outcome::Fault(reason.clone()),
        };
        if let Outcome::Fault(reason) | Outcome::Stopped(reason) = &outcome {
            let mut faults = self.faults.lock().expect("held for a change only");
            faults.count += 1;
            faults.last = Some(reason.chars().take(MAX_REASON_CHARS).collect());
        }
        outcome
    }

    fn new(source: &str, filter: Result<Filter, String>) -> Arc<Self> {
        Arc::new(Self {
            source: source.to_owned(),
            filter,
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
