//! The limit of an evaluation in processor time: on a busy machine an expression does not pay for what others take.
//! [`insert`] instruments the syntax tree: each iteration of a comprehension, each
//! element of a literal, each addition, comparison and function call is wrapped into a call that fails once the
//! deadline has passed. No evaluation then exceeds its limit by more than one such step, which the limits on source and
//! values keep short, and none can exhaust the memory. No thread has to be killed.

use std::cell::Cell;
use std::mem;
use std::time::{Duration, Instant};

use cel::common::ast::operators;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue};
use cel::common::functions::Function;
use cel::common::types::{CelBool, CelString, DYN_TYPE};
use cel::common::value::CowVal;
use cel::{Context, Env, ExecutionError, IdedExpr, Value};
use rustix::time::{ClockId, clock_gettime};

use super::pattern::{MATCHES, MAX_TEXT};

/// The names of the instrumenting functions, which cannot be written in a source.
const IN_TIME: &str = "@in_time";
const CHECKED_SIZE: &str = "@short";

thread_local! {
    static CLOCK: Cell<Clock> = const { Cell::new(Clock { look_at: None, end: Duration::MAX, over: false }) };
}

/// The clock of a thread's evaluation. Reading the processor time is a system call, and at least as much time passes on
/// the wall, so the wall clock says when to read it.
#[derive(Clone, Copy)]
struct Clock {
    /// The moment before which the limit cannot be reached.
    look_at: Option<Instant>,
    /// The thread's processor time at the limit.
    end: Duration,
    over: bool,
}

impl Clock {
    fn start(limit: Duration) -> Self {
        Self {
            look_at: Instant::now().checked_add(limit),
            end: processor_time().saturating_add(limit),
            over: false,
        }
    }

    /// Returns the clock after a look: over, or with the next moment to look.
    fn looked(self) -> Self {
        let now = Instant::now();
        if self.over || self.look_at.is_none_or(|look_at| now < look_at) {
            return self;
        }
        match self.end.checked_sub(processor_time()) {
            Some(left) if !left.is_zero() => Self {
                look_at: now.checked_add(left),
                ..self
            },
            _ => Self { over: true, ..self },
        }
    }
}

/// Returns the processor time that this thread has used.
fn processor_time() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(used.tv_sec).unwrap_or_default(),
        u32::try_from(used.tv_nsec).unwrap_or_default(),
    )
}

/// The result of an evaluation that ended.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The expression's value.
    Is(bool),
    /// The deadline passed.
    TimedOut,
}

/// Declares the instrumenting functions.
pub(super) fn declare(environment: &mut Env) {
    for (name, function) in [(IN_TIME, in_time as Function), (CHECKED_SIZE, short)] {
        let declared = environment.add_overload(name, name, vec![DYN_TYPE], function);
        declared.expect("no other function has this name");
    }
}

/// Evaluates an expression that [`insert`] has instrumented. The error contains no value: values are customers' data.
pub(super) fn run(expression: &IdedExpr, context: &Context<'_, '_>, limit: Duration) -> Result<Verdict, String> {
    CLOCK.set(Clock::start(limit));
    let result = Value::resolve_val(expression, context);
    if CLOCK.get().over {
        return Ok(Verdict::TimedOut);
    }
    let result = result.map_err(|error| describe(&error))?;
    match result.downcast_ref::<CelBool>() {
        Some(boolean) => Ok(Verdict::Is(*boolean.inner())),
        None => Err(format!(
            "the result is not a boolean but of type {}",
            result.get_type().name()
        )),
    }
}

fn in_time<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let clock = CLOCK.get().looked();
    CLOCK.set(clock);
    if clock.over {
        return Err(ExecutionError::function_error(IN_TIME, "out of time"));
    }
    arguments
        .pop()
        .ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))
}

/// Passes on the text of `matches`, or fails when it is too long: a match cannot be interrupted.
fn short<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = arguments
        .pop()
        .ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))?;
    match value.downcast_ref::<CelString>() {
        Some(text) if text.inner().len() > MAX_TEXT => Err(ExecutionError::function_error(
            CHECKED_SIZE,
            format!("matches reads at most {MAX_TEXT} bytes"),
        )),
        _ => Ok(value),
    }
}

/// Instruments an expression.
pub(super) fn insert(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Call(call) => {
            call.target.iter_mut().for_each(|target| insert(target));
            call.args.iter_mut().for_each(insert);
            if call.func_name == MATCHES {
                let text = call.target.as_deref_mut().or(call.args.first_mut());
                text.into_iter().for_each(|text| wrap(CHECKED_SIZE, text));
            }
            if is_costly(call) {
                wrap(IN_TIME, node);
            }
        }
        Expr::Comprehension(comprehension) => insert_into_loop(comprehension),
        Expr::Select(select) => insert(&mut select.operand),
        Expr::List(list) => list.elements.iter_mut().for_each(insert_and_wrap),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    insert(&mut entry.key);
                    insert_and_wrap(&mut entry.value);
                }
            }
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) => {}
    }
}

fn insert_and_wrap(node: &mut IdedExpr) {
    insert(node);
    wrap(IN_TIME, node);
}

/// Instruments a loop. The engine recognizes the loops of the macros by their shape, and copies the whole accumulator
/// in each iteration of any other. The shape must stay, so the check goes into a condition that is computed, else into
/// the guard of the step.
fn insert_into_loop(comprehension: &mut ComprehensionExpr) {
    insert(&mut comprehension.iter_range);
    insert(&mut comprehension.loop_step);
    if !matches!(comprehension.loop_cond.expr, Expr::Literal(_)) {
        return wrap(IN_TIME, &mut comprehension.loop_cond);
    }
    let step = &mut comprehension.loop_step;
    match &mut step.expr {
        Expr::Call(call) if call.func_name == operators::CONDITIONAL => {
            call.args.first_mut().into_iter().for_each(|guard| wrap(IN_TIME, guard))
        }
        _ => {
            let mut always = IdedExpr {
                id: step.id,
                expr: Expr::Literal(LiteralValue::Boolean(true.into())),
            };
            wrap(IN_TIME, &mut always);
            let unchanged = IdedExpr {
                id: step.id,
                expr: Expr::Ident(comprehension.accu_var.clone()),
            };
            let id = step.id;
            *step = call(id, operators::CONDITIONAL, vec![always, mem::take(step), unchanged]);
        }
    }
}

/// Returns true for a call that must be instrumented. Calls that only choose, and the step of an accumulator, must not
/// be: the engine recognizes them by their place.
fn is_costly(call: &CallExpr) -> bool {
    let chooses = matches!(
        call.func_name.as_str(),
        operators::CONDITIONAL
            | operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::NOT_STRICTLY_FALSE
            | operators::NEGATE
            | operators::INDEX
    );
    let accumulates =
        matches!(call.args.first().map(|first| &first.expr), Some(Expr::Ident(name)) if name.starts_with('@'));
    !chooses && !accumulates
}

fn wrap(name: &str, node: &mut IdedExpr) {
    let id = node.id;
    *node = call(id, name, vec![mem::take(node)]);
}

fn call(id: u64, name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr {
        id,
        expr: Expr::Call(CallExpr {
            func_name: name.to_owned(),
            target: None,
            args,
        }),
    }
}

fn describe(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(_)
        | ExecutionError::NoSuchOverload(_)
        | ExecutionError::UndeclaredReference(_)
        | ExecutionError::UnexpectedType { .. } => error.to_string(),
        ExecutionError::FunctionError { function, message } if function == CHECKED_SIZE => message.clone(),
        ExecutionError::FunctionError { function, .. } => format!("{function} failed"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "division by zero".to_owned(),
        ExecutionError::Overflow(operator, ..) => format!("overflow in {operator}"),
        ExecutionError::IndexOutOfBounds(_) => "index out of bounds".to_owned(),
        ExecutionError::DuplicateKey(_) => "a map literal has the same key twice".to_owned(),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => format!("{operator} does not take these values"),
        _ => "a value is of the wrong kind".to_owned(),
    }
}
