//! Checks of a document before the library sees it, and the cache of documents that passed. The library's own limits
//! apply too late or are missing: [`scan`] checks the text before it is parsed, [`size`] the parsed document before it
//! is validated. Depth and complexity are left to the library, see [`super::limited`]. Every transport enters through
//! [`Cache::get`]. Nothing here may name a type of the schema.

mod edition;
mod literals;
pub mod scan;
pub mod size;
pub mod types;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::parser::{self, parse_query};
use async_graphql::{Pos, Positioned};

use self::types::Types;
use super::error::{ApiError, Code};

/// A document that is safe to pass to the library.
#[derive(Debug)]
pub struct Document {
    parsed: ExecutableDocument,
    /// The library has validated it by all rules without an error.
    has_passed: AtomicBool,
}

impl Document {
    /// Parses and measures a scanned text.
    fn read(text: &str, types: &Types) -> Result<Self, ApiError> {
        let parsed = parse_query(&*edition::without_additions(text)).map_err(|error| syntax_error(&error))?;
        size::measure(&parsed)?;
        types.check_literals(&parsed)?;
        Ok(Self {
            parsed,
            has_passed: AtomicBool::new(false),
        })
    }

    /// Returns the parsed document.
    pub fn parsed(&self) -> &ExecutableDocument {
        &self.parsed
    }

    /// Marks the document as valid: it was executed without an error by the strict schema, and each variable had a
    /// value.
    pub fn pass(&self) {
        self.has_passed.store(true, Ordering::Relaxed);
    }

    /// Returns whether validation can be skipped when each variable has a value.
    pub fn has_passed(&self) -> bool {
        self.has_passed.load(Ordering::Relaxed)
    }

    /// Returns whether it has exactly one operation.
    pub fn is_single(&self) -> bool {
        self.parsed.operations.iter().count() == 1
    }

    /// Returns the operation that a request names.
    pub fn operation(&self, name: Option<&str>) -> Result<&Positioned<OperationDefinition>, ApiError> {
        let unknown = |name: &str| format!("Unknown operation named \"{name}\".");
        let found = match (&self.parsed.operations, name) {
            (DocumentOperations::Single(operation), None) => Ok(operation),
            (DocumentOperations::Single(_), Some(name)) => Err(unknown(name)),
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name).ok_or_else(|| unknown(name)),
            (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
                operations.values().next().ok_or_else(String::new)
            }
            (DocumentOperations::Multiple(_), None) => {
                Err("Must provide operation name if query contains multiple operations.".to_owned())
            }
        };
        found.map_err(|message| ApiError::new(Code::OperationResolution, message))
    }

    /// Returns whether the operation can be repeated after a failure without doing anything twice.
    pub fn is_safe_to_repeat(operation: &OperationDefinition) -> bool {
        operation.ty == OperationType::Query || operation.selection_set.node.items.len() <= 1
    }
}

/// The cache of documents that passed, by their text. Parsing costs more than validating and executing a small
/// operation.
pub struct Cache {
    documents: moka::sync::Cache<Arc<str>, Arc<Document>>,
    types: Types,
}

/// The maximum size in bytes of a short string literal, as in `type: {connect: {name: "Any"}}`, including quotes.
const MAX_SHORT_STRING: usize = 16;
/// The capacity of the cache in bytes, as counted by [`weight`].
const CACHE_BYTES: u64 = 32 << 20;

impl Cache {
    /// Creates an empty cache for the documents of a schema with these types.
    pub fn new(types: Types) -> Self {
        let cache = moka::sync::Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|text: &Arc<str>, _| weight(text));
        Self {
            documents: cache.build(),
            types,
        }
    }

    /// Returns the types that documents are checked against.
    pub fn types(&self) -> &Types {
        &self.types
    }

    /// Returns the document of this text, from the cache or parsed anew. A document with a long string literal is not
    /// cached: it is seldom repeated, and its literals may contain a secret.
    pub fn get(&self, text: &str) -> Result<Arc<Document>, ApiError> {
        if let Some(document) = self.documents.get(text) {
            return Ok(document);
        }
        let scanned = scan::scan(text)?;
        let document = Arc::new(Document::read(text, &self.types)?);
        if scanned.longest_string <= MAX_SHORT_STRING {
            self.documents.insert(text.into(), document.clone());
        }
        Ok(document)
    }
}

/// Estimates the size of a cached document: a parsed document takes about twenty times its text.
fn weight(text: &str) -> u32 {
    u32::try_from(text.len() * 20 + 1024).unwrap_or(u32::MAX)
}

/// Converts a syntax error. The parser's message is a multi-line drawing; its last part says what was expected.
fn syntax_error(error: &parser::Error) -> ApiError {
    let positions: Vec<Pos> = error.positions().collect();
    let (code, message) = match error {
        parser::Error::Syntax { message, .. } => (Code::ParseFailed, expectation(message)),
        parser::Error::MissingOperation => (Code::ParseFailed, "the document has no operation".to_owned()),
        other => (Code::ValidationFailed, other.to_string()),
    };
    let prefix = if code == Code::ParseFailed {
        "Syntax Error: "
    } else {
        ""
    };
    positions
        .into_iter()
        .fold(ApiError::new(code, format!("{prefix}{message}")), ApiError::at)
}

fn expectation(drawing: &str) -> String {
    let last = drawing.rsplit("= ").next().unwrap_or(drawing).trim();
    last.replace("executable_definition", "an operation or a fragment")
        .replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> (Code, String) {
        let error = Cache::new(Types::default()).get(text).expect_err("refused");
        (error.code(), error.into_server_error().message)
    }

    #[test]
    fn a_document_is_kept_unless_it_has_a_long_string() {
        let check = |text: &str, kept: bool| {
            let cache = Cache::new(Types::default());
            cache.get(text).expect("a document");
            assert_eq!(cache.documents.contains_key(text), kept, "{text}");
        };
        check("{ a }", true);
        check("{ a(b: \"Any\") }", true);
        check("{ a(b: \"a secret of some length\") }", false);
        check("{ a(b: \"\"\"a secret of some length\"\"\") }", false);
    }

    #[test]
    fn a_syntax_error_starts_with_these_words() {
        for text in ["asda", "{", "", "{ 8f }", "fragment f on Query { a }"] {
            let (code, message) = message(text);
            assert_eq!(code, Code::ParseFailed, "{text}");
            assert!(
                message.starts_with("Syntax Error: ") && !message.contains('\n'),
                "{text}: {message}"
            );
        }
    }

    #[test]
    fn one_operation_is_one_with_or_without_a_name() {
        let is_single = |text: &str| Cache::new(Types::default()).get(text).expect("GraphQL").is_single();
        assert!(is_single("{ a }") && is_single("mutation A { a }"));
        assert!(!is_single("query A { a } query B { b }"));
    }

    #[test]
    fn an_operation_is_found_by_its_name() {
        let check = |text: &str, name: Option<&str>, found: bool| {
            let document = Cache::new(Types::default()).get(text).expect("GraphQL");
            assert_eq!(document.operation(name).is_ok(), found, "{text} {name:?}");
        };
        check("{ a }", None, true);
        check("{ a }", Some("A"), false);
        check("query A { a }", None, true);
        check("query A { a } query B { b }", None, false);
        check("query A { a } query B { b }", Some("B"), true);
        check("query A { a } query B { b }", Some("C"), false);
    }
}
