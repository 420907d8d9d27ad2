//! The parameters of a request, from a JSON body or a query string. Only the requested members are parsed, and only the
//! variables become a tree of values.

use std::collections::HashMap;

use async_graphql::parser::types::{BaseType, OperationDefinition};
use async_graphql::{Value, Variables};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::error::{ApiError, Code};

/// The bytes that some programs put in front of UTF-8. RFC 8259, section 8.1, forbids them.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The parameters of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Params {
    /// The document.
    #[serde(default)]
    pub query: String,
    /// The name of the operation to execute.
    #[serde(default)]
    pub operation_name: Option<String>,
    /// The values of the variables.
    #[serde(default, deserialize_with = "super::variables::deserialize")]
    pub variables: Variables,
    #[serde(default)]
    extensions: Option<HashMap<String, IgnoredAny>>,
}

impl Params {
    /// From a body.
    pub fn from_body(body: &[u8]) -> Result<Self, ApiError> {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => return Err(malformed("the body is empty")),
            Some(b'[') => return Err(malformed("a batch of requests is not supported; send them one by one")),
            Some(_) if body.starts_with(BYTE_ORDER_MARK) => {
                return Err(malformed(
                    "the body starts with a byte-order mark; send UTF-8 without one",
                ));
            }
            Some(_) => {}
        }
        let params: Self = serde_json::from_slice(body).map_err(|error| fault(body, &error))?;
        params.checked()
    }

    /// From a query string.
    pub fn from_query(query: Option<&str>) -> Result<Self, ApiError> {
        let mut params = Self::default();
        let mut seen = [false; 4];
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let index = match &*name {
                "query" => 0,
                "operationName" => 1,
                "variables" => 2,
                "extensions" => 3,
                _ => continue,
            };
            if std::mem::replace(&mut seen[index], true) {
                return Err(malformed(format!("{name}: is given more than once")));
            }
            match index {
                0 => params.query = value.into_owned(),
                1 => params.operation_name = Some(value.into_owned()),
                2 => params.variables = object::<Given>(&name, &value)?.0,
                _ => params.extensions = object(&name, &value)?,
            }
        }
        params.checked()
    }

    /// Sets variables that the client omitted: one with a default to its default, which the library does not look at for
    /// `@include` and `@skip`; an optional integer without one to null, which is equivalent for every field of this API:
    /// the library computes the complexity of a list from `first`, and treats an omitted variable as one that was never
    /// declared.
    pub fn fill(&mut self, operation: &OperationDefinition) {
        for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
            let ty = &definition.var_type.node;
            let is_integer = matches!(&ty.base, BaseType::Named(name) if name == "Int");
            let value = match &definition.default_value {
                Some(default) => default.node.clone(),
                None if is_integer && ty.nullable => Value::Null,
                None => continue,
            };
            self.variables.entry(definition.name.node.clone()).or_insert(value);
        }
    }

    fn checked(mut self) -> Result<Self, ApiError> {
        self.operation_name = self.operation_name.filter(|name| !name.is_empty());
        if !self.query.is_empty() {
            return Ok(self);
        }
        if self
            .extensions
            .is_some_and(|extensions| extensions.contains_key("persistedQuery"))
        {
            let error = ApiError::new(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported");
            return Err(error);
        }
        Err(malformed("query: is missing"))
    }
}

/// The variables of a query string.
#[derive(Default, Deserialize)]
struct Given(#[serde(deserialize_with = "super::variables::deserialize")] Variables);

/// A parameter of a query string that is JSON.
fn object<T: for<'a> Deserialize<'a> + Default>(name: &str, text: &str) -> Result<T, ApiError> {
    if text.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_str(text).map_err(|error| malformed(format!("{name}: must be a JSON object or null: {error}")))
}

/// Which parameter is at fault. Only wrong requests come here.
fn fault(body: &[u8], error: &serde_json::Error) -> ApiError {
    let parameters = [
        ("query", "must be a string", "\""),
        ("operationName", "must be a string or null", "\"n"),
        ("variables", "must be an object or null", "{n"),
        ("extensions", "must be an object or null", "{n"),
    ];
    let Ok(found) = serde_json::from_slice::<HashMap<String, &RawValue>>(body) else {
        return malformed(format!("the body is not a JSON object: {error}"));
    };
    for (name, reason, starts) in parameters {
        if found
            .get(name)
            .is_some_and(|value| !value.get().starts_with(|first| starts.contains(first)))
        {
            return malformed(format!("{name}: {reason}"));
        }
    }
    malformed(format!("the body cannot be read: {error}"))
}

fn malformed(message: impl Into<String>) -> ApiError {
    ApiError::new(Code::MalformedRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: Result<Params, ApiError>, expected: Result<&str, &str>) {
        match (found, expected) {
            (Ok(params), Ok(query)) => assert_eq!(params.query, query),
            (Err(error), Err(part)) => assert!(error.message().contains(part), "{error:?}, expected {part}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_body_is_read_or_its_fault_named() {
        let body = |text: &str, expected| check(Params::from_body(text.as_bytes()), expected);
        body(
            r#"{"query": "{ a }", "variables": {"a": [1, {"b": null}]}, "operationName": "A", "x": 1}"#,
            Ok("{ a }"),
        );
        body(
            r#"{"query": "{ a }", "variables": null, "operationName": null, "extensions": null}"#,
            Ok("{ a }"),
        );
        body("\u{feff}{\"query\": \"{ a }\"}", Err("byte-order mark"));
        body("", Err("empty"));
        body("[]", Err("batch"));
        body(r#" [{"query": "{ a }"}]"#, Err("batch"));
        body("null", Err("not a JSON object"));
        body("{ \"query", Err("not a JSON object: EOF"));
        body("{}", Err("query: is missing"));
        body(r#"{"query": ""}"#, Err("query: is missing"));
        body(r#"{"query": 0}"#, Err("query: must be a string"));
        body(r#"{"query": "a", "operationName": {}}"#, Err("operationName: must be"));
        body(r#"{"query": "a", "variables": []}"#, Err("variables: must be"));
        body(r#"{"query": "a", "extensions": "x"}"#, Err("extensions: must be"));
        body(r#"{"query": "a", "query": "b"}"#, Err("duplicate"));
        body(
            r#"{"extensions": {"persistedQuery": {}}}"#,
            Err("PersistedQueryNotSupported"),
        );
        let deep = format!(
            r#"{{"query": "a", "variables": {{"a": {}1{}}}}}"#,
            "[".repeat(500),
            "]".repeat(500)
        );
        body(&deep, Err("recursion limit"));
    }

    #[test]
    fn a_query_string_is_read_or_its_fault_named() {
        let query = |text: &str, expected| check(Params::from_query(Some(text)), expected);
        query(
            "query=%7B+a+%7D&operationName=A&variables=%7B%22a%22%3A1%7D&extensions=",
            Ok("{ a }"),
        );
        query("operation_name=A", Err("query: is missing"));
        query("query=a&query=b", Err("more than once"));
        query("query=a&variables=x", Err("variables: must be"));
        query("query=a&variables=[]", Err("variables: must be"));
        check(Params::from_query(None), Err("query: is missing"));
    }
}
