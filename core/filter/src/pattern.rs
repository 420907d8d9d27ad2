//! Limits the regular expressions of `matches`. A match takes time linear in the text, times the size of the pattern
//! with its repetitions expanded, in one step that the time limit cannot interrupt: 300 bytes of
//! `(a?x?){999}(a?x?){999}…` ran 104 s over 16 KiB. Therefore a pattern is a short literal, its repetitions are few and
//! do not nest, and the text is short too.

use cel::common::ast::{CallExpr, Expr, LiteralValue};
use cel::{Context, ExecutionError, IdedExpr, Value};

use super::ENVIRONMENT;

pub(super) const MATCHES: &str = "matches";
/// The longest text that a pattern is matched against, in bytes.
pub(super) const MAX_TEXT: usize = 8 * 1024;
/// The longest pattern, in bytes.
const MAX_BYTES: usize = 256;
/// The largest sum of the counts of `{n}` in one pattern.
const MAX_REPEATS: usize = 64;

/// Refuses a pattern that does not compile or could be slow. The error is the reason.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    if pattern.len() > MAX_BYTES {
        return Err(format!("the pattern of matches is longer than {MAX_BYTES} bytes"));
    }
    bound_repeats(pattern)?;
    compile(pattern)
}

fn bound_repeats(pattern: &str) -> Result<(), String> {
    let mut repeats = 0_usize;
    let mut before = None;
    let mut rest = pattern.char_indices();
    while let Some((offset, character)) = rest.next() {
        match character {
            '\\' => {
                rest.next();
                // `\p{L}` and `\x{41}` have braces of their own.
                if pattern[offset + 1..].starts_with(['p', 'P', 'x', 'u', 'U']) && rest.as_str().starts_with('{') {
                    rest.by_ref().find(|(_, end)| *end == '}');
                }
            }
            '(' if is_verbose(rest.as_str()) => return Err("the flag x of patterns is not supported".to_owned()),
            '{' if matches!(before, Some(')' | '}' | '*' | '+' | '?')) => {
                return Err("a repetition {n} of a pattern stands after a single character or class only".to_owned());
            }
            '{' => repeats = repeats.saturating_add(largest(rest.as_str())),
            _ => {}
        }
        before = Some(character);
    }
    if repeats > MAX_REPEATS {
        return Err(format!(
            "the repetitions {{n}} of the pattern come to more than {MAX_REPEATS}"
        ));
    }
    Ok(())
}

/// Returns true when a group sets the flag `x`. The flag makes the pattern ignore white space and comments, which hides
/// the operand of a repetition.
fn is_verbose(group: &str) -> bool {
    let Some(flags) = group.strip_prefix('?') else {
        return false;
    };
    let end = flags.find(|character: char| !character.is_ascii_alphabetic() && character != '-');
    flags[..end.unwrap_or(flags.len())].contains('x')
}

/// Returns the largest count of a repetition: 5 of `{2,5}`.
fn largest(repeat: &str) -> usize {
    let counts = repeat.split('}').next().unwrap_or(repeat);
    let numbers = counts
        .split(|character: char| !character.is_ascii_digit())
        .filter(|number| !number.is_empty());
    numbers
        .map(|number| number.parse().unwrap_or(usize::MAX))
        .max()
        .unwrap_or(1)
}

/// Compiles a pattern as the evaluation does, by matching it against an empty text.
fn compile(pattern: &str) -> Result<(), String> {
    let text = |text: &str| IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::String(text.to_owned().into())),
    };
    let call = CallExpr {
        func_name: MATCHES.to_owned(),
        target: None,
        args: vec![text(""), text(pattern)],
    };
    let call = IdedExpr {
        id: 0,
        expr: Expr::Call(call),
    };
    match Value::resolve(&call, &Context::with_env(ENVIRONMENT.clone())) {
        Ok(_) => Ok(()),
        Err(ExecutionError::FunctionError { message, .. }) => {
            let reason = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Err(format!("the pattern of matches is no regular expression: {reason}"))
        }
        Err(_) => Err("the pattern of matches is no regular expression".to_owned()),
    }
}
