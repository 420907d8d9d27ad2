//! Rendering: the exact bytes of an event in a webhook's payload format, rendered once and stored. Publishing enters
//! with [`render`], exports with [`export`]. Pure: values in, bytes out. Nothing here may read the database, the clock
//! or the settings.

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

/// The inputs that distinguish two bodies of one event. Webhooks of the same shape share one rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The payload format.
    pub format: PayloadFormat,
    /// The part of a task that is included.
    pub content: PayloadContent,
    /// The payload query that replaces the payload format.
    pub query: Option<Query>,
}

impl Shape {
    /// Returns the shape of a payload format.
    pub fn plain(format: PayloadFormat, content: PayloadContent) -> Self {
        Self {
            format,
            content,
            query: None,
        }
    }

    /// Returns the shape of a payload query, which does not depend on the payload format.
    pub fn queried(query: Query) -> Self {
        Self {
            query: Some(query),
            ..Self::plain(PayloadFormat::Labelbox, PayloadContent::Full)
        }
    }
}

/// Renders the body of `event` in `shape`. The bytes are stored and signed as they are, and never rendered again.
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
