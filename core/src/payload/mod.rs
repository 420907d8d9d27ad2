//! Station 5, render: an event's exact bytes in a webhook's format, made once and stored. Pure: values in, bytes out.

mod ango;
mod labelbox;
mod notice;
#[cfg(test)]
mod tests;
mod v7;

pub use ango::export;

use crate::{Error, Result, event::Data};
use entity::{PayloadContent, PayloadFormat, event, webhook};

/// What makes two bodies of one event differ. Webhooks of the same shape share one rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The dialect.
    pub format: PayloadFormat,
    /// How much of a task it has.
    pub content: PayloadContent,
}

impl Shape {
    /// What a webhook wants.
    pub fn of(row: &webhook::Model) -> Self {
        Self {
            format: row.payload_format,
            content: row.payload_content,
        }
    }
}

/// The body of `event` in `shape`. The bytes are stored and signed as they are; nothing renders them again.
pub fn render(shape: Shape, event: &event::Model, data: &Data) -> Result<Vec<u8>> {
    match shape.format {
        PayloadFormat::Labelbox => labelbox::render(event, data),
        PayloadFormat::Ango => ango::render(shape.content, event, data),
        PayloadFormat::V7 => v7::render(shape.content, event, data),
    }
    .map_err(Error::internal)
}
