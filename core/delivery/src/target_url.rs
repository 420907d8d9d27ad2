//! [`TargetUrl`]: the URL of a webhook, parsed once at the edge, so that later code need not check it again. It does
//! not say whether the host may be called: that depends on the address behind the name at the moment of connecting (the
//! SSRF guard, [`dispatcher::guard`](crate::guard)).

use crate::error::{Error, Result};
use http::Uri;
use std::fmt;
use url::{Host, Url};

/// The most characters of a URL.
pub const MAX_CHARS: usize = 2048;

/// An `http` or `https` URL with a host, without credentials or fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetUrl {
    text: String,
    uri: Uri,
}

impl TargetUrl {
    /// Parses a URL as typed; the error names the field `url`.
    pub fn parse(text: &str) -> Result<Self> {
        let uri = read(text).map_err(|reason| Error::invalid("url", reason))?;
        Ok(Self {
            text: text.to_owned(),
            uri,
        })
    }

    /// Returns the text as typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the form to send to. Host names are in ASCII and literal addresses in their usual form (`2130706433` is
    /// `127.0.0.1`), so that the address that is checked is the address that is called.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Masks the query of a URL, which may contain a token, before the URL is shown to others.
pub fn masked(url: &str) -> String {
    match url.split_once('?') {
        Some((head, _)) => format!("{head}?***"),
        None => url.to_owned(),
    }
}

fn read(text: &str) -> Result<Uri, String> {
    check_text(text)?;
    let url = Url::parse(text).map_err(|error| format!("is not a valid URL: {error}"))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err("must name a host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CREDENTIALS.into());
    }
    if let Some(Host::Domain(name)) = url.host() {
        check_name(name)?;
    }
    if url.port() == Some(0) {
        return Err("must not use port 0".into());
    }
    url.as_str().parse().map_err(|_| "is not a valid URL".into())
}

/// Checks the raw text for faults that the parser would silently repair: it drops tabs and line ends, turns `\` into
/// `/` and reads `https:/abc` and `https:///abc` as the host `abc`.
fn check_text(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("must not be empty".into());
    }
    if text.chars().count() > MAX_CHARS {
        return Err(format!("must have at most {MAX_CHARS} characters"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must not contain spaces or control characters".into());
    }
    if text.contains('\\') {
        return Err("must not contain a backslash".into());
    }
    if text.contains('#') {
        return Err("must not have a fragment".into());
    }
    let (scheme, rest) = text.split_once(':').ok_or("must be an absolute http or https URL")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err("must be an http or https URL".into());
    }
    let rest = rest.strip_prefix("//").ok_or("must name a host after ://")?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(CREDENTIALS.into());
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err("must name a host after ://".into());
    }
    Ok(())
}

const CREDENTIALS: &str = "must not contain credentials; send them as a header, with authType HEADER";

/// Checks the lengths of a host name (RFC 1035, section 2.3.4): no name server answers for one beyond them.
fn check_name(name: &str) -> Result<(), String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.len() > 253 || name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err("must have a host name of at most 253 bytes, with 1 to 63 between two dots".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, reason: &str) {
        match TargetUrl::parse(text) {
            Err(Error::Invalid { field, reason: given }) => {
                assert_eq!(field, "url");
                assert!(given.contains(reason), "{text:?}: {given}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn a_url_keeps_its_text_and_is_sent_to_in_ascii() {
        for (text, uri) in [
            ("https://example.com/hook?a=b", "https://example.com/hook?a=b"),
            ("HTTP://Example.COM", "http://example.com/"),
            ("http://example.com:8080", "http://example.com:8080/"),
            ("http://example.com?x=1", "http://example.com/?x=1"),
            ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
            ("http://[::1]:9000/x", "http://[::1]:9000/x"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://0177.0.0.1/", "http://127.0.0.1/"),
            ("http://127.1/", "http://127.0.0.1/"),
            ("http://①②⑦.0.0.1/", "http://127.0.0.1/"),
            ("http://example.com/a@b", "http://example.com/a@b"),
            (
                "http://example.com/{a}|^`\"'<>[]?{}|^`\"'<>[]@:",
                "http://example.com/%7Ba%7D|^%60%22'%3C%3E[]?{}|^`%22%27%3C%3E[]@:",
            ),
        ] {
            let target = TargetUrl::parse(text).expect(text);
            assert_eq!(target.as_str(), text);
            assert_eq!(target.uri().to_string(), uri, "{text}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_delivered_to_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "empty"),
            ("example.com/x", "absolute"),
            ("localhost:80/x", "http or https"),
            ("ftp://example.com/", "http or https"),
            ("javascript:alert(1)", "http or https"),
            ("https:/abc", "host"),
            ("https:abc", "host"),
            ("https:///abc", "host"),
            ("https://", "host"),
            ("https://?x", "host"),
            ("https://:80/", "host"),
            ("http://user@example.com/", "credentials"),
            ("http://user:word@example.com/", "credentials"),
            ("http://@example.com/", "credentials"),
            ("http://:@example.com/", "credentials"),
            ("http://example.com/#", "fragment"),
            ("http://example.com/#part", "fragment"),
            ("http://example.com\\@evil.example/", "backslash"),
            ("http://example.com/a b", "spaces"),
            (" http://example.com/", "spaces"),
            ("http://example.com/\n", "spaces"),
            ("ht\ttp://example.com/", "spaces"),
            ("http://example.com/\u{0}", "control"),
            ("http://example.com/\u{a0}", "spaces"),
            ("http://example.com:0/", "port 0"),
            ("http://example.com:65536/", "not a valid URL"),
            ("http://exa mple.com/", "spaces"),
            ("http://[::1/", "not a valid URL"),
            ("http://256.256.256.256/", "not a valid URL"),
            ("http://exa%00mple.com/", "not a valid URL"),
        ] {
            refused(text, reason);
        }
    }

    #[test]
    fn a_query_is_told_to_nobody() {
        for (url, told) in [
            ("https://example.com/a?token=secret&x=1", "https://example.com/a?***"),
            ("https://example.com?token", "https://example.com?***"),
            ("https://example.com/a", "https://example.com/a"),
        ] {
            assert_eq!(masked(url), told);
        }
    }

    #[test]
    fn a_host_name_that_no_name_server_knows_is_refused() {
        let label = "a".repeat(63);
        assert!(TargetUrl::parse(&format!("https://{label}.example.com./hook")).is_ok());
        refused(&format!("https://{label}a.example.com/hook"), "1 to 63");
        refused("https://example..com/hook", "1 to 63");
        refused(
            &format!("https://{}com/hook", format!("{label}.").repeat(4)),
            "253 bytes",
        );
    }

    #[test]
    fn length_is_counted_in_characters() {
        let fits = format!("http://example.com/{}", "ü".repeat(MAX_CHARS - 19));
        assert!(TargetUrl::parse(&fits).is_ok());
        refused(&format!("{fits}ü"), "2048");
    }
}
