//! The reason of a failed attempt, in words.

use entity::AttemptErrorKind;

/// Renders the reason of a failed attempt, as text for people.
pub(crate) fn failure(code: Option<i32>, error: Option<AttemptErrorKind>) -> Option<String> {
    match (code, error) {
        (Some(code), _) => Some(format!("the receiver answered {code}")),
        (None, Some(error)) => Some(format!("the receiver was not reached: {}", error.as_str())),
        (None, None) => None,
    }
}
