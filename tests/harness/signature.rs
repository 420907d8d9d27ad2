//! Signatures, made and checked without a line of the service's own code.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha1::Sha1;
use sha2::Sha256;

/// `X-Hub-Signature` of the ANGO form: bare hex.
pub fn hub_sha1(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// `X-Hub-Signature-256`, with its prefix.
pub fn hub_sha256(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac_sha256(secret.as_bytes(), body)))
}

/// One token of `webhook-signature`.
pub fn standard(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    format!("v1,{}", STANDARD.encode(hmac_sha256(&standard_key(secret), &content)))
}

/// The key of a secret: base64 behind `whsec_`, or else the secret's own bytes.
fn standard_key(secret: &str) -> Vec<u8> {
    match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).expect("a whsec_ secret is base64"),
        None => secret.as_bytes().to_vec(),
    }
}

fn hmac_sha256(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

/// Panics unless the published Standard Webhooks library accepts these headers for these bytes.
pub fn assert_standard(secret: &str, headers: &HeaderMap, body: &[u8]) {
    let encoded = format!("whsec_{}", STANDARD.encode(standard_key(secret)));
    let library = standardwebhooks::Webhook::new(&encoded).expect("a key of bytes is a key");
    if let Err(error) = library.verify(body, headers) {
        panic!("the Standard Webhooks library refuses the delivery: {error}\n{headers:#?}");
    }
}

#[cfg(test)]
mod tests {
    use super::{hub_sha1, standard};

    #[test]
    fn published_vectors_are_met() {
        let body = r#"{"batches":["Le Croissànt"]}"#.as_bytes();
        assert_eq!(
            hub_sha1("your_secret_key", body),
            "2a137e8c93c170e597384959e8c316701fb0ba5d"
        );
        assert_eq!(
            hub_sha1("example_secret", br#"{"id":"x"}"#),
            "90efda17a4754fc32c5dc3c0db7a5f20ed38186b"
        );
        let (secret, id) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek");
        let token = standard(secret, id, 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(token, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
