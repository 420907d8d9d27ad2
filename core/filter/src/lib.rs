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
//! - A filter that took longer than [`Limits::evaluation`] three times is disabled until it is compiled anew.

mod check;
mod error;
mod function;
mod pattern;
mod pool;
mod text;
mod value;
mod watch;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use cel::{Env, IdedExpr};

use check::Use;
pub use error::{Error, Result};
use pool::{Pool, Refusal};
use text::Refused;
use watch::Verdict;

pub use value::Values;

/// Timed-out evaluations after which a filter is disabled. A single one may be the fault of a busy machine.
const MAX_OVERRUNS: u32 = 3;

static EVALUATION: Pool = Pool::new("filter-evaluate", 2);
/// A pool of its own, so that saving filters never delays the tasks that wait for an evaluation.
static COMPILATION: Pool = Pool::new("filter-compile", 1);

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib().with_optional_support(false);
    watch::declare(&mut environment);
    Arc::new(environment)
});

/// The time limits of the sandbox, in wall-clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The time limit of one evaluation. Callers hold the database's writer meanwhile.
    pub evaluation: Duration,
    /// The time limit of one compilation.
    pub compilation: Duration,
    /// The longest wait for a thread of the pool. The jobs ahead are bounded, so it is reached only when something is
    /// very wrong.
    pub queue: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            evaluation: Duration::from_millis(50),
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
    /// The evaluation did not complete, with the reason: a timeout, a disabled filter, a full pool. A later evaluation
    /// may match.
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
    /// The number of evaluations that timed out.
    strikes: AtomicU32,
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

    /// Evaluates the expression with `values` as its variables. Runs on the pool and does not block the caller's
    /// thread.
    pub async fn matches(&self, values: Values) -> Outcome {
        let limits = self.0.limits;
        if self.0.strikes.load(Ordering::Relaxed) >= MAX_OVERRUNS {
            return stopped("the expression was switched off, it took too long before");
        }
        let compiled = Arc::clone(&self.0);
        let evaluation = move || evaluate(&compiled, &values, limits.evaluation);
        let verdict = EVALUATION.run(limits.queue, limits.evaluation, evaluation).await;
        match verdict {
            Ok(Ok(Verdict::Is(true))) => Outcome::Match,
            Ok(Ok(Verdict::Is(false))) => Outcome::NoMatch,
            Ok(Err(reason)) => Outcome::Fault(reason),
            Ok(Ok(Verdict::TimedOut)) | Err(Refusal::Stuck) => self.switch_off(limits.evaluation),
            Err(Refusal::Busy) => stopped("too many expressions are being evaluated"),
            Err(Refusal::Panicked) => Outcome::Fault("the evaluation failed".to_owned()),
        }
    }

    fn switch_off(&self, limit: Duration) -> Outcome {
        let strikes = self.0.strikes.fetch_add(1, Ordering::Relaxed) + 1;
        Outcome::Stopped(match strikes {
            ..MAX_OVERRUNS => format!("the expression took longer than {limit:?}"),
            _ => format!("the expression took longer than {limit:?} and is switched off"),
        })
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
        strikes: AtomicU32::new(0),
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
