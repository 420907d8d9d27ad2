//! Conditions of LOGIC stages: compiled once, evaluated within a budget.

use super::{Node, cel_scope::SCOPE};
use crate::{
    Error, Result,
    filter::{Filter, Outcome, Values},
};
use entity::{StageId, StageOutput};
use moka::sync::Cache;
use std::time::{Duration, Instant};

/// Time for all conditions of one transaction: the database's writer waits for them.
const BUDGET: Duration = Duration::from_millis(500);

/// A condition as a stored workflow has it.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// It can be evaluated.
    Ready(Filter),
    /// It was accepted once and is not understood any more; it never holds.
    Broken,
}

/// Compiled conditions by their text: saving a workflow compiles them before its transaction, and reading it back finds
/// them here.
#[derive(Debug)]
pub(crate) struct Conditions(Cache<String, Filter>);

impl Default for Conditions {
    fn default() -> Self {
        Self(Cache::new(10_000))
    }
}

impl Conditions {
    /// Compiles what somebody typed into `field`.
    pub(crate) async fn typed(&self, field: &str, source: &str) -> Result<()> {
        let filter = Filter::compile(field, source, &SCOPE).await?;
        self.0.insert(source.to_owned(), filter);
        Ok(())
    }

    /// What was typed some time ago.
    pub(crate) async fn stored(&self, source: &str) -> Result<Condition> {
        if let Some(filter) = self.0.get(source) {
            return Ok(Condition::Ready(filter));
        }
        match Filter::compile("condition", source, &SCOPE).await {
            Ok(filter) => {
                self.0.insert(source.to_owned(), filter.clone());
                Ok(Condition::Ready(filter))
            }
            Err(Error::Invalid { reason, .. }) => {
                tracing::error!(reason, "a stored condition is not understood and never holds");
                Ok(Condition::Broken)
            }
            // The database is well: what waits for its turn must not look like a fault of it.
            Err(other) => Err(Error::internal(other)),
        }
    }
}

/// Where a rule leads.
pub(crate) enum Decision {
    /// Into this stage.
    To(StageId),
    /// Nowhere: a condition could not be evaluated to its end, and why. Another time it might.
    Stopped(String),
}

/// What is left of the time for conditions.
#[derive(Debug)]
pub(crate) struct Budget(Duration);

impl Default for Budget {
    fn default() -> Self {
        Self(BUDGET)
    }
}

impl Budget {
    /// Over the first edge whose condition holds, else over ELSE. A condition that cannot be evaluated does not hold; one
    /// that takes too long stops the task, which must not go astray because a machine was busy.
    pub(crate) async fn decide(&mut self, node: &Node, values: &Values) -> Option<Decision> {
        for (condition, to) in node.rules() {
            let Condition::Ready(filter) = condition else {
                continue;
            };
            if self.0.is_zero() {
                return Some(Decision::Stopped("the conditions of this step took too long".into()));
            }
            let started = Instant::now();
            let outcome = filter.matches(values.clone()).await;
            self.0 = self.0.saturating_sub(started.elapsed());
            match outcome {
                Outcome::Match => return Some(Decision::To(to)),
                Outcome::NoMatch => {}
                Outcome::Fault(reason) => {
                    tracing::debug!(stage.id = %node.stage.id, reason, "a condition could not be evaluated");
                }
                Outcome::Stopped(reason) => return Some(Decision::Stopped(reason)),
            }
        }
        node.way(StageOutput::Else).map(Decision::To)
    }
}
