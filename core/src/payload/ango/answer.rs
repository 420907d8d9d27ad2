//! The members of an annotation that Ango Hub defines. They are copied as they were written, digit by digit.

use crate::event::Label;
use entity::PayloadContent;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
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
    #[serde(skip_serializing, deserialize_with = "or_empty")]
    pub(super) brush_data_url: Option<String>,
    /// A painted mask of a volume.
    #[serde(skip_serializing, deserialize_with = "or_empty")]
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

/// Deserializes a member; `null`, or a value of another shape than Ango Hub's, is equivalent to an absent one, and takes
/// nothing from the members beside it.
fn or_empty<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(member: D) -> Result<T, D::Error> {
    let raw: Box<RawValue> = Deserialize::deserialize(member)?;
    Ok(serde_json::from_str::<Option<T>>(raw.get())
        .ok()
        .flatten()
        .unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_another_shape_takes_nothing_from_the_others() {
        let answer = Answer::parse(r#"{"tools":5,"classifications":[{"x":1.10}],"relations":null,"brushDataUrl":{}}"#);
        let written = serde_json::to_string(&answer).unwrap();
        assert_eq!(written, r#"{"tools":[],"classifications":[{"x":1.10}],"relations":[]}"#);
        let masked = Answer::parse(r#"{"brushDataUrl":"data:","tools":"none"}"#);
        assert_eq!(masked.brush_data_url.as_deref(), Some("data:"));
    }
}
