//! The allow-list of functions that an expression may call, and their return types.

use cel::common::ast::{CallExpr, operators};

use super::pattern::MATCHES;

/// The functions: name, callable as `f(x)`, callable as `x.f()`, number of arguments with the receiver.
const FUNCTIONS: [(&str, bool, bool, usize); 13] = [
    ("size", true, true, 1),
    ("contains", false, true, 2),
    ("startsWith", false, true, 2),
    ("endsWith", false, true, 2),
    (MATCHES, true, true, 2),
    ("bool", true, false, 1),
    ("bytes", true, false, 1),
    ("double", true, false, 1),
    ("dyn", true, false, 1),
    ("int", true, false, 1),
    ("string", true, false, 1),
    ("type", true, false, 1),
    ("uint", true, false, 1),
];
/// The macros, which the parser expands when their arguments fit.
const MACROS: [&str; 7] = ["has", "all", "exists", "exists_one", "existsOne", "map", "filter"];

/// Refuses a call of an unknown function, or with the wrong form or number of arguments. The error is the reason.
pub(super) fn check(call: &CallExpr) -> Result<(), String> {
    let name = call.func_name.as_str();
    let Some(&(_, global, member, takes)) = FUNCTIONS.iter().find(|function| function.0 == name) else {
        let reason = if MACROS.contains(&name) {
            "does not take these"
        } else {
            "is no function"
        };
        return Err(format!("{name} {reason}"));
    };
    let (form, taken) = match call.target {
        Some(_) => (member, call.args.len() + 1),
        None => (global, call.args.len()),
    };
    if form && taken == takes {
        Ok(())
    } else {
        Err(format!("{name} is not called like this"))
    }
}

/// Returns true for the function of an operator. Their names cannot be written in a source: `_+_`, `!_`, `@in`.
pub(super) fn is_operator(name: &str) -> bool {
    name.contains(|character: char| !character.is_ascii_alphanumeric() && !matches!(character, '_' | '.'))
}

/// Returns true for a function or an operator whose result is never a boolean.
pub(super) fn gives_other(name: &str) -> bool {
    let arithmetic = [
        operators::ADD,
        operators::SUBSTRACT,
        operators::MULTIPLY,
        operators::DIVIDE,
        operators::MODULO,
    ];
    arithmetic.contains(&name)
        || name == operators::NEGATE
        || matches!(name, "size" | "bytes" | "double" | "int" | "string" | "type" | "uint")
}
