//! Type checks of variables. They are checked against the types that the operation declares before anything runs, so
//! that a wrong one is reported as the client's error with its path; the library would detect some of them only in the
//! middle of an execution. Texts and numbers that cannot be stored are refused here too, once for all fields: NUL, which
//! PostgreSQL has no text with, and a number beyond the range of a double.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{BaseType, OperationDefinition, Type};
use async_graphql::{Name, Value, Variables};
use entity::Timestamp;
use serde_json::Number;

use super::super::error::{ApiError, Code};
use super::types::{Input, Types};

/// A value that does not fit its type: the path to it, innermost step first, and the reason.
pub(super) struct Fault {
    path: Vec<String>,
    reason: String,
}

pub(super) type Checked = Result<(), Fault>;

impl Types {
    /// Checks that each variable of the operation has a value of its type. A whole number that is written with a
    /// fraction, such as `1.0`, becomes an integer where one is declared.
    pub fn check_variables(&self, operation: &OperationDefinition, variables: &mut Variables) -> Result<(), ApiError> {
        for definition in &operation.variable_definitions {
            let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
            let checked = match variables.get_mut(name) {
                Some(value) => self.check(ty, value),
                None if ty.nullable || definition.node.default_value.is_some() => Ok(()),
                None => Err(Fault::new("is required but not provided")),
            };
            checked.map_err(|fault| fault.at(name).of_variable(name).at(definition.pos))?;
        }
        Ok(())
    }

    pub(super) fn check(&self, ty: &Type, value: &mut Value) -> Checked {
        match (&ty.base, value) {
            (_, Value::Null) if ty.nullable => Ok(()),
            (_, Value::Null) => Err(Fault::new("must not be null")),
            (BaseType::List(item), Value::List(items)) => each(items, |value| self.check(item, value)),
            (BaseType::List(item), value) => self.check(item, value),
            (BaseType::Named(name), value) => self.check_named(name, value),
        }
    }

    fn check_named(&self, name: &Name, value: &mut Value) -> Checked {
        match (name.as_str(), &mut *value) {
            ("Int", Value::Number(number)) => integer(number),
            ("Int", _) => Err(Fault::new("must be an integer of 32 bits")),
            (scalar, _) if self.scalars.contains(scalar) => check_scalar(scalar, value),
            (_, value) => match (self.enums.get(name), self.inputs.get(name)) {
                (Some(words), _) => check_word(name, words, value),
                (_, Some(fields)) => self.check_object(name, fields, value),
                _ => Ok(()),
            },
        }
    }

    fn check_object(&self, name: &Name, fields: &HashMap<Name, Input>, value: &mut Value) -> Checked {
        let Value::Object(object) = value else {
            return Err(Fault::new(format!("must be an object, a {name}")));
        };
        for (field, value) in object.iter_mut() {
            let Some(input) = fields.get(field) else {
                return Err(Fault::new(format!("is not a field of {name}")).at(field));
            };
            self.check(&input.ty, value).map_err(|fault| fault.at(field))?;
        }
        is_complete(fields, |field| object.contains_key(field))
    }
}

/// Checks that every required field of an input object is there.
pub(super) fn is_complete(fields: &HashMap<Name, Input>, has: impl Fn(&Name) -> bool) -> Checked {
    let missing = fields.iter().find(|(field, input)| input.is_required() && !has(field));
    missing.map_or(Ok(()), |(field, _)| {
        Err(Fault::new("is required but not provided").at(field))
    })
}

/// Checks a value of a scalar. A scalar of this API without a rule here takes any JSON.
pub(super) fn check_scalar(scalar: &str, value: &Value) -> Checked {
    let is = |fits: bool, what: &str| match fits {
        true => check_json(value),
        false => Err(Fault::new(format!("must be {what}"))),
    };
    match scalar {
        "Int" => is(
            matches!(value, Value::Number(number) if number.as_i64().is_some_and(is_int)),
            "an integer of 32 bits",
        ),
        "Float" => is(matches!(value, Value::Number(_)), "a number"),
        "String" => is(matches!(value, Value::String(_)), "a string"),
        "DateTime" => is(
            is_date_time(value),
            "an RFC 3339 date-time such as 2026-01-31T09:30:00Z",
        ),
        "Boolean" => is(matches!(value, Value::Boolean(_)), "true or false"),
        "ID" => match value {
            Value::Number(number) => is(number.is_i64(), "a string"),
            value => is(matches!(value, Value::String(_)), "a string"),
        },
        _ => check_json(value),
    }
}

/// Checks that every text and number in a value can be stored.
fn check_json(value: &Value) -> Checked {
    match value {
        Value::String(text) if text.contains('\0') => Err(Fault::new("must not contain NUL (U+0000)")),
        Value::Number(number) if number.as_f64().is_none() => {
            Err(Fault::new("is a number beyond the range of a double"))
        }
        Value::List(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| check_json(value).map_err(|fault| fault.at(index))),
        Value::Object(object) => object.iter().try_for_each(|(name, value)| {
            let named = match name.contains('\0') {
                true => Err(Fault::new("must not contain NUL (U+0000) in a name")),
                false => check_json(value),
            };
            named.map_err(|fault| fault.at(name.escape_debug()))
        }),
        _ => Ok(()),
    }
}

/// Checks that a number is an integer of 32 bits, and writes a whole number such as `1.0` as one.
fn integer(number: &mut Number) -> Checked {
    let whole = number.as_f64().filter(|value| value.fract() == 0.0);
    let whole = number.as_i64().or(whole.map(|value| value as i64));
    let found = whole.filter(|value| is_int(*value));
    *number = found.ok_or_else(|| Fault::new("must be an integer of 32 bits"))?.into();
    Ok(())
}

fn is_int(value: i64) -> bool {
    i32::try_from(value).is_ok()
}

fn is_date_time(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.parse::<Timestamp>().is_ok())
}

fn check_word(name: &Name, words: &HashSet<Name>, value: &Value) -> Checked {
    match value {
        Value::String(word) if words.contains(word.as_str()) => Ok(()),
        Value::Enum(word) if words.contains(word) => Ok(()),
        value => Err(Fault::new(format!("{value} is not a {name}"))),
    }
}

fn each(items: &mut [Value], mut check: impl FnMut(&mut Value) -> Checked) -> Checked {
    items
        .iter_mut()
        .enumerate()
        .try_for_each(|(index, value)| check(value).map_err(|fault| fault.at(index)))
}

impl Fault {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            reason: reason.into(),
        }
    }

    pub(super) fn at(mut self, step: impl ToString) -> Self {
        self.path.push(step.to_string());
        self
    }

    fn field(&self) -> String {
        self.path.iter().rev().map(String::as_str).collect::<Vec<_>>().join(".")
    }

    fn of_variable(self, name: &Name) -> ApiError {
        let field = self.field();
        let message = format!("Variable \"${name}\" got an invalid value: {field}: {}", self.reason);
        ApiError::new(Code::BadUserInput, message).at_field(field, self.reason)
    }

    pub(super) fn of_literal(self) -> ApiError {
        let field = self.field();
        let message = format!("Invalid value for argument \"{field}\", {}", self.reason);
        ApiError::new(Code::ValidationFailed, message).at_field(field, self.reason)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use crate::graphql::variables;

    use super::*;

    pub const SDL: &str = "type Query { hooks(first: Int, where: Where): [Hook!]! } type Hook { id: ID! at(n: [Int!]): Hook }
        input Where { topics: [Topic!]! limit: Int = 1 score: Float id: ID any: Json since: DateTime and: Where } enum Topic { A B } scalar Json scalar DateTime";

    fn read(value: &serde_json::Value) -> Variables {
        let text = value.to_string();
        variables::deserialize(&mut serde_json::Deserializer::from_str(&text)).expect("variables")
    }

    fn variables(declared: &str, value: serde_json::Value, fault: &str) {
        let document = parse_query(format!("query ({declared}) {{ a }}")).expect("GraphQL");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let checked = Types::of(SDL).check_variables(&operation.node, &mut read(&value));
        assert_eq!(
            checked
                .err()
                .map(|error| error.into_server_error().message)
                .unwrap_or_default(),
            fault,
            "{declared}"
        );
    }

    #[test]
    fn a_variable_has_a_value_of_its_type_or_is_named() {
        variables("$a: Int", json!({}), "");
        variables("$a: Int! = 1", json!({}), "");
        variables(
            "$a: Int!",
            json!({}),
            "Variable \"$a\" got an invalid value: a: is required but not provided",
        );
        variables(
            "$a: Int!",
            json!({"a": null}),
            "Variable \"$a\" got an invalid value: a: must not be null",
        );
        variables(
            "$a: Int",
            json!({"a": 2_147_483_648_i64}),
            "Variable \"$a\" got an invalid value: a: must be an integer of 32 bits",
        );
        variables(
            "$a: Int",
            json!({"a": 1.5}),
            "Variable \"$a\" got an invalid value: a: must be an integer of 32 bits",
        );
        variables("$a: Int", json!({"a": 1.0}), "");
        variables("$a: Float", json!({"a": 0}), "");
        variables("$a: ID", json!({"a": 7}), "");
        variables("$a: [Int!]", json!({"a": 7}), "");
        variables(
            "$a: [Int!]",
            json!({"a": [1, null]}),
            "Variable \"$a\" got an invalid value: a.1: must not be null",
        );
        variables(
            "$a: Topic",
            json!({"a": "C"}),
            "Variable \"$a\" got an invalid value: a: \"C\" is not a Topic",
        );
        variables("$a: Json", json!({"a": {"b": [1]}}), "");
    }

    #[test]
    fn an_input_object_is_checked_to_its_leaves() {
        let fits = json!({"topics": ["A", "B"], "limit": 1, "score": 1, "id": "x", "any": [{}], "and": {"topics": []}});
        variables("$w: Where!", json!({ "w": fits }), "");
        let check = |value, fault: &str| {
            variables(
                "$w: Where!",
                json!({ "w": value }),
                &format!("Variable \"$w\" got an invalid value: {fault}"),
            );
        };
        let since = "w.since: must be an RFC 3339 date-time such as 2026-01-31T09:30:00Z";
        check(json!({"topics": [], "since": "2026-01-31"}), since);
        check(json!([]), "w: must be an object, a Where");
        check(json!({}), "w.topics: is required but not provided");
        check(json!({"topics": ["A", "X"]}), "w.topics.1: \"X\" is not a Topic");
        check(json!({"topics": [], "nope": 1}), "w.nope: is not a field of Where");
        check(
            json!({"topics": [], "and": {"topics": [], "score": "x"}}),
            "w.and.score: must be a number",
        );
    }

    #[test]
    fn what_cannot_be_stored_is_refused_by_its_path() {
        let nul = "must not contain NUL (U+0000)";
        let invalid = "Variable \"$a\" got an invalid value: a";
        variables("$a: String", json!({"a": "x\0"}), &format!("{invalid}: {nul}"));
        variables("$a: ID", json!({"a": "\0"}), &format!("{invalid}: {nul}"));
        variables(
            "$a: Json",
            json!({"a": {"b": ["\0"]}}),
            &format!("{invalid}.b.0: {nul}"),
        );
        variables(
            "$a: Json",
            json!({"a": {"\0": 1}}),
            &format!("{invalid}.\\0: {nul} in a name"),
        );
        let huge: serde_json::Value = serde_json::from_str(r#"{"a": [1e400]}"#).expect("JSON");
        variables(
            "$a: Json",
            huge.clone(),
            &format!("{invalid}.0: is a number beyond the range of a double"),
        );
        variables(
            "$a: [Float]",
            huge,
            &format!("{invalid}.0: is a number beyond the range of a double"),
        );
    }
}
