//! Checks of literals, and of variables where they are used. The library's rules leave out what stands inside an input
//! object, the range of an `Int`, the form of a `DateTime` and the kind of an enum value; it would detect those only when
//! a resolver needs them, in the middle of an execution. See "Values of Correct Type" and "All Variable Usages Are
//! Allowed" in the GraphQL specification.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet, Type,
    VariableDefinition,
};
use async_graphql::{Name, Positioned, Value};
use async_graphql_value::Value as Literal;

use super::super::error::{ApiError, Code};
use super::types::{Input, Types, innermost};
use super::values::{Checked, Fault, check_scalar, is_complete};

impl Types {
    /// Checks that the types of the variables are known, that their defaults fit, and that literals and variables fit
    /// where they are used. The library panics on a default of an unknown type.
    pub fn check_literals(&self, document: &ExecutableDocument) -> Result<(), ApiError> {
        for (_, operation) in document.operations.iter() {
            self.check_definitions(&operation.node)?;
            let definitions = operation.node.variable_definitions.iter();
            let mut usages = Usages {
                types: self,
                document,
                declared: definitions.map(|it| (&it.node.name.node, &it.node)).collect(),
                seen: HashSet::new(),
            };
            let root = match operation.node.ty {
                OperationType::Query => "Query",
                OperationType::Mutation => "Mutation",
                OperationType::Subscription => "Subscription",
            };
            usages.selections(root, &operation.node.selection_set.node)?;
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
                self.check(ty, &mut default.node.clone())
                    .map_err(|fault| fault.at(name).of_literal().at(default.pos))?;
            }
        }
        Ok(())
    }
}

/// The walk through an operation and the fragments that it spreads, each once.
struct Usages<'a> {
    types: &'a Types,
    document: &'a ExecutableDocument,
    declared: HashMap<&'a Name, &'a VariableDefinition>,
    seen: HashSet<&'a Name>,
}

impl<'a> Usages<'a> {
    fn selections(&mut self, parent: &str, selections: &'a SelectionSet) -> Result<(), ApiError> {
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) => {
                    self.directives(&field.node.directives)?;
                    let fields = self.types.fields.get(parent);
                    let Some(output) = fields.and_then(|fields| fields.get(&field.node.name.node)) else {
                        continue;
                    };
                    self.arguments(&output.arguments, &field.node.arguments)?;
                    self.selections(&output.ty, &field.node.selection_set.node)?;
                }
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.node.directives)?;
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map_or(parent, |on| on.node.on.node.as_str());
                    self.selections(on, &inline.node.selection_set.node)?;
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives)?;
                    let found = self.document.fragments.get_key_value(&spread.node.fragment_name.node);
                    if let Some((name, fragment)) = found
                        && self.seen.insert(name)
                    {
                        let on = &fragment.node.type_condition.node.on.node;
                        self.selections(on, &fragment.node.selection_set.node)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<(), ApiError> {
        let conditional = |name: &Name| matches!(name.as_str(), "include" | "skip");
        directives
            .iter()
            .filter(|directive| conditional(&directive.node.name.node))
            .try_for_each(|directive| self.arguments(&self.types.condition, &directive.node.arguments))
    }

    fn arguments(
        &self,
        declared: &HashMap<Name, Input>,
        given: &[(Positioned<Name>, Positioned<Literal>)],
    ) -> Result<(), ApiError> {
        for (name, value) in given {
            let checked = declared
                .get(&name.node)
                .map_or(Ok(()), |input| self.input(input, &value.node));
            checked.map_err(|fault| fault.at(&name.node).of_literal().at(value.pos))?;
        }
        Ok(())
    }

    fn input(&self, input: &Input, value: &Literal) -> Checked {
        match value {
            Literal::Variable(name) => self.variable(&input.ty, input.has_default, name),
            value => self.literal(&input.ty, value),
        }
    }

    fn literal(&self, ty: &Type, value: &Literal) -> Checked {
        match (&ty.base, value) {
            (_, Literal::Variable(name)) => self.variable(ty, false, name),
            (_, Literal::Null) if ty.nullable => Ok(()),
            (_, Literal::Null) => Err(Fault::new("must not be null")),
            (BaseType::List(item), Literal::List(items)) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, value)| self.literal(item, value).map_err(|fault| fault.at(index))),
            (BaseType::List(item), value) => self.literal(item, value),
            (BaseType::Named(name), value) => self.named(name, value),
        }
    }

    fn named(&self, name: &Name, value: &Literal) -> Checked {
        let (types, constant) = (self.types, value.clone().into_const_with(|_| Ok::<_, ()>(Value::Null)));
        match (types.enums.get(name), types.inputs.get(name), constant) {
            (Some(words), ..) => match value {
                Literal::Enum(word) if words.contains(word) => Ok(()),
                Literal::String(_) => Err(Fault::new(format!("must be a word of {name}, without quotes"))),
                value => Err(Fault::new(format!("{value} is not a {name}"))),
            },
            (_, Some(fields), _) => self.object(name, fields, value),
            (.., Ok(constant)) if types.scalars.contains(name) => check_scalar(name, &constant),
            _ => Ok(()),
        }
    }

    fn object(&self, name: &Name, fields: &HashMap<Name, Input>, value: &Literal) -> Checked {
        let Literal::Object(object) = value else {
            return Err(Fault::new(format!("must be an object, a {name}")));
        };
        for (field, value) in object {
            let Some(input) = fields.get(field) else {
                return Err(Fault::new(format!("is not a field of {name}")).at(field));
            };
            self.input(input, value).map_err(|fault| fault.at(field))?;
        }
        is_complete(fields, |field| object.contains_key(field))
    }

    /// Checks that a variable may be used where a value of this type is expected. A variable that may be null may stand
    /// where null is not allowed if either of both has a default. An undeclared variable is left to the library.
    fn variable(&self, ty: &Type, has_default: bool, name: &Name) -> Checked {
        let Some(declared) = self.declared.get(name) else {
            return Ok(());
        };
        let has_value = declared
            .default_value
            .as_ref()
            .is_some_and(|value| value.node != Value::Null);
        let is_nullable = declared.var_type.node.nullable && !ty.nullable;
        if is_nullable && !has_value && !has_default || !is_compatible(&declared.var_type.node.base, &ty.base) {
            let given = &declared.var_type.node;
            return Err(Fault::new(format!(
                "variable \"${name}\" is of {given}, and {ty} is expected"
            )));
        }
        Ok(())
    }
}

/// Returns whether each value of the one type is one of the other, apart from null.
fn is_compatible(given: &BaseType, expected: &BaseType) -> bool {
    match (given, expected) {
        (BaseType::Named(given), BaseType::Named(expected)) => given == expected,
        (BaseType::List(given), BaseType::List(expected)) => {
            (expected.nullable || !given.nullable) && is_compatible(&given.base, &expected.base)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::super::values::tests::SDL;
    use super::*;

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
            "query ($t: [Topic!]!) { hooks(where: {topics: $t, and: {topics: [], limit: 3000000000}}) { id } }",
            below,
        );
        check(
            "{ hooks(where: {topics: [], any: 3000000000, id: 3000000000, score: 3000000000}) { id } }",
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
    #[test]
    fn a_variable_stands_only_where_its_type_is_expected() {
        let types = Types::of(SDL);
        let check = |text: &str, fault: &str| {
            let checked = types.check_literals(&parse_query(text).expect("GraphQL"));
            let message = checked.err().map(|error| error.into_server_error().message);
            let expected = (!fault.is_empty()).then(|| format!("Invalid value for argument \"{fault}"));
            assert_eq!(message, expected, "{text}");
        };
        let other = "where.id\", variable \"$a\" is of Boolean!, and ID is expected";
        check(
            "query ($a: Boolean!) { hooks(where: {topics: [], id: $a}) { id } }",
            other,
        );
        check("query ($a: ID) { hooks(where: {topics: [], id: $a}) { id } }", "");
        check("query ($a: Int!) { hooks(first: $a) { at(n: [$a, 1]) { id } } }", "");
        let nullable = "n.0\", variable \"$a\" is of Int, and Int! is expected";
        check("query ($a: Int) { hooks { at(n: [$a]) { id } } }", nullable);
        check("query ($a: Int = 1) { hooks { at(n: [$a]) { id } } }", "");
        let list = "n\", variable \"$a\" is of Int!, and [Int!] is expected";
        check("query ($a: Int!) { hooks { at(n: $a) { id } } }", list);
        let condition = "if\", variable \"$a\" is of Int!, and Boolean! is expected";
        check("query ($a: Int!) { hooks @skip(if: $a) { id } }", condition);
        let in_fragment = "query ($a: ID!) { ...f } fragment f on Query { hooks(first: $a) { id } }";
        check(in_fragment, "first\", variable \"$a\" is of ID!, and Int is expected");
    }

    #[test]
    fn a_literal_of_another_kind_is_refused_wherever_it_stands() {
        let types = Types::of(SDL);
        let check = |text: &str, fault: &str| {
            let checked = types.check_literals(&parse_query(text).expect("GraphQL"));
            let message = checked.expect_err(text).into_server_error().message;
            assert_eq!(message, format!("Invalid value for argument \"{fault}"), "{text}");
        };
        check("{ hooks(where: true) { id } }", "where\", must be an object, a Where");
        check(
            "{ hooks(where: {topics: [], nope: 1}) { id } }",
            "where.nope\", is not a field of Where",
        );
        check(
            "{ hooks(where: {topics: [null]}) { id } }",
            "where.topics.0\", must not be null",
        );
        check(
            "{ hooks(where: {topics: [], id: true}) { id } }",
            "where.id\", must be a string",
        );
        check(
            "{ hooks(where: {topics: [], score: 1e400}) { id } }",
            "where.score\", is a number beyond the range of a double",
        );
        check(
            "{ hooks(where: {topics: [], id: \"\\u0000\"}) { id } }",
            "where.id\", must not contain NUL (U+0000)",
        );
        check("{ hooks(first: 1.0) { id } }", "first\", must be an integer of 32 bits");
    }
}
