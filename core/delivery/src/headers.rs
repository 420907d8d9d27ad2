//! Request and response headers: checks the custom headers of a webhook, and renders headers for the record of an
//! attempt.

use crate::error::{Error, Result};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The most custom headers of a webhook.
const MAX_CUSTOM: usize = 32;

/// The most bytes of their names and values together.
const MAX_CUSTOM_BYTES: usize = 8 * 1024;

/// The most bytes of a response's headers that are recorded.
const MAX_RECORDED: usize = 16 * 1024;

/// The text that replaces a secret value.
const MASK: &str = "***";

/// The custom headers of a webhook, checked.
pub struct Custom {
    typed: Map<String, Value>,
    map: HeaderMap,
}

impl Custom {
    /// Parses a JSON object of strings. The error names the field `headers`.
    pub fn parse(headers: Value) -> Result<Self> {
        let Value::Object(typed) = headers else {
            return Err(fault("must be a JSON object of strings".into()));
        };
        let map = map(&typed)?;
        Ok(Self { typed, map })
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    /// Returns the names as typed, as a JSON list.
    pub fn names(&self) -> String {
        let names: Vec<_> = self.typed.keys().collect();
        serde_json::to_string(&names).expect("a list of strings always serializes")
    }

    /// Returns the names and values as typed, as a JSON object.
    pub fn json(&self) -> String {
        serde_json::to_string(&self.typed).expect("an object of strings always serializes")
    }

    /// Returns the headers to send.
    pub fn into_map(self) -> HeaderMap {
        self.map
    }
}

fn map(typed: &Map<String, Value>) -> Result<HeaderMap> {
    if typed.len() > MAX_CUSTOM {
        return Err(fault(format!("must have at most {MAX_CUSTOM} entries")));
    }
    let mut map = HeaderMap::with_capacity(typed.len());
    let mut bytes = 0;
    for (name, value) in typed {
        let about = |reason: &str| fault(format!("{} {reason}", shown(name)));
        let value = value.as_str().ok_or_else(|| about("must be a string"))?;
        bytes += name.len() + value.len();
        if bytes > MAX_CUSTOM_BYTES {
            return Err(fault(format!("must have at most {MAX_CUSTOM_BYTES} bytes together")));
        }
        let (name, value) = entry(name, value).map_err(about)?;
        if map.insert(name, value).is_some() {
            return Err(about("is given twice"));
        }
    }
    Ok(map)
}

fn fault(reason: String) -> Error {
    Error::invalid("headers", reason)
}

/// Renders request headers as JSON object text. Values marked as sensitive are masked: `Authorization` and every custom
/// header (see [`Signer`](crate::signer::Signer)). Signatures are shown: they reveal nothing of the secret.
pub fn sent(headers: &HeaderMap) -> String {
    object(headers, usize::MAX)
}

/// Renders response headers as JSON object text of bounded length; what does not fit is left out. Bytes that are not
/// UTF-8 become replacement characters.
pub fn received(headers: &HeaderMap) -> String {
    object(headers, MAX_RECORDED)
}

/// Checks one custom header; the error completes a sentence that begins with its name.
fn entry(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "is not a valid header name")?;
    if name == http::header::AUTHORIZATION {
        return Err("is set by authType BEARER or HEADER");
    }
    if is_reserved(name.as_str()) {
        return Err("is set by the server");
    }
    if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err("must have a value of visible ASCII characters and spaces");
    }
    if value.trim() != value {
        return Err("must have a value without spaces around it");
    }
    let value = HeaderValue::from_str(value).map_err(|_| "must have a valid value")?;
    Ok((name, value))
}

/// Returns whether a header is set by the server, describes the body or belongs to the connection. `name` is in lower
/// case.
fn is_reserved(name: &str) -> bool {
    const PREFIXES: [&str; 5] = ["webhook-", "x-hub-signature", "x-labelbox-", "content-", "proxy-"];
    const NAMES: [&str; 9] = [
        "host",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "expect",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Quotes a name for an error, cut to 64 characters.
fn shown(name: &str) -> String {
    format!("{:?}", name.chars().take(64).collect::<String>())
}

fn object(headers: &HeaderMap, limit: usize) -> String {
    let mut text = vec![b'{'];
    for name in headers.keys() {
        let end = text.len();
        if end > 1 {
            text.push(b',');
        }
        push(&mut text, name.as_str());
        text.push(b':');
        push(&mut text, &joined(headers, name));
        if text.len() + 1 > limit {
            text.truncate(end);
        }
    }
    text.push(b'}');
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Joins the values of one header; sensitive ones are masked.
fn joined<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Cow<'h, str> {
    let mut values = headers.get_all(name).iter().map(|value| match value.is_sensitive() {
        true => Cow::Borrowed(MASK),
        false => String::from_utf8_lossy(value.as_bytes()),
    });
    let first = values.next().unwrap_or_default();
    values.fold(first, |joined, value| joined + ", " + value)
}

/// Appends a string as JSON.
fn push(text: &mut Vec<u8>, string: &str) {
    serde_json::to_writer(text, string).expect("memory takes whatever is written");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn custom_headers_are_an_object_of_strings() {
        let given = json!({"X-Team": "blue", "User-Agent": "ours", "cookie": "a=b; c", "x-empty": ""});
        let custom = Custom::parse(given.clone()).unwrap();
        assert_eq!(custom.json(), given.to_string());
        assert_eq!(custom.names(), r#"["X-Team","User-Agent","cookie","x-empty"]"#);
        let map = custom.into_map();
        assert_eq!(map.len(), 4);
        assert_eq!(map["x-team"], "blue");
        assert!(Custom::parse(json!({})).unwrap().is_empty());
    }

    #[test]
    fn custom_headers_that_are_not_theirs_to_set_are_refused() {
        let check = |headers: Value, reason: &str| match Custom::parse(headers.clone()).map(Custom::into_map) {
            Err(Error::Invalid { field, reason: given }) => {
                assert_eq!(field, "headers");
                assert!(given.contains(reason), "{headers}: {given}");
            }
            other => panic!("{headers}: {other:?}"),
        };
        for name in [
            "Webhook-Id",
            "webhook-signature",
            "webhook-anything",
            "X-Hub-Signature",
            "x-hub-signature-256",
            "X-Labelbox-Event",
            "Host",
            "Content-Type",
            "content-length",
            "Content-Encoding",
            "Connection",
            "Keep-Alive",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "Expect",
            "Proxy-Authorization",
            "Proxy-Connection",
        ] {
            check(json!({ name: "x" }), "set by the server");
        }
        check(json!({"authorization": "x"}), "authType");
        check(json!({"": "x"}), "header name");
        check(json!({"a b": "x"}), "header name");
        check(json!({"a\r\nb": "x"}), "header name");
        check(json!({"ä": "x"}), "header name");
        for value in ["a\nb", "a\r\nX-Evil: 1", "a\tb", "a\0b", "\u{7f}", "ä"] {
            check(json!({ "x-a": value }), "visible ASCII");
        }
        check(json!({"x-a": " b"}), "spaces around");
        check(json!({"x-a": 1}), "must be a string");
        check(json!({"x-a": "1", "X-A": "2"}), "twice");
        for other in [json!(null), json!([]), json!("x"), json!(1)] {
            check(other, "JSON object");
        }
    }

    #[test]
    fn custom_headers_are_bounded() {
        let object = |count: usize, value: &str| {
            Value::Object((0..count).map(|i| (format!("x-{i:02}"), value.into())).collect())
        };
        assert!(Custom::parse(object(32, "v")).is_ok());
        assert!(Custom::parse(object(33, "v")).is_err());
        assert!(Custom::parse(object(2, &"v".repeat(4092))).is_ok());
        assert!(Custom::parse(object(2, &"v".repeat(4093))).is_err());
    }

    #[test]
    fn a_record_shows_every_header_and_no_secret() {
        let mut headers = HeaderMap::new();
        let mut token = HeaderValue::from_static("Bearer token");
        token.set_sensitive(true);
        headers.insert("authorization", token);
        headers.insert("x-hub-signature", HeaderValue::from_static("sha1=00"));
        headers.append("set-cookie", HeaderValue::from_static("a=\"1\""));
        headers.append("set-cookie", HeaderValue::from_bytes(b"b=\xff").unwrap());
        let value: Value = serde_json::from_str(&sent(&headers)).unwrap();
        assert_eq!(
            value,
            json!({"authorization": "***", "x-hub-signature": "sha1=00", "set-cookie": "a=\"1\", b=\u{fffd}"})
        );
        assert_eq!(sent(&HeaderMap::new()), "{}");
    }

    #[test]
    fn a_record_of_an_answer_is_bounded() {
        let mut headers = HeaderMap::new();
        headers.insert("x-large", HeaderValue::from_bytes(&[0xff; 30_000]).unwrap());
        for i in 0..90 {
            headers.insert(
                HeaderName::from_bytes(format!("x-{i}").as_bytes()).unwrap(),
                "\"".repeat(150).parse().unwrap(),
            );
        }
        let text = received(&headers);
        assert!(text.len() <= MAX_RECORDED && text.len() > MAX_RECORDED - 400);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(value.get("x-large").is_none());
    }
}
