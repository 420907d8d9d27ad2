//! The `Authorization` header: a bearer token, or a value as typed.

use crate::error::{Error, Result};
use http::HeaderValue;

/// The most bytes of a token or a value.
const MAX_BYTES: usize = 4096;

/// The checked value of the header, with the text that it was made from.
#[derive(Clone)]
pub struct Authorization {
    text: String,
    value: HeaderValue,
}

impl Authorization {
    /// Parses a token, which is sent as `Bearer <token>`. The error names the field `bearerToken`.
    pub fn bearer(token: String) -> Result<Self> {
        let value = check(&token).and_then(|()| value(&format!("Bearer {token}")));
        Self::new("bearerToken", token, value)
    }

    /// Parses a value, which is sent as typed. The error names the field `authorizationHeader`.
    pub fn header(text: String) -> Result<Self> {
        let value = check(&text).and_then(|()| value(&text));
        Self::new("authorizationHeader", text, value)
    }

    /// Returns the token or the value as typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the value to send.
    pub fn into_value(self) -> HeaderValue {
        self.value
    }

    fn new(field: &str, text: String, value: Result<HeaderValue, &'static str>) -> Result<Self> {
        let value = value.map_err(|reason| Error::invalid(field, reason))?;
        Ok(Self { text, value })
    }
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
        let bearer = Authorization::bearer("abc".into()).unwrap();
        assert_eq!(bearer.as_str(), "abc");
        assert_eq!(bearer.into_value(), "Bearer abc");
        let basic = Authorization::header("Basic dTpw".into()).unwrap().into_value();
        assert_eq!(basic, "Basic dTpw");
        assert_eq!(format!("{basic:?}"), "Sensitive");
    }

    #[test]
    fn what_would_break_the_header_is_refused_by_field() {
        for text in ["", "a\nb", "a\r\nX-Evil: 1", "a\tb", "ä", " a", "a ", &"a".repeat(4097)] {
            for (result, field) in [
                (Authorization::bearer(text.into()), "bearerToken"),
                (Authorization::header(text.into()), "authorizationHeader"),
            ] {
                let error = result.map(|_| ()).unwrap_err().to_string();
                assert!(error.starts_with(&format!("{field}: must ")), "{error}");
            }
        }
    }
}
