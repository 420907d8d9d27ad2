//! What a document must pass before the library sees it, and the cache of those that passed. The library's own limits
//! come too late or are missing: [`scan`] looks at the text before it is parsed, [`size`] at the parsed document before
//! it is validated. Depth and complexity are left to the library, see [`super::limited`].

pub mod scan;
pub mod size;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::parser::{self, parse_query};
use async_graphql::{Pos, Positioned};

use super::error::{ApiError, Code};
use super::types::Types;

/// A document that may be given to the library.
#[derive(Debug)]
pub struct Document {
    parsed: ExecutableDocument,
    /// The library has held it to all rules, and it was right.
    has_passed: AtomicBool,
}

impl Document {
    /// Parse and measure what has been scanned.
    fn read(text: &str, types: &Types) -> Result<Self, ApiError> {
        let parsed = parse_query(text).map_err(|error| syntax_error(&error))?;
        size::measure(&parsed)?;
        types.check_literals(&parsed)?;
        Ok(Self {
            parsed,
            has_passed: AtomicBool::new(false),
        })
    }

    /// The parsed document.
    pub fn parsed(&self) -> &ExecutableDocument {
        &self.parsed
    }

    /// It was executed without an error by the schema that holds documents to all rules, and each variable had a value.
    pub fn pass(&self) {
        self.has_passed.store(true, Ordering::Relaxed);
    }

    /// Whether no rule needs to be asked again when each variable has a value.
    pub fn has_passed(&self) -> bool {
        self.has_passed.load(Ordering::Relaxed)
    }

    /// Whether it has one operation.
    pub fn is_single(&self) -> bool {
        self.parsed.operations.iter().count() == 1
    }

    /// The operation that a request asks for.
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

    /// Whether sending the same request again after a failure can do nothing twice.
    pub fn is_safe_to_repeat(operation: &OperationDefinition) -> bool {
        operation.ty == OperationType::Query || operation.selection_set.node.items.len() <= 1
    }
}

/// Documents that passed, by their text. Parsing costs more than validation and execution of a small operation together.
pub struct Cache {
    documents: moka::sync::Cache<Arc<str>, Arc<Document>>,
    types: Types,
}

/// Bytes of a string that is a word of the document itself, as in `type: {connect: {name: "Any"}}`, quotes included.
const WORD: usize = 16;
/// What the cache may hold, in bytes as [`weight`] counts them.
const CACHE_BYTES: u64 = 32 << 20;

impl Cache {
    /// An empty cache for the documents of a schema with these types.
    pub fn new(types: Types) -> Self {
        let cache = moka::sync::Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|text: &Arc<str>, _| weight(text));
        Self {
            documents: cache.build(),
            types,
        }
    }

    /// The types that documents are checked against.
    pub fn types(&self) -> &Types {
        &self.types
    }

    /// The document of this text, from the cache or read anew. What contains a string longer than a word is not kept: it
    /// is seldom sent twice, and a secret may be among its literals.
    pub fn get(&self, text: &str) -> Result<Arc<Document>, ApiError> {
        if let Some(document) = self.documents.get(text) {
            return Ok(document);
        }
        let scanned = scan::scan(text)?;
        let document = Arc::new(Document::read(text, &self.types)?);
        if scanned.longest_string <= WORD {
            self.documents.insert(text.into(), document.clone());
        }
        Ok(document)
    }
}

/// A parsed document takes some twenty times its text.
fn weight(text: &str) -> u32 {
    u32::try_from(text.len() * 20 + 1024).unwrap_or(u32::MAX)
}

/// The parser's message is a drawing of the line; its last part says what was expected.
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
