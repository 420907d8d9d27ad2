//! The signature of Standard Webhooks 1.0: HMAC-SHA256 over `{id}.{timestamp}.{body}`, as `v1,` and base64. During the
//! grace period of an old secret there is one token per secret, and the receiver accepts any that matches. Nothing else
//! may appear in the header: a published library fails on a token without its comma.

use super::secret::standard_key;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use sha2::Sha256;

/// The signature of one delivery with one secret.
#[derive(Clone)]
pub(crate) struct Standard(Hmac<Sha256>);

impl Standard {
    pub(crate) fn new(secret: &str) -> Self {
        Self(Hmac::new_from_slice(&standard_key(secret)).expect("HMAC takes a key of any length"))
    }

    /// Hashes what is signed before the body.
    pub(crate) fn start(&mut self, id: &[u8], timestamp: &[u8]) {
        for part in [id, b".", timestamp, b"."] {
            self.0.update(part);
        }
    }

    pub(crate) fn update(&mut self, block: &[u8]) {
        self.0.update(block);
    }
}

/// Returns the value of `webhook-signature`: the tokens in the order of the secrets.
pub(crate) fn finish(signatures: Vec<Standard>) -> HeaderValue {
    let mut text = String::with_capacity(48 * signatures.len());
    for signature in signatures {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str("v1,");
        STANDARD.encode_string(signature.0.finalize().into_bytes(), &mut text);
    }
    HeaderValue::try_from(text).expect("base64, commas and spaces are a valid value")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of the specification's own libraries. Their ids are not UUIDs, so they are checked here and not
    /// through [`Signer`](crate::signer::Signer).
    #[test]
    fn the_published_vectors_come_out() {
        let check = |secret: &str, id: &str, timestamp: &str, body: &str, token: &str| {
            let mut signature = Standard::new(secret);
            signature.start(id.as_bytes(), timestamp.as_bytes());
            signature.update(body.as_bytes());
            assert_eq!(finish(vec![signature]), token);
        };
        check(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        );
        check(
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            "1649367553",
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        );
    }
}
