//! Secrets of webhooks: which ones are accepted, which bytes are the signing key, and the form that is shown once.
//!
//! A secret is a string with two readings. `X-Hub-Signature` takes its bytes as typed. Standard Webhooks takes what
//! follows `whsec_` as base64; a secret without the prefix is its own key, and [`whsec_form`] is the form that a Standard
//! Webhooks library takes for it.

use crate::error::{Error, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// The most bytes of a secret.
pub const MAX_BYTES: usize = 1024;

const PREFIX: &str = "whsec_";

/// Generates a secret: `whsec_` and 32 random bytes in base64.
pub fn generate() -> String {
    let mut key = Zeroizing::new([0; 32]);
    rand::fill(&mut key[..]);
    format!("{PREFIX}{}", STANDARD.encode(&key[..]))
}

/// The checked text of a secret. It is erased from memory when dropped.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Parses a webhook's secret. The error names the field `secret`.
    pub fn parse(text: String) -> Result<Self> {
        let text = Zeroizing::new(text);
        check(&text)?;
        Ok(Self(text))
    }

    /// Returns the text as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(secret: &str) -> Result<()> {
    let refuse = |reason: &str| Err(Error::invalid("secret", reason));
    if secret.is_empty() {
        return refuse("must not be empty");
    }
    if secret.len() > MAX_BYTES {
        return refuse("must have at most 1024 bytes");
    }
    if secret.chars().any(char::is_control) {
        return refuse("must not contain control characters");
    }
    if secret.trim() != secret {
        return refuse("must not begin or end with blanks");
    }
    if secret.starts_with("v1,") {
        return refuse("must not begin with `v1,`: that marks a signature, or a list of secrets; give what follows it");
    }
    match secret.strip_prefix(PREFIX).map(|text| STANDARD.decode(text)) {
        None => Ok(()),
        Some(Ok(key)) if (24..=64).contains(&key.len()) => Ok(()),
        Some(_) => refuse("must be 24 to 64 bytes in padded base64 after whsec_"),
    }
}

/// Returns the key of the Standard Webhooks signature.
pub fn standard_key(secret: &str) -> Zeroizing<Vec<u8>> {
    let decoded = secret.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    Zeroizing::new(decoded.unwrap_or_else(|| secret.as_bytes().to_vec()))
}

/// Returns the secret as a Standard Webhooks library takes it: `whsec_` and padded base64.
pub fn whsec_form(secret: &str) -> String {
    format!("{PREFIX}{}", STANDARD.encode(&*standard_key(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_checked_before_it_is_kept() {
        let long = "x".repeat(MAX_BYTES);
        for pasted in [" s", "s ", "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(check(pasted).is_err(), "{pasted}");
        }
        for fits in [
            "s",
            "your_secret_key",
            "schlüssel",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            &long,
        ] {
            assert!(check(fits).is_ok(), "{fits}");
        }
        let over = "x".repeat(MAX_BYTES + 1);
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let wide = format!("whsec_{}", STANDARD.encode([7; 65]));
        let unpadded = format!("whsec_{}", STANDARD.encode([7; 25]).trim_end_matches('='));
        for refused in [
            "",
            "a\nb",
            "a\u{7f}",
            "whsec_",
            "whsec_not base64!",
            &over,
            &short,
            &wide,
            &unpadded,
        ] {
            let error = check(refused).expect_err(refused);
            assert!(error.to_string().starts_with("secret: must"), "{error}");
        }
    }

    #[test]
    fn a_generated_secret_is_accepted_and_differs_every_time() {
        let secret = generate();
        check(&secret).unwrap();
        assert_eq!(standard_key(&secret).len(), 32);
        assert_ne!(secret, generate());
    }

    #[test]
    fn the_key_is_what_follows_the_prefix_or_the_text_itself() {
        assert_eq!(&standard_key("your_secret_key")[..], b"your_secret_key");
        assert_eq!(standard_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").len(), 24);
        assert_eq!(&standard_key("whsec_?")[..], b"whsec_?");
    }

    #[test]
    fn the_shown_form_gives_the_same_key() {
        assert_eq!(whsec_form("example_secret"), "whsec_ZXhhbXBsZV9zZWNyZXQ=");
        for secret in ["example_secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert_eq!(standard_key(&whsec_form(secret)), standard_key(secret));
        }
    }
}
