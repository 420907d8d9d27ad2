//! The functions that an expression may call, and what they give.

use cel::common::ast::{CallExpr, operators};

use super::pattern::MATCHES;

/// Functions: name, as `f(x)`, as `x.f()`, values it takes.
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
/// Expanded by the parser where they are called as they should be.
const MACROS: [&str; 7] = ["has", "all", "exists", "exists_one", "existsOne", "map", "filter"];

/// Is there such a function, called like this? What is wrong otherwise.
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

/// Operators have names that no source can spell: `_+_`, `!_`, `@in`.
pub(super) fn is_operator(name: &str) -> bool {
    name.contains(|character: char| !character.is_ascii_alphanumeric() && !matches!(character, '_' | '.'))
}

/// Is its result never a boolean?
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
