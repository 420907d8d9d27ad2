//! The annotation of a label in an event: JSON inside a JSON string, which the event and several payloads contain
//! unchanged.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// An annotation as the JSON string of events and of Labelbox's bodies, escaped once for all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Annotation(Box<RawValue>);

impl Annotation {
    /// Returns the annotation as it was submitted.
    pub fn text(&self) -> String {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl From<&str> for Annotation {
    fn from(text: &str) -> Self {
        Self(to_raw_value(text).expect("a string is valid JSON"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_a_string_in_json_and_itself_outside() {
        for text in ["", "{\"a\": \"\\n\"}", "é\u{0}\u{2028}\u{1f600}\\", "not JSON"] {
            let annotation = Annotation::from(text);
            let json = serde_json::to_string(&annotation).unwrap();
            assert_eq!(json, serde_json::to_string(text).unwrap());
            assert_eq!(annotation.text(), text);
            assert_eq!(serde_json::from_str::<Annotation>(&json).unwrap().text(), text);
        }
    }
}
