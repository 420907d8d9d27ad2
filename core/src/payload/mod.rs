//! Station 5, render: an event's exact bytes in a webhook's format, made once and stored. Pure: values in, bytes out.

mod ango;
mod labelbox;
#[cfg(test)]
mod tests;

use crate::{Error, Result, event::Data};
use entity::{PayloadFormat, event};

/// The body of `event` in `format`. The bytes are stored and signed as they are; nothing renders them again.
pub fn render(format: PayloadFormat, event: &event::Model, data: &Data) -> Result<Vec<u8>> {
    match format {
        PayloadFormat::Labelbox => labelbox::render(event, data),
        PayloadFormat::Ango => ango::render(event, data),
    }
    .map_err(Error::internal)
}
