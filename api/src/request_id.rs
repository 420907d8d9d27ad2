//! The id of a request: it is in its answer, in the log, and in what the client of an internal error is told to quote.

use std::ops::Deref;
use std::sync::Arc;

/// The id of a request: the client's own, if it sent a sane one, or a new one.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl Deref for RequestId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl RequestId {
    /// The id that the client gave, or a new one.
    pub fn of(given: Option<&str>) -> Self {
        match given {
            Some(id) if is_sane(id) => Self(id.into()),
            _ => Self(uuid::Uuid::now_v7().to_string().into()),
        }
    }
}

fn is_sane(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_request_id_is_kept() {
        let check = |given: &str, kept: bool| assert_eq!(&*RequestId::of(Some(given)) == given, kept, "{given}");
        check("a-1_b.2", true);
        check("", false);
        check("a b", false);
        check("a\"b", false);
        check(
            "a234567890123456789012345678901234567890123456789012345678901234x",
            false,
        );
        assert_eq!(RequestId::of(None).len(), 36);
    }
}
