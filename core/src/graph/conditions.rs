//! Conditions of LOGIC stages: compiled once, evaluated within a time budget.

use super::{Node, cel_scope::SCOPE};
use crate::{
    Error, Result,
    filter::{self, Filter, Limits, Outcome, Values},
};
use entity::{StageId, StageOutput};
use moka::sync::Cache;
use std::time::{Duration, Instant};

/// The time budget for all conditions of one transaction, in evaluations: the database's writer waits for them.
const EVALUATIONS: u32 = 10;

/// A condition of a stored workflow.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// A compiled condition.
    Ready(Filter),
    /// A condition that was accepted once and no longer compiles; it is never true.
    Broken,
}

/// A cache of compiled conditions by their text: saving a workflow compiles them before its transaction, and reading it
/// finds them here.
#[derive(Debug)]
pub(crate) struct Conditions {
    known: Cache<String, Filter>,
    limits: Limits,
}

impl Conditions {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            known: Cache::new(10_000),
            limits,
        }
    }

    /// Returns the time budget for the conditions of one transaction.
    pub(crate) fn budget(&self) -> Budget {
        Budget(self.limits.evaluation * EVALUATIONS)
    }

    /// Compiles the condition of an input, in `field`.
    pub(crate) async fn typed(&self, field: &str, source: &str) -> Result<()> {
        let filter = Filter::compile(field, source, &SCOPE, self.limits).await?;
        self.known.insert(source.to_owned(), filter);
        Ok(())
    }

    /// Compiles a stored condition.
    pub(crate) async fn stored(&self, source: &str) -> Result<Condition> {
        if let Some(filter) = self.known.get(source) {
            return Ok(Condition::Ready(filter));
        }
        match Filter::compile("condition", source, &SCOPE, self.limits).await {
            Ok(filter) => {
                self.known.insert(source.to_owned(), filter.clone());
                Ok(Condition::Ready(filter))
            }
            Err(filter::Error::Invalid { reason, .. }) => {
                tracing::error!(reason, "a stored condition does not compile and is never true");
                Ok(Condition::Broken)
            }
            // The database works: a full compilation queue must not be reported as a fault of it.
            Err(other) => Err(Error::internal(other)),
        }
    }
}

/// The result of evaluating a stage's rules.
pub(crate) enum Decision {
    /// The task moves to this stage.
    To(StageId),
    /// A condition ran out of time, for this reason. A later evaluation may succeed.
    Stopped(String),
}

/// The remaining time budget for conditions.
#[derive(Debug)]
pub(crate) struct Budget(Duration);

impl Budget {
    /// Selects the first edge whose condition is true, else ELSE. A condition that cannot be evaluated is false; one
    /// that runs out of time stops the task, so that a busy machine does not send it to the wrong stage.
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
                Outcome::TooDear(reason) | Outcome::Stopped(reason) => return Some(Decision::Stopped(reason)),
            }
        }
        node.target(StageOutput::Else).map(Decision::To)
    }
}
