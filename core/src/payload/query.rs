//! Payload queries: bodies that the owner of a webhook composed. Core stores the text and the [`Query`] that it
//! compiled to; the implementation of [`Shaper`] defines the language.

use entity::event;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{fmt, pin::Pin, sync::Arc};

/// Compiles payload queries. It is implemented by `api`, since core does not depend on GraphQL.
pub trait Shaper: fmt::Debug + Send + Sync {
    /// Checks and compiles a query. The reason for a refusal contains line and column where possible.
    fn compile<'a>(&'a self, query: &'a str) -> Compiling<'a>;
}

/// A compilation in progress.
pub type Compiling<'a> = Pin<Box<dyn Future<Output = Result<Arc<dyn Selection>, String>> + Send + 'a>>;

/// A compiled query.
pub trait Selection: Send + Sync {
    /// Renders the body of an event as JSON. It must be pure, read nothing but the event's own row, and limit its time
    /// and its output itself, since the database's writer waits for it.
    fn render(&self, event: &event::Model) -> Result<Vec<u8>, String>;
}

/// A payload query. Queries of the same text are equal and share their renderings.
#[derive(Clone)]
pub struct Query {
    text: Arc<str>,
    hash: [u8; 32],
    selection: Result<Arc<dyn Selection>, String>,
}

impl Query {
    /// Creates a query from its text and the result of its compilation.
    pub(crate) fn new(text: &str, selection: Result<Arc<dyn Selection>, String>) -> Self {
        Self {
            text: text.into(),
            hash: Sha256::digest(text).into(),
            selection,
        }
    }

    /// Returns the text as given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the hash that distinguishes its renderings from those of other queries.
    pub fn hash(&self) -> &[u8] {
        &self.hash
    }

    /// Renders the body. When that fails, the event is still sent without any data that was not asked for: the receiver
    /// gets the event's id and the reason why it has no body.
    pub(super) fn render(&self, event: &event::Model) -> serde_json::Result<Vec<u8>> {
        let rendered = match &self.selection {
            Ok(selection) => selection.render(event),
            Err(reason) => Err(reason.clone()),
        };
        rendered.or_else(|reason| {
            tracing::warn!(event.id = %event.id, reason, "a payload query could not be rendered");
            serde_json::to_vec(&Unrendered {
                id: event.id.to_string(),
                topic: event.topic.as_str(),
                created_at: event.created_at,
                errors: [json!({ "message": format!("payloadQuery: {reason}") })],
            })
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unrendered {
    id: String,
    topic: &'static str,
    created_at: entity::Timestamp,
    errors: [serde_json::Value; 1],
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Query {}

impl fmt::Debug for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Query").field(&hex::encode(self.hash)).finish()
    }
}
