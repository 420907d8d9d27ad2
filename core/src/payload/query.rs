//! Payload queries: bodies that a webhook's owner has put together. Core keeps the text and the [`Query`] it compiled to;
//! what the text means is the affair of whoever implements [`Shaper`].

use entity::event;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{fmt, pin::Pin, sync::Arc};

/// Understands payload queries. Core knows no GraphQL; `api` does.
pub trait Shaper: fmt::Debug + Send + Sync {
    /// Checks a query and makes it ready for use. The reason of a refusal names line and column where it can.
    fn compile<'a>(&'a self, query: &'a str) -> Compiling<'a>;
}

/// A query that is being compiled.
pub type Compiling<'a> = Pin<Box<dyn Future<Output = Result<Arc<dyn Selection>, String>> + Send + 'a>>;

/// A query ready for use.
pub trait Selection: Send + Sync {
    /// The body of an event: JSON. Pure, looks at nothing but the event's own row, and bounds its time and its size
    /// itself: the database's writer waits for it.
    fn render(&self, event: &event::Model) -> Result<Vec<u8>, String>;
}

/// A payload query. Two of the same text are equal, and share their renderings.
#[derive(Clone)]
pub struct Query {
    hash: [u8; 32],
    selection: Result<Arc<dyn Selection>, String>,
}

impl Query {
    /// What this text compiled to, or why it could not be compiled.
    pub(crate) fn new(text: &str, selection: Result<Arc<dyn Selection>, String>) -> Self {
        let hash = Sha256::digest(text).into();
        Self { hash, selection }
    }

    /// Tells its renderings from those of other queries.
    pub fn hash(&self) -> &[u8] {
        &self.hash
    }

    /// The body. What cannot be rendered is not lost and gives nothing away that was not asked for: the receiver is told
    /// which event it was, and why it has no body.
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
