//! Compares an example with the real value, except for what differs between runs: ids, times, digests, durations.

use serde_json::Value;

/// Fails with the place of the first difference.
pub fn assert_alike(place: &str, expected: &Value, found: &Value) {
    if let Err(difference) = alike("", expected, found) {
        panic!("{place} shows\n{expected:#}\nwhere there was\n{found:#}\nwhich differ at {difference}");
    }
}

fn alike(path: &str, expected: &Value, found: &Value) -> Result<(), String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let mut names: Vec<&String> = expected.keys().chain(found.keys()).collect();
            names.dedup();
            names.into_iter().try_for_each(|name| {
                let value = |object: &serde_json::Map<String, Value>| object.get(name).cloned();
                let path = format!("{path}.{name}");
                match (value(expected), value(found)) {
                    (Some(expected), Some(found)) => alike(&path, &expected, &found),
                    _ => Err(path),
                }
            })
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.try_for_each(|(index, (expected, found))| alike(&format!("{path}[{index}]"), expected, found))
        }
        (Value::String(expected), Value::String(found)) if shape(expected) == shape(found) => Ok(()),
        (Value::Number(_), Value::Number(_)) if path.ends_with("Ms") => Ok(()),
        (expected, found) if expected == found => Ok(()),
        _ => Err(path.to_owned()),
    }
}

/// Returns the text with a placeholder for what differs between runs.
fn shape(text: &str) -> String {
    if let Some((form, rest)) = text
        .split_once(['=', ','])
        .filter(|(form, _)| matches!(*form, "v1" | "sha1" | "sha256"))
    {
        return format!("{form} {}", shape(rest));
    }
    let is_hex = text.chars().all(|letter| letter.is_ascii_hexdigit() || letter == '-');
    let is_number = text.chars().all(|letter| letter.is_ascii_digit());
    match text.len() {
        10 if is_number => "[SECONDS]".to_owned(),
        36 if is_hex && text.matches('-').count() == 4 => "[ID]".to_owned(),
        40 | 64 if is_hex => "[DIGEST]".to_owned(),
        44 if text.ends_with('=') => "[DIGEST]".to_owned(),
        20.. if text.starts_with("20") && text.ends_with('Z') && text.contains('T') => "[TIME]".to_owned(),
        _ => text.to_owned(),
    }
}

#[test]
fn only_what_differs_from_run_to_run_may_differ() {
    let check = |expected: &str, found: &str| {
        let read = |text| serde_json::from_str::<Value>(text).expect("JSON");
        alike("", &read(expected), &read(found))
    };
    let id = [
        "019ad5c0-5a3e-7c41-8a39-5d1f6c0b7e11",
        "01a1fdb3-599a-74ab-ad4d-ed3b43d1d0b3",
    ];
    let same = |one: &str, other: &str| check(&format!("[\"{one}\"]"), &format!("[\"{other}\"]"));
    assert_eq!(same(id[0], id[1]), Ok(()));
    assert_eq!(same("2026-12-01T00:00:00Z", "2027-01-15T08:00:00.123Z"), Ok(()));
    assert_eq!(
        same(
            "sha1=cca422efd5a8983d7c4bf30a1e35d3374ab97b95",
            &format!("sha1={}", "0".repeat(40))
        ),
        Ok(())
    );
    assert_eq!(same("sha1=00", "sha1=01"), Err("[0]".to_owned()));
    assert_eq!(same(id[0], "tree"), Err("[0]".to_owned()));
    assert_eq!(check(r#"{"aMs": 1, "b": 2}"#, r#"{"b": 2, "aMs": 3}"#), Ok(()));
    assert_eq!(check(r#"{"a": 1}"#, r#"{"a": 2}"#), Err(".a".to_owned()));
    assert_eq!(check(r#"{"a": 1}"#, r#"{"a": 1, "b": null}"#), Err(".b".to_owned()));
}
