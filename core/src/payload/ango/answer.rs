//! The members of an annotation that Ango Hub defines. They are copied as they were written, digit by digit.

use crate::event::Label;
use entity::PayloadContent;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// The answer of a task. An annotation of another tool has none of these members and is sent without objects.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Answer {
    #[serde(deserialize_with = "or_empty")]
    tools: Vec<Box<RawValue>>,
    #[serde(deserialize_with = "or_empty")]
    classifications: Vec<Box<RawValue>>,
    #[serde(deserialize_with = "or_empty")]
    relations: Vec<Box<RawValue>>,
    /// A painted mask as PNG. In the body it is not among the lists.
    #[serde(skip_serializing)]
    pub(super) brush_data_url: Option<String>,
    /// A painted mask of a volume.
    #[serde(skip_serializing)]
    pub(super) medical_brush_data_url: Option<String>,
}

impl Answer {
    /// Returns the answer of a task with this label, as far as `content` includes it.
    pub(super) fn of(content: PayloadContent, label: Option<&Label>) -> Self {
        match (content, label) {
            (PayloadContent::Full, Some(label)) => Self::parse(&label.label.text()),
            (PayloadContent::Full, None) | (PayloadContent::MetadataOnly, _) => Self::default(),
        }
    }

    /// Parses the answer of an annotation.
    pub(super) fn parse(annotation: &str) -> Self {
        serde_json::from_str(annotation).unwrap_or_default()
    }
}

/// Deserializes a list; `null` is equivalent to an absent one.
fn or_empty<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    Option::deserialize(list).map(Option::unwrap_or_default)
}
