//! Translation of the library's own errors into the messages and codes of this API, with internals removed. Runs only
//! when there are errors.

use std::error::Error as StdError;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};

use super::error::{ApiError, Cause, Code, INTERNAL};

/// The maximum number of errors in a response; further ones are dropped.
pub const MAX_ERRORS: usize = 100;
/// Prefixes of the library's messages about an invalid input, when a resolver unwraps it.
const INPUT_ERRORS: [&str; 2] = ["Failed to parse \"", "Expected input type \""];
/// The prefix of the library's message about an invalid input, during validation.
const INVALID_VALUE: &str = "Invalid value for argument \"";

/// Returns whether the errors are a request error as defined by the GraphQL specification: nothing was executed, and
/// the response has no `data`. Every error of an execution has the path of its field; an error of parsing, validation
/// or coercion has none.
pub fn is_request_error(errors: &[ServerError], data: &Value) -> bool {
    *data == Value::Null && !errors.is_empty() && errors.iter().all(|error| error.path.is_empty())
}

/// Gives every error its code and message. Internal errors are logged here, once.
pub fn translate(errors: &mut Vec<ServerError>, document: &ExecutableDocument, request_id: &str) {
    errors.truncate(MAX_ERRORS);
    for error in errors {
        if code_of(error).is_none() {
            if error.path.is_empty() {
                refused(error, document);
            } else {
                failed(error);
            }
        }
        finish(error, request_id);
    }
}

/// The error of a request as it goes to the client.
pub fn finished(error: ApiError, request_id: &str) -> ServerError {
    let mut error = error.into_server_error();
    finish(&mut error, request_id);
    error
}

/// Log an internal error with its chain and give the client the id to quote; leave others as they are.
pub fn finish(error: &mut ServerError, request_id: &str) {
    if !has_code(error, Code::Internal) {
        return;
    }
    let chain = error
        .source::<Cause>()
        .map(|cause| chain(&*cause.0))
        .unwrap_or_default();
    tracing::error!(request.id = request_id, path = ?error.path, error = chain, "internal error");
    error.source = None;
    extensions(error).set("requestId", request_id);
}

/// Returns whether an error has this code.
pub fn has_code(error: &ServerError, code: Code) -> bool {
    matches!(code_of(error), Some(Value::String(found)) if found == code.as_str())
}

fn code_of(error: &ServerError) -> Option<&Value> {
    error.extensions.as_ref()?.get("code")
}

/// Translates a request error of the library.
fn refused(error: &mut ServerError, document: &ExecutableDocument) {
    let mut code = Code::ValidationFailed;
    if error.message == "Query is too complex." {
        error.message = "Query complexity limit exceeded".to_owned();
    } else if let Some(rest) = error.message.strip_prefix("Unknown field ") {
        error.message = format!("Cannot query field {rest}");
    } else if let Some((field, reason)) = error
        .message
        .strip_prefix(INVALID_VALUE)
        .and_then(|it| it.split_once("\", "))
    {
        let at_fault = [("field", field.to_owned()), ("reason", reason.to_owned())];
        let from_variable = |position: &Pos| is_from_variable(document, *position);
        if error.locations.iter().any(from_variable) {
            code = Code::BadUserInput;
        }
        at_fault
            .into_iter()
            .for_each(|(name, value)| extensions(error).set(name, value));
    }
    extensions(error).set("code", code.as_str());
}

/// Translates an error of the library below a field. Only its messages about inputs are shown to clients.
fn failed(error: &mut ServerError) {
    if INPUT_ERRORS.iter().any(|prefix| error.message.starts_with(prefix)) {
        extensions(error).set("code", Code::BadUserInput.as_str());
        return;
    }
    let text = std::mem::replace(&mut error.message, INTERNAL.to_owned());
    tracing::error!(error = text, "a resolver returned an error without a code");
    extensions(error).set("code", Code::Internal.as_str());
}

fn extensions(error: &mut ServerError) -> &mut ErrorExtensionValues {
    error.extensions.get_or_insert_default()
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Returns whether the argument whose name is at `position` takes its value, or a part of it, from a variable.
fn is_from_variable(document: &ExecutableDocument, position: Pos) -> bool {
    let operations = document
        .operations
        .iter()
        .map(|(_, operation)| &operation.node.selection_set.node);
    let fragments = document
        .fragments
        .values()
        .map(|fragment| &fragment.node.selection_set.node);
    operations
        .chain(fragments)
        .any(|selections| has_variable_at(selections, position))
}

fn has_variable_at(selections: &SelectionSet, position: Pos) -> bool {
    selections.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            let mut arguments = field.node.arguments.iter();
            arguments.any(|(name, value)| name.pos == position && value.node.clone().into_const().is_none())
                || has_variable_at(&field.node.selection_set.node, position)
        }
        Selection::InlineFragment(inline) => has_variable_at(&inline.node.selection_set.node, position),
        Selection::FragmentSpread(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::{PathSegment, Value};

    use super::*;

    fn wire(error: ServerError, document: &str) -> serde_json::Value {
        let mut errors = vec![error];
        translate(&mut errors, &parse_query(document).expect("GraphQL"), "r1");
        serde_json::to_value(&errors[0]).expect("json")
    }

    fn below(message: &str) -> ServerError {
        ServerError::new(message, None).with_path(vec![PathSegment::Field("a".into())])
    }

    #[test]
    fn the_words_of_the_library_become_ours() {
        let check = |text: &str, message: &str| {
            let wire = wire(ServerError::new(text, None), "{ a }");
            assert_eq!(wire["message"], message);
            assert_eq!(wire["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        };
        check(
            "Unknown field \"bbb\" on type \"Query\".",
            "Cannot query field \"bbb\" on type \"Query\".",
        );
        check("Query is too complex.", "Query complexity limit exceeded");
        check("Query is nested too deep.", "Query is nested too deep.");
    }

    #[test]
    fn a_bad_value_is_named_and_a_variables_is_bad_input() {
        let message = "Invalid value for argument \"data.topics.0\", expected type \"Topic\"";
        let at = |column| ServerError::new(message, Some(Pos { line: 1, column }));
        let literal = wire(at(5), "{ a(data: {b: 1}) }");
        assert_eq!(literal["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(literal["extensions"]["field"], "data.topics.0");
        let variable = wire(at(5), "{ a(data: {b: $c}) }");
        assert_eq!(variable["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(variable["extensions"]["reason"], "expected type \"Topic\"");
    }

    #[test]
    fn only_what_is_said_of_inputs_is_shown() {
        let input = wire(below("Failed to parse \"Int\": Only integers"), "{ a }");
        assert_eq!(input["extensions"]["code"], "BAD_USER_INPUT");
        let other = wire(below("password is hunter2"), "{ a }");
        assert_eq!(other["message"], INTERNAL);
        assert_eq!(other["extensions"]["requestId"], "r1");
    }

    #[test]
    fn only_errors_without_a_path_are_request_errors() {
        assert!(is_request_error(&[ServerError::new("a", None)], &Value::Null));
        assert!(!is_request_error(&[below("a")], &Value::Null));
        assert!(!is_request_error(&[], &Value::Null));
    }

    #[test]
    fn the_number_of_errors_is_bounded() {
        let mut errors = vec![ApiError::invalid("a", "b").into_server_error(); 5_000];
        translate(&mut errors, &parse_query("{ a }").expect("GraphQL"), "r1");
        assert_eq!(errors.len(), MAX_ERRORS);
    }
}
