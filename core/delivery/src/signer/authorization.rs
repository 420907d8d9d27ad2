//! The `Authorization` header: a bearer token, or a value as typed.

use crate::error::{Error, Result};
use http::HeaderValue;

/// The most bytes of a token or a value.
const MAX_BYTES: usize = 4096;

/// Returns `Bearer <token>` as a header value. `field` is the input's field, for the error.
pub fn bearer(field: &str, token: &str) -> Result<HeaderValue> {
    check(token)
        .and_then(|()| value(&format!("Bearer {token}")))
        .map_err(|reason| Error::invalid(field, reason))
}

/// Returns the value as typed. `field` is the input's field, for the error.
pub fn free(field: &str, text: &str) -> Result<HeaderValue> {
    check(text)
        .and_then(|()| value(text))
        .map_err(|reason| Error::invalid(field, reason))
}

fn check(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("must not be empty");
    }
    if text.len() > MAX_BYTES {
        return Err("must have at most 4096 bytes");
    }
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err("must consist of visible ASCII characters and spaces");
    }
    if text.trim() != text {
        return Err("must not start or end with a space");
    }
    Ok(())
}

/// Makes a header value that is marked as sensitive, so that logs and records mask it.
fn value(text: &str) -> Result<HeaderValue, &'static str> {
    let mut value = HeaderValue::from_str(text).map_err(|_| "is not a valid header value")?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_sensitive_and_as_typed() {
        assert_eq!(bearer("bearerToken", "abc").unwrap(), "Bearer abc");
        let basic = free("bearerToken", "Basic dTpw").unwrap();
        assert_eq!(basic, "Basic dTpw");
        assert_eq!(format!("{basic:?}"), "Sensitive");
    }

    #[test]
    fn what_would_break_the_header_is_refused_by_field() {
        for text in ["", "a\nb", "a\r\nX-Evil: 1", "a\tb", "ä", " a", "a ", &"a".repeat(4097)] {
            for error in [
                bearer("bearerToken", text).unwrap_err(),
                free("bearerToken", text).unwrap_err(),
            ] {
                assert!(error.to_string().starts_with("bearerToken: must "), "{error}");
            }
        }
    }
}
