//! Type checks of variables and literals. Variables are checked against the types that the operation declares before
//! anything runs, so that a wrong one is reported as the client's error with its path; the library would detect some of
//! them only in the middle of an execution. Literals are checked where the library looks at them only when a resolver
//! needs them: the range of an `Int`, the form of a `DateTime`, an enum value that is not a string.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet, Type,
};
use async_graphql::{Name, Value, Variables};
use entity::Timestamp;

use super::super::error::{ApiError, Code};
use super::types::{Input, Types, innermost};

/// A value that does not fit its type: the path to it, innermost step first, and the reason.
struct Fault {
    path: Vec<String>,
    reason: String,
}

type Checked = Result<(), Fault>;

impl Types {
    /// Checks that each variable of the operation has a value of its type.
    pub fn check_variables(&self, operation: &OperationDefinition, variables: &Variables) -> Result<(), ApiError> {
        for definition in &operation.variable_definitions {
            let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
            let checked = match variables.get(name) {
                Some(value) => self.check(ty, value),
                None if ty.nullable || definition.node.default_value.is_some() => Ok(()),
                None => Err(Fault::new("is required but not provided")),
            };
            checked.map_err(|fault| fault.at(name).of_variable(name).at(definition.pos))?;
        }
        Ok(())
    }

    /// Checks that the types of the variables are known, that their defaults fit, and that integer and date-time
    /// literals fit their places. The library panics on a default of an unknown type.
    pub fn check_literals(&self, document: &ExecutableDocument) -> Result<(), ApiError> {
        for (_, operation) in document.operations.iter() {
            let root = match operation.node.ty {
                OperationType::Query => "Query",
                OperationType::Mutation => "Mutation",
                OperationType::Subscription => "Subscription",
            };
            self.check_definitions(&operation.node)?;
            self.check_selections(root, &operation.node.selection_set.node)?;
        }
        for fragment in document.fragments.values() {
            self.check_selections(
                &fragment.node.type_condition.node.on.node,
                &fragment.node.selection_set.node,
            )?;
        }
        Ok(())
    }

    fn check_definitions(&self, operation: &OperationDefinition) -> Result<(), ApiError> {
        for definition in &operation.variable_definitions {
            let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
            let of = innermost(ty);
            if !self.scalars.contains(of) && !self.enums.contains_key(of) && !self.inputs.contains_key(of) {
                let message = format!("Variable \"${name}\" is of \"{of}\", which is not an input type");
                return Err(ApiError::new(Code::ValidationFailed, message).at(definition.pos));
            }
            if let Some(default) = &definition.node.default_value {
                self.check(ty, &default.node)
                    .map_err(|fault| fault.at(name).of_literal().at(default.pos))?;
            }
        }
        Ok(())
    }

    fn check_selections(&self, parent: &str, selections: &SelectionSet) -> Result<(), ApiError> {
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) => {
                    let output = self
                        .fields
                        .get(parent)
                        .and_then(|fields| fields.get(&field.node.name.node));
                    let Some(output) = output else { continue };
                    for (name, value) in &field.node.arguments {
                        let Some(ty) = output.arguments.get(&name.node) else {
                            continue;
                        };
                        let constant = value.node.clone().into_const_with(|_| Ok::<_, ()>(Value::Null));
                        let checked = constant.map_or(Ok(()), |constant| self.check_leaves(ty, &constant));
                        checked.map_err(|fault| fault.at(&name.node).of_literal().at(value.pos))?;
                    }
                    self.check_selections(&output.ty, &field.node.selection_set.node)?;
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline
                        .node
                        .type_condition
                        .as_ref()
                        .map_or(parent, |on| on.node.on.node.as_str());
                    self.check_selections(condition, &inline.node.selection_set.node)?;
                }
                Selection::FragmentSpread(_) => {}
            }
        }
        Ok(())
    }

    fn check_leaves(&self, ty: &Type, value: &Value) -> Checked {
        match (&ty.base, value) {
            (_, Value::Null) => Ok(()),
            (BaseType::Named(name), Value::Number(_)) if name == "Int" => self.check_named(name, value),
            (BaseType::Named(name), value) if name == "DateTime" => self.check_named(name, value),
            (BaseType::Named(name), Value::String(_)) if self.enums.contains_key(name) => {
                Err(Fault::new(format!("must be a word of {name}, without quotes")))
            }
            (BaseType::List(item), Value::List(items)) => each(items, |value| self.check_leaves(item, value)),
            (BaseType::List(item), value) => self.check_leaves(item, value),
            (BaseType::Named(name), Value::Object(object)) => {
                let Some(fields) = self.inputs.get(name) else {
                    return Ok(());
                };
                object.iter().try_for_each(|(name, value)| {
                    let field = fields.get(name);
                    field
                        .map_or(Ok(()), |field| self.check_leaves(&field.ty, value))
                        .map_err(|fault| fault.at(name))
                })
            }
            _ => Ok(()),
        }
    }

    fn check(&self, ty: &Type, value: &Value) -> Checked {
        match (&ty.base, value) {
            (_, Value::Null) if ty.nullable => Ok(()),
            (_, Value::Null) => Err(Fault::new("must not be null")),
            (BaseType::List(item), Value::List(items)) => each(items, |value| self.check(item, value)),
            (BaseType::List(item), value) => self.check(item, value),
            (BaseType::Named(name), value) => self.check_named(name, value),
        }
    }

    fn check_named(&self, name: &Name, value: &Value) -> Checked {
        let is = |fits: bool, what: &str| {
            if fits {
                Ok(())
            } else {
                Err(Fault::new(format!("must be {what}")))
            }
        };
        match (name.as_str(), value) {
            ("Int", Value::Number(number)) => is(
                number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                "an integer of 32 bits",
            ),
            ("Int", _) => is(false, "an integer of 32 bits"),
            ("Float", value) => is(matches!(value, Value::Number(_)), "a number"),
            ("String", value) => is(matches!(value, Value::String(_)), "a string"),
            ("DateTime", value) => is(
                is_date_time(value),
                "an RFC 3339 date-time such as 2026-01-31T09:30:00Z",
            ),
            ("Boolean", value) => is(matches!(value, Value::Boolean(_)), "true or false"),
            ("ID", Value::Number(number)) => is(number.is_i64(), "a string"),
            ("ID", value) => is(matches!(value, Value::String(_)), "a string"),
            (_, value) => match (self.enums.get(name), self.inputs.get(name)) {
                (Some(words), _) => check_word(name, words, value),
                (_, Some(fields)) => self.check_object(name, fields, value),
                _ => Ok(()),
            },
        }
    }

    fn check_object(&self, name: &Name, fields: &HashMap<Name, Input>, value: &Value) -> Checked {
        let Value::Object(object) = value else {
            return Err(Fault::new(format!("must be an object, a {name}")));
        };
        for (field, value) in object {
            let Some(input) = fields.get(field) else {
                return Err(Fault::new(format!("is not a field of {name}")).at(field));
            };
            self.check(&input.ty, value).map_err(|fault| fault.at(field))?;
        }
        let missing = fields
            .iter()
            .find(|(field, input)| input.is_required && !object.contains_key(*field));
        missing.map_or(Ok(()), |(field, _)| {
            Err(Fault::new("is required but not provided").at(field))
        })
    }
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

fn each(items: &[Value], mut check: impl FnMut(&Value) -> Checked) -> Checked {
    items
        .iter()
        .enumerate()
        .try_for_each(|(index, value)| check(value).map_err(|fault| fault.at(index)))
}

impl Fault {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            reason: reason.into(),
        }
    }

    fn at(mut self, step: impl ToString) -> Self {
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

    fn of_literal(self) -> ApiError {
        let field = self.field();
        let message = format!("Invalid value for argument \"{field}\", {}", self.reason);
        ApiError::new(Code::ValidationFailed, message).at_field(field, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    const SDL: &str = "type Query { hooks(first: Int, where: Where): [Hook!]! } type Hook { id: ID! at(n: [Int!]): Hook }
        input Where { topics: [Topic!]! limit: Int = 1 score: Float id: ID any: Json since: DateTime and: Where } enum Topic { A B } scalar Json scalar DateTime";

    fn variables(declared: &str, value: serde_json::Value, fault: &str) {
        let document = parse_query(format!("query ({declared}) {{ a }}")).expect("GraphQL");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let checked = Types::of(SDL).check_variables(&operation.node, &Variables::from_json(value));
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
    fn an_integer_date_time_or_enum_literal_fits() {
        let check = |text: &str, fault: &str| {
            let checked = Types::of(SDL).check_literals(&parse_query(text).expect("GraphQL"));
            let message = checked
                .err()
                .map(|error| error.into_server_error().message)
                .unwrap_or_default();
            assert_eq!(message, fault, "{text}");
        };
        check("{ hooks(first: 2147483647) { id } }", "");
        let first = "Invalid value for argument \"first\", must be an integer of 32 bits";
        check("{ hooks(first: 2147483648) { id } }", first);
        check(
            "{ hooks { ... { at(n: [1, 3000000000]) { id } } } }",
            "Invalid value for argument \"n.1\", must be an integer of 32 bits",
        );
        check(
            "{ ...f } fragment f on Query { hooks(first: 3000000000) { id } }",
            first,
        );
        let below = "Invalid value for argument \"where.and.limit\", must be an integer of 32 bits";
        check(
            "query ($t: [Topic!]!) { hooks(where: {topics: $t, and: {limit: 3000000000}}) { id } }",
            below,
        );
        check(
            "{ hooks(where: {any: 3000000000, id: 3000000000, score: 3000000000}) { id } }",
            "",
        );
        check("{ hooks(where: {topics: [A, B], any: \"A\"}) { id } }", "");
        check(
            "{ hooks(where: {topics: [A, \"B\"]}) { id } }",
            "Invalid value for argument \"where.topics.1\", must be a word of Topic, without quotes",
        );
        check(
            "query ($a: Int = 3000000000) { hooks(first: $a) { id } }",
            &first.replace("first", "a"),
        );
        check(
            "query ($a: [Nope!]! = [1]) { hooks { id } }",
            "Variable \"$a\" is of \"Nope\", which is not an input type",
        );
        check(
            "query ($a: Hook) { hooks { id } }",
            "Variable \"$a\" is of \"Hook\", which is not an input type",
        );
        check(
            "{ hooks(first: $x, nope: 3000000000) { nope { at(n: 3000000000) } } }",
            "",
        );
    }
}
