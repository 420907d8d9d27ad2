//! Verifies a signature in any form that the server sends, for `labelhook verify` and for the receiver of the
//! demonstration.

use super::secret;
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// A signature as it appears in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// `X-Hub-Signature`: HMAC-SHA1 of the body, with or without `sha1=`.
    Sha1(Vec<u8>),
    /// `X-Hub-Signature-256`: HMAC-SHA256 of the body, after `sha256=`.
    Sha256(Vec<u8>),
    /// `webhook-signature`: one or more HMAC-SHA256 of `id.timestamp.body`.
    Standard {
        /// The value of `webhook-id`.
        id: String,
        /// The value of `webhook-timestamp`.
        timestamp: String,
        /// The signatures; one match is enough.
        signatures: Vec<Vec<u8>>,
    },
}

impl Claim {
    /// Parses a header's value. Returns `None` when it has no form that the server sends.
    pub fn parse(text: &str, id: Option<&str>, timestamp: Option<&str>) -> Option<Self> {
        if let Some(hex) = text.strip_prefix("sha256=") {
            return hex::decode(hex).ok().map(Self::Sha256);
        }
        if text.starts_with("v1,") {
            let tokens = text.split(' ').filter_map(|token| token.strip_prefix("v1,"));
            let signatures = tokens
                .map(|token| BASE64_STANDARD.decode(token).ok())
                .collect::<Option<_>>()?;
            return Some(Self::Standard {
                id: id?.to_owned(),
                timestamp: timestamp?.to_owned(),
                signatures,
            });
        }
        hex::decode(text.strip_prefix("sha1=").unwrap_or(text))
            .ok()
            .filter(|hash| hash.len() == 20)
            .map(Self::Sha1)
    }
}

/// Returns whether `claim` was made with `secret` over `body`. Compares in constant time.
pub fn verify(secret: &str, claim: &Claim, body: &[u8]) -> bool {
    let keyed = "an HMAC key may have any length";
    match claim {
        Claim::Sha1(hash) => {
            let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect(keyed);
            mac.chain_update(body).verify_slice(hash).is_ok()
        }
        Claim::Sha256(hash) => {
            let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect(keyed);
            mac.chain_update(body).verify_slice(hash).is_ok()
        }
        Claim::Standard {
            id,
            timestamp,
            signatures,
        } => {
            let mac = Hmac::<Sha256>::new_from_slice(&secret::standard_key(secret)).expect(keyed);
            let mac = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
            signatures
                .iter()
                .any(|signature| mac.clone().verify_slice(signature).is_ok())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_vectors_hold() {
        let check = |secret: &str, signature: &str, body: &str| {
            let claim = Claim::parse(signature, None, None).expect("one of our forms");
            assert!(verify(secret, &claim, body.as_bytes()), "{signature}");
            assert!(!verify("another", &claim, body.as_bytes()), "{signature}");
            assert!(!verify(secret, &claim, b"other bytes"), "{signature}");
        };
        check("your_secret_key", "b5c965129b8a43f1b4e22112bac2b510763b15d5", "{}");
        check(
            "example_secret",
            "sha1=90efda17a4754fc32c5dc3c0db7a5f20ed38186b",
            r#"{"id":"x"}"#,
        );
    }

    #[test]
    fn the_specifications_vector_holds() {
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let claim = Claim::parse(signature, Some("msg_p5jXN8AQM9LWM0D4loKWxJek"), Some("1614265330"));
        let claim = claim.expect("one of our forms");
        assert!(verify(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            &claim,
            br#"{"test": 2432232314}"#
        ));
        assert!(Claim::parse(signature, None, None).is_none());
    }
}
