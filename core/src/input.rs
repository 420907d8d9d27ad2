//! Validation of inputs at the edge: names, texts within their limits, valid JSON, and lists that are neither empty nor
//! too long.

use crate::{Error, Result};
use sea_orm::{ActiveValue, Set, Value};

/// The most characters of a name.
const NAME: usize = 256;
/// The most bytes of a description.
pub(crate) const DESCRIPTION: usize = 16 << 10;
/// The most bytes of a JSON field.
pub(crate) const JSON: usize = 256 << 10;
/// The most bytes of a customer's own id.
pub(crate) const KEY: usize = 256;
/// The most entries of a list that one mutation takes.
pub const MAX_ENTRIES: usize = 1_000;

/// Checks a display name: not empty, at most 256 characters, no control characters.
pub(crate) fn name(field: &str, text: &str) -> Result<String> {
    if text.trim().is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if text.chars().count() > NAME {
        return Err(Error::invalid(field, format!("must have at most {NAME} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    Ok(text.to_owned())
}

/// Checks free text of at most `max` bytes. NUL is refused, because PostgreSQL cannot store it.
pub(crate) fn text(field: &str, text: &str, max: usize) -> Result<()> {
    if text.len() > max {
        return Err(Error::invalid(field, format!("must have at most {max} bytes")));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, "must not contain NUL"));
    }
    Ok(())
}

/// Checks a customer's own id: short and without control characters.
pub(crate) fn key(field: &str, key: Option<&str>) -> Result<()> {
    let Some(key) = key else {
        return Ok(());
    };
    if key.is_empty() {
        return Err(Error::invalid(field, "must not be empty; leave it out for none"));
    }
    if key.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not contain control characters"));
    }
    text(field, key, KEY)
}

/// Checks JSON text.
pub(crate) fn json(field: &str, json: Option<&str>) -> Result<()> {
    let Some(json) = json else {
        return Ok(());
    };
    text(field, json, JSON)?;
    match serde_json::from_str::<serde::de::IgnoredAny>(json) {
        Ok(_) => Ok(()),
        Err(fault) => Err(Error::invalid(field, format!("must be JSON: {fault}"))),
    }
}

/// Checks an annotation of at most `max` bytes: JSON, or plain text. A text that begins as an object or a list of JSON
/// must be JSON to its end (RFC 8259: no NaN, no comma at the end, no byte-order mark), because the payload formats that
/// convert annotations could send nothing of it.
pub(crate) fn annotation(field: &str, given: &str, max: usize) -> Result<()> {
    text(field, given, max)?;
    if given.starts_with('\u{feff}') {
        return Err(Error::invalid(field, "must not begin with a byte-order mark"));
    }
    if !given.trim_start().starts_with(['{', '[']) {
        return Ok(());
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(given) {
        Ok(_) => Ok(()),
        Err(fault) => Err(Error::invalid(field, format!("must be JSON: {fault}"))),
    }
}

/// Checks that a number is finite.
pub(crate) fn finite(field: &str, number: f64) -> Result<()> {
    match number.is_finite() {
        true => Ok(()),
        false => Err(Error::invalid(field, "must be a finite number")),
    }
}

/// Checks the length of a list: at least one entry and at most [`MAX_ENTRIES`].
pub(crate) fn entries(field: &str, count: usize) -> Result<()> {
    match count {
        0 => Err(Error::invalid(field, "must not be empty")),
        1..=MAX_ENTRIES => Ok(()),
        _ => Err(Error::invalid(
            field,
            format!("must have at most {MAX_ENTRIES} entries"),
        )),
    }
}

/// Sets a column if a value was given; otherwise leaves it unchanged.
pub(crate) fn set<T: Into<Value>>(column: &mut ActiveValue<T>, given: Option<T>) {
    if let Some(given) = given {
        *column = Set(given);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_takes_what_its_rule_says() {
        let check = |result: Result<()>, allowed: bool| assert_eq!(result.is_ok(), allowed, "{result:?}");
        check(text("f", "täxt\n", 6), true);
        check(text("f", "täxt\n", 5), false);
        check(text("f", "\0", 5), false);
        check(key("f", None), true);
        check(key("f", Some("img-1")), true);
        check(key("f", Some("")), false);
        check(key("f", Some("a\tb")), false);
        check(json("f", Some(r#"{"a":[1]}"#)), true);
        check(json("f", Some("{")), false);
        check(annotation("f", r#"{"objects":[1e400]}"#, 99), true);
        check(annotation("f", "Skip", 99), true);
        check(annotation("f", "", 99), true);
        check(annotation("f", "\u{feff}{}", 99), false);
        for broken in [r#"{"a":NaN}"#, "[1,]", " {", "{} {}"] {
            match annotation("f", broken, 99) {
                Err(Error::Invalid { reason, .. }) => assert!(reason.contains("line 1 column"), "{reason}"),
                other => panic!("{broken}: {other:?}"),
            }
        }
        check(finite("f", f64::NAN), false);
        check(entries("f", 0), false);
        check(entries("f", MAX_ENTRIES), true);
        check(entries("f", MAX_ENTRIES + 1), false);
    }
}
