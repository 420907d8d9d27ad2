//! The sandbox for CEL expressions that users type: conditions of LOGIC stages and filters of webhooks. Source and
//! values go in, an [`Outcome`] comes out, and neither can harm the process:
//! - [`text`] limits the size and the nesting of the source before the parser sees it;
//! - [`check`] validates the syntax tree against a [`Scope`];
//! - [`watch`] instruments the tree, so that an evaluation stops at its time limit;
//! - [`pool`] runs compilations and evaluations on threads with large stacks;
//! - [`value`] limits the memory that an evaluation may read.
//!
//! Compile an expression once and keep the [`Filter`].
//!
//! The semantics that an author of expressions must know:
//! - A field that is missing is an error, and an error counts as *no match*. `has(task.a)` asks first and guards one
//!   level: `has(task.a.b)` is still an error where `a` is missing.
//! - `err || true` is true and `err && false` is false, whichever side the error is on.
//! - Numbers compare by value: `3 == 3.0`. Arithmetic does not mix kinds: `3 + 3.0` is an error.
//! - Whole numbers of the JSON are `int`, those past 64 bits signed are `uint`, the others `double`. Times are strings
//!   and compare as such.
//! - `has`, `exists`, `all`, `exists_one`, `map` and `filter` are there. One of the last five may not stand inside
//!   another, in its range neither: write `l.exists(x, a && b)` for `l.filter(x, a).exists(x, b)`.
//! - The pattern of `matches` is a short literal, and its text at most 8 KiB: see [`pattern`].
//! - An evaluation that takes more processor time than its limit is stopped. A condition that is stopped three times
//!   within a minute is not evaluated for the rest of that minute.

mod check;
mod error;
mod function;
mod pattern;
mod pool;
mod strikes;
mod text;
mod value;
mod watch;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use cel::{Env, IdedExpr};

use check::Use;
pub use error::{Error, Result};
use pool::{Pool, Refusal};
use strikes::Strikes;
use text::Refused;
use watch::Verdict;

pub use value::Values;

static EVALUATION: Pool = Pool::new("filter-evaluate", 2);
/// A pool of its own and of one thread, so that postponed evaluations take at most one processor and delay nobody.
static POSTPONED: Pool = Pool::new("filter-postponed", 1);
/// A pool of its own, so that saving filters never delays the tasks that wait for an evaluation.
static COMPILATION: Pool = Pool::new("filter-compile", 1);

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib().with_optional_support(false);
    watch::declare(&mut environment);
    Arc::new(environment)
});

/// The time limits of the sandbox. Evaluations are limited in processor time, so that a busy machine does not count
/// against an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The processor time of one evaluation of a condition, for which a transaction waits.
    pub evaluation: Duration,
    /// The time that the transaction of an event waits for the filters of all its webhooks. What is not evaluated
    /// within it is postponed.
    pub in_transaction: Duration,
    /// The processor time of one postponed evaluation, for which nobody waits.
    pub postponed: Duration,
    /// The time limit of one compilation, in wall-clock time.
    pub compilation: Duration,
    /// The longest wait for a thread of the pool. The jobs ahead are bounded, so it is reached only when something is
    /// very wrong.
    pub queue: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            evaluation: Duration::from_millis(50),
            in_transaction: Duration::from_millis(5),
            postponed: Duration::from_secs(1),
            compilation: Duration::from_secs(1),
            queue: Duration::from_secs(1),
        }
    }
}

/// The names that an expression may use.
#[derive(Debug)]
pub struct Scope {
    /// The root variables, each with its known members; `None` stands for JSON of any shape.
    pub roots: &'static [(&'static str, Option<&'static [&'static str]>)],
}

/// The result of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The expression is true.
    Match,
    /// The expression is false.
    NoMatch,
    /// The evaluation failed, with the reason: an error, a result that is not a boolean, values that are too large.
    /// Counts as no match.
    Fault(String),
    /// The evaluation was stopped at its limit of processor time, with the reason.
    TooDear(String),
    /// The evaluation did not run to its end although it may be cheap, with the reason: a full pool, a machine that is
    /// too busy. A later evaluation may match.
    Stopped(String),
}

/// A compiled expression. Clones share its state, the count of timeouts included.
#[derive(Clone)]
pub struct Filter(Arc<Compiled>);

struct Compiled {
    source: String,
    expression: IdedExpr,
    uses: Vec<Use>,
    limits: Limits,
    strikes: Strikes,
}

impl Filter {
    /// Compiles `source`, the value of the input's `field`, such as `stages.2.edges.0.condition`. Refuses an invalid
    /// expression with [`Error::Invalid`], which names the field, and the line and column in the source, both from 1.
    pub async fn compile(field: &str, source: &str, scope: &'static Scope, limits: Limits) -> Result<Self> {
        let invalid = |refused: Refused| Error::invalid(field, refused.to_string());
        text::bound(source).map_err(invalid)?;
        let owned = source.to_owned();
        let compiled = COMPILATION
            .run(limits.queue, limits.compilation, move || compile(owned, scope, limits))
            .await;
        match compiled {
            Ok(compiled) => Ok(Self(Arc::new(compiled.map_err(invalid)?))),
            Err(Refusal::Busy) => Err(Error::Unavailable("too many expressions are being compiled".to_owned())),
            Err(Refusal::Panicked) => Err(Error::invalid(field, "the expression cannot be understood")),
            Err(Refusal::Stuck) => Err(Error::invalid(field, "the expression takes too long to compile")),
        }
    }

    /// Evaluates a condition with `values` as its variables, within [`Limits::evaluation`]. Runs on the pool and does
    /// not block the caller's thread.
    pub async fn matches(&self, values: Values) -> Outcome {
        if self.0.strikes.are_out() {
            return Outcome::TooDear("the expression is switched off for a minute, it took too long before".to_owned());
        }
        let outcome = self.evaluate(&EVALUATION, values, self.0.limits.evaluation).await;
        if matches!(outcome, Outcome::TooDear(_)) {
            self.0.strikes.add();
        }
        outcome
    }

    /// Evaluates the expression within this processor time, for a caller that postpones what is stopped.
    pub async fn matches_within(&self, values: Values, limit: Duration) -> Outcome {
        self.evaluate(&EVALUATION, values, limit).await
    }

    /// Evaluates the expression within [`Limits::postponed`], on a thread that delays no transaction.
    pub async fn matches_postponed(&self, values: Values) -> Outcome {
        self.evaluate(&POSTPONED, values, self.0.limits.postponed).await
    }

    async fn evaluate(&self, pool: &'static Pool, values: Values, limit: Duration) -> Outcome {
        let compiled = Arc::clone(&self.0);
        let evaluation = move || evaluate(&compiled, &values, limit);
        match pool.run(self.0.limits.queue, limit, evaluation).await {
            Ok(Ok(Verdict::Is(true))) => Outcome::Match,
            Ok(Ok(Verdict::Is(false))) => Outcome::NoMatch,
            Ok(Err(reason)) => Outcome::Fault(reason),
            Ok(Ok(Verdict::TimedOut)) => {
                Outcome::TooDear(format!("the expression took more than {limit:?} of processor time"))
            }
            Err(Refusal::Stuck) => stopped("the machine is too busy to evaluate the expression"),
            Err(Refusal::Busy) => stopped("too many expressions are being evaluated"),
            Err(Refusal::Panicked) => Outcome::Fault("the evaluation failed".to_owned()),
        }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Filter").field(&self.0.source).finish()
    }
}

/// Parses, checks and instruments an expression. Runs on the pool, since the parser needs a large stack.
fn compile(source: String, scope: &Scope, limits: Limits) -> Result<Compiled, Refused> {
    let parsed = ENVIRONMENT.parser().parse_with_source_info(&source);
    let (mut expression, info) = parsed.map_err(Refused::of_parser)?;
    let uses = check::check(&expression, &info, scope)?;
    watch::insert(&mut expression);
    Ok(Compiled {
        source,
        expression,
        uses,
        limits,
        strikes: Strikes::default(),
    })
}

/// Evaluates an expression. Runs on the pool, since a chain of operators needs a large stack.
fn evaluate(compiled: &Compiled, values: &Values, limit: Duration) -> Result<Verdict, String> {
    let context = value::bind(&ENVIRONMENT, &compiled.uses, values)?;
    watch::run(&compiled.expression, &context, limit)
}

fn stopped(reason: &str) -> Outcome {
    Outcome::Stopped(reason.to_owned())
}
