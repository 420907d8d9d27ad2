//! CEL expressions that people type: conditions of LOGIC stages and filters of webhooks. Source and values go in, an
//! [`Outcome`] comes out, and neither can harm the process: [`text`] bounds the source before any parser sees it,
//! [`check`] refuses names and shapes that cannot work, [`watch`] puts a clock into what is left, [`pool`] runs it on
//! threads with large stacks, and [`value`] bounds what it reads. Compile once and keep the [`Filter`].
//!
//! What an author must know:
//! - A field that is missing is an error, and an error counts as *no match*. `has(task.a)` asks first and guards one
//!   level: `has(task.a.b)` is still an error where `a` is missing.
//! - `err || true` is true and `err && false` is false, whichever side the error is on.
//! - Numbers compare by value: `3 == 3.0`. Arithmetic does not mix kinds: `3 + 3.0` is an error.
//! - Whole numbers of the JSON are `int`, those past 64 bits signed are `uint`, the others `double`. Times are strings
//!   and compare as such.
//! - `has`, `exists`, `all`, `exists_one`, `map` and `filter` are there. One of the last five may not stand inside
//!   another, in its range neither: write `l.exists(x, a && b)` for `l.filter(x, a).exists(x, b)`.
//! - The pattern of `matches` is a short literal, and its text at most 8 KiB: see [`pattern`].
//! - A filter that took longer than [`TIME_LIMIT`] three times is switched off until it is compiled anew.

mod check;
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

use crate::{Error, Result};
use check::Use;
use pool::{Pool, Refusal};
use text::Refused;
use watch::Verdict;

pub use value::Values;

/// How long one evaluation may take. Callers hold the database's writer meanwhile.
pub const TIME_LIMIT: Duration = Duration::from_millis(50);
/// So many evaluations that took too long switch a filter off. One may be the machine's fault.
const STRIKES: u32 = 3;
/// How long one compilation may take.
const COMPILE_LIMIT: Duration = Duration::from_secs(1);

static EVALUATION: Pool = Pool::new("filter-evaluate", 2);
/// Apart, so that saving filters never delays the tasks that wait for one.
static COMPILATION: Pool = Pool::new("filter-compile", 1);

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib().with_optional_support(false);
    watch::declare(&mut environment);
    Arc::new(environment)
});

/// What an expression may name.
#[derive(Debug)]
pub struct Scope {
    /// Each root, and the members known of it; `None`: free JSON.
    pub roots: &'static [(&'static str, Option<&'static [&'static str]>)],
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The expression is true.
    Match,
    /// The expression is false.
    NoMatch,
    /// There is no answer, and why: an error, a result that is not a boolean, values that are too large. Counts as no
    /// match.
    Fault(String),
    /// It was not evaluated to its end, and why: a time-out, a filter that is switched off, too much to do. Another time
    /// it might match.
    Stopped(String),
}

/// A compiled expression. A clone shares everything, the switch too.
#[derive(Clone)]
pub struct Filter(Arc<Compiled>);

struct Compiled {
    source: String,
    expression: IdedExpr,
    uses: Vec<Use>,
    /// Times it took too long.
    strikes: AtomicU32,
}

impl Filter {
    /// Compiles `source`, which stands in `field` of the input: `stages.2.edges.0.condition`. What is refused is
    /// [`Error::Invalid`] and names line and column, both from 1.
    pub async fn compile(field: &str, source: &str, scope: &'static Scope) -> Result<Self> {
        let invalid = |refused: Refused| Error::invalid(field, refused.to_string());
        text::bound(source).map_err(invalid)?;
        let owned = source.to_owned();
        let compiled = COMPILATION.run(COMPILE_LIMIT, move || compile(owned, scope)).await;
        match compiled {
            Ok(compiled) => Ok(Self(Arc::new(compiled.map_err(invalid)?))),
            Err(Refusal::Busy) => Err(Error::Unavailable("too many expressions are being compiled".to_owned())),
            Err(Refusal::Panicked) => Err(Error::invalid(field, "the expression cannot be understood")),
            Err(Refusal::Stuck) => Err(Error::invalid(field, "the expression takes too long to compile")),
        }
    }

    /// Is the expression true of `values`? Waits on the pool, never on this thread.
    pub async fn matches(&self, values: Values) -> Outcome {
        self.matches_within(TIME_LIMIT, values).await
    }

    async fn matches_within(&self, limit: Duration, values: Values) -> Outcome {
        if self.0.strikes.load(Ordering::Relaxed) >= STRIKES {
            return stopped("the expression was switched off, it took too long before");
        }
        let compiled = Arc::clone(&self.0);
        let verdict = EVALUATION.run(limit, move || evaluate(&compiled, &values, limit)).await;
        match verdict {
            Ok(Ok(Verdict::Is(true))) => Outcome::Match,
            Ok(Ok(Verdict::Is(false))) => Outcome::NoMatch,
            Ok(Err(reason)) => Outcome::Fault(reason),
            Ok(Ok(Verdict::TimedOut)) | Err(Refusal::Stuck) => self.switch_off(limit),
            Err(Refusal::Busy) => stopped("too many expressions are being evaluated"),
            Err(Refusal::Panicked) => Outcome::Fault("the evaluation failed".to_owned()),
        }
    }

    fn switch_off(&self, limit: Duration) -> Outcome {
        let strikes = self.0.strikes.fetch_add(1, Ordering::Relaxed) + 1;
        Outcome::Stopped(match strikes {
            ..STRIKES => format!("the expression took longer than {limit:?}"),
            _ => format!("the expression took longer than {limit:?} and is switched off"),
        })
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Filter").field(&self.0.source).finish()
    }
}

/// Runs on the pool: the parser needs the large stack.
fn compile(source: String, scope: &Scope) -> Result<Compiled, Refused> {
    let parsed = ENVIRONMENT.parser().parse_with_source_info(&source);
    let (mut expression, info) = parsed.map_err(Refused::of_parser)?;
    let uses = check::check(&expression, &info, scope)?;
    watch::insert(&mut expression);
    Ok(Compiled {
        source,
        expression,
        uses,
        strikes: AtomicU32::new(0),
    })
}

/// Runs on the pool: a chain of operators needs the large stack.
fn evaluate(compiled: &Compiled, values: &Values, limit: Duration) -> Result<Verdict, String> {
    let context = value::bind(&ENVIRONMENT, &compiled.uses, values)?;
    watch::run(&compiled.expression, &context, limit)
}

fn stopped(reason: &str) -> Outcome {
    Outcome::Stopped(reason.to_owned())
}
