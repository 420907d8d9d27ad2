//! Station 5, render: an event's exact bytes in a webhook's format, made once and stored. Pure: values in, bytes out.

mod ango;
mod labelbox;
mod notice;
mod query;
#[cfg(test)]
mod tests;
mod v7;

pub use ango::export;
pub use query::{Compiling, Query, Selection, Shaper};

use crate::{Error, Result, event::Data};
use entity::{PayloadContent, PayloadFormat, event};

/// What makes two bodies of one event differ. Webhooks of the same shape share one rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The dialect.
    pub format: PayloadFormat,
    /// How much of a task it has.
    pub content: PayloadContent,
    /// What takes the dialect's place.
    pub query: Option<Query>,
}

impl Shape {
    /// A body in a dialect.
    pub fn plain(format: PayloadFormat, content: PayloadContent) -> Self {
        Self {
            format,
            content,
            query: None,
        }
    }

    /// A body that a query makes: the same whatever the dialect.
    pub fn queried(query: Query) -> Self {
        Self {
            query: Some(query),
            ..Self::plain(PayloadFormat::Labelbox, PayloadContent::Full)
        }
    }
}

/// The body of `event` in `shape`. The bytes are stored and signed as they are; nothing renders them again.
pub fn render(shape: &Shape, event: &event::Model, data: &Data) -> Result<Vec<u8>> {
    if let Some(query) = &shape.query {
        return query.render(event).map_err(Error::internal);
    }
    match shape.format {
        PayloadFormat::Labelbox => labelbox::render(event, data),
        PayloadFormat::Ango => ango::render(shape.content, event, data),
        PayloadFormat::V7 => v7::render(shape.content, event, data),
    }
    .map_err(Error::internal)
}
