//! The parts of an annotation that Ango names. They are passed on as they were written, digit by digit.

use crate::event::Label;
use entity::PayloadContent;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// What was submitted for a task. What another tool wrote has none of these parts and is sent as no objects.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Answer {
    #[serde(deserialize_with = "or_empty")]
    tools: Vec<Box<RawValue>>,
    #[serde(deserialize_with = "or_empty")]
    classifications: Vec<Box<RawValue>>,
    #[serde(deserialize_with = "or_empty")]
    relations: Vec<Box<RawValue>>,
    /// A painted mask, as PNG. It stands elsewhere in the body than the lists.
    #[serde(skip_serializing)]
    pub(super) brush_data_url: Option<String>,
    /// A painted mask of a volume.
    #[serde(skip_serializing)]
    pub(super) medical_brush_data_url: Option<String>,
}

impl Answer {
    /// The answer of a task with this label, as far as it is wanted.
    pub(super) fn of(content: PayloadContent, label: Option<&Label>) -> Self {
        match (content, label) {
            (PayloadContent::Full, Some(label)) => Self::parse(&label.label.text()),
            (PayloadContent::Full, None) | (PayloadContent::MetadataOnly, _) => Self::default(),
        }
    }

    /// The answer in an annotation.
    pub(super) fn parse(annotation: &str) -> Self {
        serde_json::from_str(annotation).unwrap_or_default()
    }
}

/// `null` is as good as absent.
fn or_empty<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    Option::deserialize(list).map(Option::unwrap_or_default)
}
