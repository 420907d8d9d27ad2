//! Reads the variables of a request. Numbers keep the digits that they were written with, so that what a customer sends
//! as JSON is stored as it came; [`MAX_VALUES`] bounds the number of values while they are read, before they take
//! memory.

use std::cell::Cell;
use std::fmt;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value, Variables};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// The maximum number of values in the variables of a request: each number, string, list, object and member.
pub const MAX_VALUES: usize = 100_000;
/// The name by which `serde_json` passes a number on as text, with its feature `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// Deserializes the variables: an object, or null for none.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Variables, D::Error> {
    let left = Cell::new(MAX_VALUES);
    match (Seed { left: &left }).deserialize(deserializer)? {
        Value::Null => Ok(Variables::default()),
        value @ Value::Object(_) => Ok(Variables::from_value(value)),
        _ => Err(D::Error::custom("must be an object or null")),
    }
}

/// Reads one value, and counts it.
#[derive(Clone, Copy)]
struct Seed<'a> {
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1);
        self.left
            .set(left.ok_or_else(|| D::Error::custom(format!("more than {MAX_VALUES} values in variables")))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = IndexMap::new();
        while let Some(name) = object.next_key::<Name>()? {
            if name == NUMBER {
                return number(&object.next_value::<String>()?);
            }
            members.insert(name, object.next_value_seed(self)?);
        }
        Ok(Value::Object(members))
    }
}

fn number<E: Error>(text: &str) -> Result<Value, E> {
    text.parse::<Number>().map(Value::Number).map_err(E::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Variables, String> {
        deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_number_keeps_the_digits_that_it_was_written_with() {
        let text = r#"{"id":12345678901234567890123,"list":[1.10,1e+2,-0,{"deep":1e+400}],"x":0.1234567890123456789}"#;
        let written = |text: &str| serde_json::to_string(&read(text).expect("variables")).expect("JSON");
        assert_eq!(written(text), text);
        assert_eq!(
            written(r#"{"x": 1E2}"#),
            r#"{"x":1e+2}"#,
            "only the form of an exponent is not kept"
        );
    }

    #[test]
    fn variables_are_an_object_or_null() {
        assert!(read("null").is_ok_and(|variables| variables.is_empty()));
        assert!(read(r#"{"a": [true, null, "x", {}]}"#).is_ok_and(|variables| variables.len() == 1));
        for wrong in ["[]", "1", r#""a""#] {
            assert!(
                read(wrong).is_err_and(|error| error.contains("object or null")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn values_are_counted_while_they_are_read() {
        let nested = |count: usize| format!(r#"{{"where":[{}]}}"#, vec![r#"{"AND":[]}"#; count].join(","));
        // The variables, the list, and an object and a list for each.
        assert!(read(&nested((MAX_VALUES - 2) / 2)).is_ok());
        assert!(read(&nested(MAX_VALUES / 2)).is_err_and(|error| error.contains("more than 100000 values")));
    }
}
