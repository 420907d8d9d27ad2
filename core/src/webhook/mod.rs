//! Webhooks: registered targets.

mod index;

pub use index::Index;
pub(crate) use index::Subscriber;

use entity::{WebhookTopic, webhook};

/// A webhook's topics in the order given.
pub fn topics(row: &webhook::Model) -> Vec<WebhookTopic> {
    serde_json::from_str(&row.topics).unwrap_or_default()
}
