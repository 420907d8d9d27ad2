//! A webhook's filter, compiled once, with what went wrong in it since.

use super::Index;
use crate::{
    App, Error, Result,
    event::SCOPE,
    filter::{Filter, Outcome, Values},
};
use entity::{WebhookId, webhook};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// Characters of a reason that are kept.
const SHOWN: usize = 300;

/// How often a webhook's filter could not be evaluated since it was saved, or since the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterFaults {
    /// Events that were not sent for it.
    pub count: u64,
    /// Why, the last time.
    pub last: Option<String>,
}

/// How often a webhook's filter could not be evaluated, and why.
pub fn filter_faults(app: &App, id: WebhookId) -> FilterFaults {
    app.index
        .conditions()
        .get(&id)
        .map(|condition| condition.faults.lock().expect("held for a copy only").clone())
        .unwrap_or_default()
}

/// A filter ready for use.
#[derive(Debug)]
pub(crate) struct Condition {
    source: String,
    filter: Result<Filter, String>,
    faults: Mutex<FilterFaults>,
}

/// Those of webhooks that have published since the process started.
pub(crate) type Conditions = HashMap<WebhookId, Arc<Condition>>;

impl Condition {
    /// What a filter that is being saved compiles to. Takes milliseconds: not for the writer.
    pub(crate) async fn check(source: Option<&str>) -> Result<Option<Arc<Self>>> {
        let Some(source) = source else { return Ok(None) };
        let filter = Filter::compile("filter", source, &SCOPE).await?;
        Ok(Some(Self::new(source, Ok(filter))))
    }

    /// Is it true of these values? Counts when there is no answer.
    pub(crate) async fn holds(&self, values: Values) -> Outcome {
        let outcome = match &self.filter {
            Ok(filter) => filter.matches(values).await,
            Err(reason) => Outcome::Fault(reason.clone()),
        };
        if let Outcome::Fault(reason) | Outcome::Stopped(reason) = &outcome {
            let mut faults = self.faults.lock().expect("held for a change only");
            faults.count += 1;
            faults.last = Some(reason.chars().take(SHOWN).collect());
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

impl Index {
    /// A webhook's filter as its row has it. The one of its last save is at hand; after a restart it is compiled when the
    /// webhook is first read.
    pub(crate) async fn condition(&self, row: &webhook::Model) -> Result<Option<Arc<Condition>>> {
        let Some(source) = &row.filter else {
            self.adopt(row.id, None);
            return Ok(None);
        };
        let known = self.conditions().get(&row.id).cloned();
        if let Some(known) = known.filter(|known| known.source == *source) {
            return Ok(Some(known));
        }
        let filter = match Filter::compile("filter", source, &SCOPE).await {
            Ok(filter) => Ok(filter),
            Err(Error::Invalid { reason, .. }) => Err(reason),
            Err(other) => return Err(other),
        };
        let condition = Condition::new(source, filter);
        self.adopt(row.id, Some(Arc::clone(&condition)));
        Ok(Some(condition))
    }

    /// A webhook's filter was saved: from now on its faults are counted, and its time is taken, anew.
    pub(crate) fn adopt(&self, id: WebhookId, condition: Option<Arc<Condition>>) {
        match condition {
            Some(condition) => self.conditions().insert(id, condition),
            None => self.conditions().remove(&id),
        };
    }
}
